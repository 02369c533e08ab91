"""Random shops: customers, orders with their lines, what was taken back, and exchange rates, as landing rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st

FIRST = date(2025, 1, 1)
CURRENCIES = {"yen_shop": "JPY", "dollar_shop": "USD"}
SOLD = ("placed", "paid", "shipped", "returned")


class Line(NamedTuple):
    """One line of an order; `amount` is without tax, discounts and points are negative."""

    kind: str
    amount: Decimal
    rate: float

    @property
    def tax(self) -> Decimal:
        """Tax at the line's rate, to the cent."""
        return (self.amount * Decimal(str(self.rate))).quantize(Decimal("0.01"), ROUND_HALF_UP)


class Adjustment(NamedTuple):
    """Something taken back on a day: of one line (its place), of the whole order, or of an order nobody has."""

    day: date
    kind: str
    amount: Decimal
    line: int | None = None
    person: int | None = None


class Order(NamedTuple):
    """One order; `person` is None where it names nobody, `known_by` says what of the person stands on it."""

    shop: str
    day: date
    person: int | None
    known_by: str
    status: str
    is_test: bool
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]

    @property
    def is_sold(self) -> bool:
        """Whether it is a sale."""
        return self.status in SOLD and not self.is_test

    @property
    def net(self) -> Decimal:
        """Goods less discounts."""
        return sum((line.amount for line in self.lines if line.kind in ("item", "discount")), Decimal(0))


class Shopping(NamedTuple):
    """Everything that was bought and taken back, and the yen a dollar cost since some days."""

    orders: tuple[Order, ...]
    strays: tuple[tuple[str, Adjustment], ...]
    rates: tuple[tuple[date, Decimal], ...]


def days(last: int = 110) -> st.SearchStrategy[date]:
    """A day from the first of January 2025 on."""
    return st.integers(0, last).map(lambda n: FIRST + timedelta(days=n))


def _amounts(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda cents: Decimal(cents) / 100)


_rates = st.sampled_from([0.0, 0.08, 0.1])
_lines = st.one_of(
    st.builds(Line, st.just("item"), _amounts(0, 900_000), _rates),
    st.builds(Line, st.sampled_from(["shipping", "fee"]), _amounts(0, 90_000), _rates),
    st.builds(Line, st.sampled_from(["discount", "points"]), _amounts(-400_000, 0), _rates),
)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """An order with what was taken back of it, on the day itself or later."""
    day = draw(days())
    lines = draw(st.lists(_lines, min_size=1, max_size=4))
    status = draw(st.sampled_from(["placed", "paid", "shipped", "shipped", "cancelled", "returned", "pending"]))
    adjustments = draw(
        st.lists(
            st.builds(
                Adjustment,
                st.integers(0, 60).map(lambda n: day + timedelta(days=n)),
                st.sampled_from(["return", "refund", "chargeback"]),
                _amounts(-900_000, 0),
                st.one_of(st.none(), st.integers(0, len(lines) - 1)),
            ),
            max_size=2,
        )
    )
    return Order(
        draw(st.sampled_from(list(CURRENCIES))),
        day,
        draw(st.one_of(st.none(), st.integers(0, 3))),
        draw(st.sampled_from(["number", "mail", "phone"])),
        status,
        draw(st.integers(0, 9)) == 0,
        tuple(lines),
        tuple(adjustments),
    )


_strays = st.tuples(
    st.sampled_from(list(CURRENCIES)),
    st.builds(
        Adjustment, days(), st.sampled_from(["cancel", "refund"]), _amounts(-90_000, 0), st.none(),
        st.one_of(st.none(), st.integers(0, 4)),
    ),
)  # fmt: skip
shoppings = st.builds(
    Shopping,
    st.lists(orders(), max_size=12).map(tuple),
    st.lists(_strays, max_size=2).map(tuple),
    st.lists(st.tuples(days(), _amounts(9_000, 16_000)), max_size=3, unique_by=lambda rate: rate[0]).map(tuple),
)


def landing(shopping: Shopping) -> dict[str, list[dict[str, Any]]]:
    """The landing rows of all shops; each person has an account in each, so that whatever stands on an order leads to them."""
    accounts = [
        {
            "connection": shop,
            "customer_pid": f"{shop}-{person}",
            "mail_pid": f"mail-{person}",
            "phone_pid": f"phone-{person}",
            "status": "active",
            "registered_at": _noon(FIRST),
            "business_date": FIRST,
        }
        for shop in CURRENCIES
        for person in range(5)
    ]
    order_rows, line_rows, adjustment_rows = [], [], []
    for number, order in enumerate(shopping.orders):
        shared: dict[str, Any] = {"connection": order.shop, "order_id": f"o{number}", "business_date": order.day}
        shared["currency"] = CURRENCIES[order.shop]
        total = sum((line.amount + line.tax for line in order.lines), Decimal(0))
        order_rows.append(
            shared
            | _known_by(order.shop, order.person, order.known_by)
            | {"ordered_at": _noon(order.day), "status": order.status, "is_test": order.is_test, "total_amount": total}
        )
        for place, line in enumerate(order.lines):
            line_rows.append(
                shared
                | {
                    "line_no": str(place),
                    "line_type": line.kind,
                    "quantity": 1.0,
                    "unit_price": line.amount,
                    "is_tax_included": False,
                    "tax_rate": line.rate,
                    "amount": line.amount,
                    "tax_amount": line.tax,
                }
            )
        for place, adjustment in enumerate(order.adjustments):
            line_no = None if adjustment.line is None else str(adjustment.line)
            adjustment_rows.append(
                _adjustment(order.shop, f"a{number}-{place}", adjustment) | {"order_id": f"o{number}", "line_no": line_no}
            )
        if order.status in ("cancelled", "returned"):
            kind = {"cancelled": "cancel", "returned": "return"}[order.status]
            whole = Adjustment(order.day + timedelta(days=3), kind, min(-total, Decimal(0)))
            adjustment_rows.append(_adjustment(order.shop, f"o{number}-{kind}", whole) | {"order_id": f"o{number}"})
    for number, (shop, stray) in enumerate(shopping.strays):
        adjustment_rows.append(_adjustment(shop, f"s{number}", stray) | _known_by(shop, stray.person, "number"))
    return {"ec.customers": accounts, "ec.orders": order_rows, "ec.order_lines": line_rows, "ec.adjustments": adjustment_rows}


def seeds(shopping: Shopping) -> dict[str, list[dict[str, Any]]]:
    """The exchange rates."""
    rows = [{"currency": "USD", "rate_date": day, "jpy_per_unit": rate, "source": "made up"} for day, rate in shopping.rates]
    return {"fx_rates": rows}


def _adjustment(shop: str, adjustment_id: str, adjustment: Adjustment) -> dict[str, Any]:
    return {
        "connection": shop,
        "adjustment_id": adjustment_id,
        "type": adjustment.kind,
        "adjusted_at": _noon(adjustment.day),
        "amount": adjustment.amount,
        "tax_amount": Decimal(0),
        "currency": CURRENCIES[shop],
        "business_date": adjustment.day,
    }


def _known_by(shop: str, person: int | None, known_by: str) -> dict[str, Any]:
    if person is None:
        return {}
    return {
        "number": {"customer_pid": f"{shop}-{person}"},
        "mail": {"mail_pid": f"mail-{person}"},
        "phone": {"phone_pid": f"phone-{person}"},
    }[known_by]


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
