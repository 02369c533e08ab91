"""The law: after any history of landings a warehouse that is kept has, row by row, what a build from nothing gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.models.compiled import LAW, Compiled, Day, Rows
from tests.models.conftest import compiled
from tests.models.shopping import Line, Order, Shopping, landing, orders, seeds
from tests.models.shopping import days as days_of_shopping

REPORTS = (
    "fct_order_lines", "rpt_customer_months", "rpt_second_purchases", "int_retention_subjects", "rpt_rfm_segments",
    "rpt_sns_posts", "rpt_customer_cohorts", "int_scorecard_intervals", "dim_customers",
)  # fmt: skip
# What changed, and what changed since the last build, is another thing in a build from nothing.
OF_THE_BUILD = {
    "stg_ec__changed_orders", "int_changed_orders", "int_changed_customers", "stg_sns__changed_posts", "int_changed_posts",
    "int_changed_months", "int_month_digests", "int_customer_digests", "int_changed_deeds", "int_changed_aliases",
    "stg_ec__changed_adjustments", "stg_ec__changed_customers", "stg_ec__changed_points", "int_changed_adjustments",
    "int_other_sightings", "int_changed_sightings", "int_touched_aliases", "int_changed_activities",
    "int_changed_sales_months",
}  # fmt: skip
FIRST = date(2025, 2, 1)
SHOP = "yen_shop"
Rates = tuple[tuple[date, Decimal], ...]
Accounts = dict[int, dict[str, Any]]  # by person


class Deed(NamedTuple):
    """A row of `table` about a person; of the same number are versions of it, or events of one subscription."""

    table: str
    number: int
    person: int
    day: date
    is_other: bool

    def row(self) -> dict[str, Any]:
        """A landing row: a review for a gift or for nothing, a subscription's end or start, points spent or earned; a refund."""
        noon, other = datetime.combine(self.day, time(12), UTC), self.is_other
        told: dict[str, dict[str, Any]] = {
            "ec.reviews": {"review_id": "r", "reviewed_at": noon, "rating": 4.0, "is_incentivised": other},
            "ec.subscription_events": {
                "subscription_id": "t", "event": "cancelled" if other else "activated", "occurred_at": noon,
                "monthly_amount": Decimal(1000), "currency": "JPY",
            },
            "ec.points": {"transaction_id": "p", "occurred_at": noon, "type": "used" if other else "earned", "points": 5.0},
            "ec.adjustments": {
                "adjustment_id": "d", "adjusted_at": noon, "type": "refund", "amount": Decimal(-60), "tax_amount": Decimal(0),
                "currency": "JPY",
            },
        }  # fmt: skip
        named = {name: f"{value}{self.number}" if name.endswith("_id") else value for name, value in told[self.table].items()}
        if self.table == "ec.adjustments":
            # The third is of an order that nobody knows.
            named["order_id"] = ("o0" if other else "o1") if self.number < 2 else None
            named["amount"] = Decimal(-30 if other and self.number == 2 else -60)
        return named | {"connection": SHOP, "customer_pid": f"{SHOP}-{self.person}", "business_date": self.day}


class Content(NamedTuple):
    """What a connection's day of change holds: new orders, other versions of earlier ones, and what persons did beside buying.

    `accounts` is what else than usual stands on whose account, so that two persons turn out to be one, or one to be two; None on
    a day without accounts.
    """

    shopping: Shopping
    read: list[dict[str, Any]]
    deeds: list[Deed]
    accounts: Accounts | None
    hour: int


readings = st.lists(
    st.fixed_dictionaries(
        {
            "connection": st.sampled_from(["one", "other"]),
            "platform": st.sampled_from(["x", "line"]),
            "post_id": st.sampled_from(["p", "q"]),
            "read_on": st.integers(0, 3),
            "likes": st.one_of(st.none(), st.integers(0, 9)),
        }
    ),
    max_size=6,
)
persons = st.integers(0, 3)
# Of two persons, so that it is often one who bought.
deeds = st.lists(
    st.builds(
        Deed, st.sampled_from(["ec.reviews", "ec.subscription_events", "ec.points", "ec.adjustments"]), st.integers(0, 2),
        st.integers(0, 1), days_of_shopping(), st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda deed: (deed.table, deed.number),
)  # fmt: skip
bought = st.builds(Shopping, st.lists(orders(), min_size=2, max_size=6).map(tuple), st.just(()), st.just(()))
told = st.one_of(
    st.builds(lambda into: {"merged_into_pid": f"{SHOP}-{into}"}, persons),
    st.sampled_from([{"mail_pid": "mail-0"}, {"mail_pid": "mail-5"}, {"phone_pid": "phone-0"}, {"social_pid": "handle"}]),
)
named = st.dictionaries(persons, told, max_size=2)
accounts = st.one_of(st.none(), named, named)
contents = st.builds(Content, bought, readings, st.one_of(st.just([]), deeds), accounts, st.integers(0, 23))
_nothing = Shopping((), (), ())
# Nobody buys, so that what they do beside it is all that may have changed.
quiet = st.builds(Content, st.just(_nothing), st.just([]), deeds, st.none(), st.integers(0, 23))
# The days that are landed, and landed again, night by night.
busy_nights = st.dictionaries(st.integers(0, 3), st.one_of(contents, contents, st.none()), min_size=1, max_size=2)
quiet_nights = st.dictionaries(st.integers(4, 5), st.one_of(quiet, quiet, st.none()), min_size=1, max_size=2)
nights = st.builds(
    lambda first, later: [first, *later], busy_nights, st.lists(st.one_of(busy_nights, quiet_nights), min_size=1, max_size=3)
)
rates = st.sampled_from([(), ((date(2025, 2, 10), Decimal(150)),)])

# Three persons buy; the first reviews, the second subscribes. Then the review is another, the subscription was none, and the
# third spends points: nobody buys.
_bought = tuple(
    Order(SHOP, date(2025, 1, 5), person, "number", "paid", False, (Line("item", Decimal(100), 0.1),), ()) for person in range(3)
)
_review = Deed("ec.reviews", 0, 0, date(2025, 1, 5), False)
_start = Deed("ec.subscription_events", 0, 1, date(2025, 1, 5), False)
BESIDE_BUYING: list[dict[int, Content]] = [
    {0: Content(Shopping(_bought, (), ()), [], [], {}, 0), 1: Content(_nothing, [], [_review, _start], None, 1)},
    {
        1: Content(_nothing, [], [_review._replace(is_other=True)], None, 1),
        2: Content(_nothing, [], [Deed("ec.points", 0, 2, date(2025, 1, 6), True)], None, 2),
    },
]
# Two refunds of one order, more than it came to, to others than who bought it, and one of no known order. Then one turns out to
# be of another order; or the last to be less; or the orders came to less; or who got one is one person with somebody who bought
# nothing of it; or two who bought are one person.
_refunds = [Deed("ec.adjustments", number, person, date(2025, 1, 6), False) for number, person in ((0, 0), (1, 3))]
_of_no_order = Deed("ec.adjustments", 2, 0, date(2025, 1, 6), False)
_cheaper = tuple(order._replace(lines=(Line("item", Decimal(50), 0.1),)) for order in _bought)
REFUNDED = {0: Content(Shopping(_bought, (), ()), [], [], {}, 0), 1: Content(_nothing, [], [*_refunds, _of_no_order], None, 1)}
MOVED = {2: Content(_nothing, [], [_refunds[0]._replace(is_other=True)], None, 2)}
REFUNDED_LESS = {2: Content(_nothing, [], [_of_no_order._replace(is_other=True)], None, 2)}
CHEAPER = {0: Content(Shopping(_cheaper, (), ()), [], [], {}, 0)}
WHO_WAS_REFUNDED_IS_ANOTHER = {2: Content(_nothing, [], [], {3: {"merged_into_pid": f"{SHOP}-2"}}, 2)}
WHO_BOUGHT_IS_ANOTHER = {2: Content(_nothing, [], [], {1: {"merged_into_pid": f"{SHOP}-0"}}, 2)}
NOTHING: dict[int, Content | None] = {2: None}
# Refunds come later than the orders, and are taken back.
LATER_REFUNDED: list[dict[int, Content | None]] = [{0: REFUNDED[0]}, {1: REFUNDED[1]}, {1: None}]
# Two are one person, and two again, and one of them spent points.
_spent = {3: Content(_nothing, [], [Deed("ec.points", 0, 1, date(2025, 1, 6), True)], None, 3)}
SPLIT = [REFUNDED | _spent, WHO_BOUGHT_IS_ANOTHER, NOTHING]
NOT_SPENT: list[dict[int, Content | None]] = [REFUNDED | _spent, {3: None}]


def _known(*accounts: tuple[int, Accounts]) -> list[dict[int, Content | None]]:
    """Orders, then nights in which accounts land, on a day each."""
    return [
        {0: Content(Shopping(_bought, (), ()), [], [], {}, 0)},
        *({n: Content(_nothing, [], [], told, n)} for n, told in accounts),
    ]


REGISTERED_EARLIER = _known((1, {1: {"registered_at": datetime(2024, 1, 1, tzinfo=UTC)}}))
# A phone number is of two persons, of three, of two again. A handle is declared by one, by two, by the second alone.
_phone, _handle = {"phone_pid": "phone-0"}, {"social_pid": "handle"}
SHARED_PHONE = [*_known((2, {1: _phone}), (3, {1: _phone, 2: _phone})), {3: None}]
HANDLE = _known((1, {1: _handle}), (2, {1: _handle, 2: _handle}), (3, {2: _handle}))
# A review comes, and a subscription goes on, after the last sale: the shops' months reach them with a later one, until it goes.
_later = (_bought[0]._replace(day=date(2025, 3, 9)),)
_in_march = [Deed("ec.reviews", 0, 2, date(2025, 3, 30), True), _start]
AFTER_THE_LAST_SALE: list[dict[int, Content | None]] = [
    {0: Content(Shopping(_bought, (), ()), [], [], {}, 0), 1: Content(_nothing, [], _in_march, None, 1)},
    {2: Content(Shopping(_later, (), ()), [], [], None, 2)},
    {2: None},
]
# Four without an account are known by a review, one of them by points, too, by a refund and by an order; then by points alone.
_wrote = [Deed("ec.reviews", number, person, date(2025, 1, 6), True) for number, person in ((0, 7), (1, 8))]
_got = _refunds[0]._replace(number=2, person=9)
_guest = Content(Shopping((_bought[0]._replace(person=6),), (), ()), [], [*_wrote, _got], None, 2)
_got_points = Content(_nothing, [], [Deed("ec.points", 0, 7, date(2025, 1, 6), True)], None, 3)
NO_ACCOUNT: list[dict[int, Content | None]] = [REFUNDED, {2: _guest, 3: _got_points}, {2: None}, {3: None}]


def rows_of(day: int, content: Content | None) -> dict[str, list[dict[str, Any]]]:
    """The landing rows of one day of change; of one landed empty, none."""
    if content is None:
        return {}
    shopping, read, deeds, named, hour = content
    version = {"change_date": FIRST + timedelta(days=day), "updated_at": datetime.combine(FIRST, time(hour), UTC)}
    found = landing(shopping)
    accounts = {row["customer_pid"]: row for row in found.pop("ec.customers")}
    if named is not None:
        for person, told in named.items():
            accounts[f"{SHOP}-{person}"] |= told
        found["ec.customers"] = list(accounts.values())
    # Days share some of their orders: there these are later versions of the same.
    for row in (row for table in ("ec.orders", "ec.order_lines", "ec.adjustments") for row in found[table]):
        for name in row.keys() & {"order_id", "adjustment_id"}:
            row[name] = re.sub(r"\d+", lambda number: str(int(number[0]) + 3 * day), row[name], count=1)
    for deed in deeds:
        found.setdefault(deed.table, []).append(deed.row())
    found["sns.posts"] = [
        {
            **reading,
            "account_id": "ours",
            "posted_at": datetime.combine(FIRST, time(3), UTC),
            "business_date": FIRST,
            "day": FIRST + timedelta(days=reading["read_on"]),
        }
        for reading in read
    ]
    return {table: [{**row, **version} for row in _one_per_key(rows)] for table, rows in found.items()}


def _one_per_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gate 1 lets one row per key pass; only readings may be doubled here."""
    return list(
        {
            (row["connection"], row["post_id"], row["read_on"]) if "read_on" in row else n: row for n, row in enumerate(rows)
        }.values()
    )


def landed(days: Mapping[int, dict[str, list[dict[str, Any]]]]) -> dict[str, Rows]:
    """All days together."""
    together: dict[str, list[dict[str, Any]]] = {}
    for day in days.values():
        for table, rows in day.items():
            together.setdefault(table, []).extend(rows)
    return dict(together)


def differing(before: Mapping[int, Any], after: Mapping[int, Any]) -> set[Day]:
    """The days that hold something else than before, by table and connection, as the manifests tell."""
    changed = set()
    for day in before.keys() | after.keys():
        for table in before.get(day, {}).keys() | after.get(day, {}).keys():
            old, new = before.get(day, {}).get(table, []), after.get(day, {}).get(table, [])
            for connection in {row["connection"] for row in [*old, *new]}:
                if [row for row in old if row["connection"] == connection] != [
                    row for row in new if row["connection"] == connection
                ]:
                    changed.add((table, connection, FIRST + timedelta(days=day)))
    return changed


@pytest.fixture(scope="module")
def from_nothing(target: Path) -> Compiled:
    return Compiled(target, REPORTS)


@pytest.fixture(scope="module")
def increments(from_nothing: Compiled, target: Path, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The same models, compiled beside a warehouse that has their tables."""
    home = tmp_path_factory.mktemp("kept")
    from_nothing.build({}, file=home / "warehouse.duckdb").close()
    (home / "dbt").mkdir()
    shutil.copy(target / "partial_parse.msgpack", home / "dbt")
    return Compiled(compiled(home), REPORTS)


def test_the_large_models_are_kept(increments: Compiled, from_nothing: Compiled) -> None:
    kept = {node["name"] for node in increments.nodes.values() if node["config"]["materialized"] == "incremental"}
    assert kept == {
        "stg_ec__orders", "stg_ec__order_lines", "fct_orders", "fct_order_lines", "int_shop_orders", "stg_sns__posts",
        "fct_sns_post_days", "fct_customer_engagement_months", "int_customer_lapses", "int_customer_shop_months",
        "int_customer_months", "int_customer_standings", "rpt_rfm_segments", "stg_ec__adjustments", "stg_ec__customers",
        "stg_ec__points", "fct_order_adjustments", "int_customer_sightings", "int_customer_aliases",
        "int_customer_activities", "dim_customers",
        "int_shop_month_sales", "int_customer_spreads",
    }  # fmt: skip
    for name in kept:
        code = increments.nodes[f"model.engagement.{name}"]["compiled_code"]
        assert code != from_nothing.nodes[f"model.engagement.{name}"]["compiled_code"], name


@LAW
@example(nights=BESIDE_BUYING, known_rates=())
@example(nights=[REFUNDED, MOVED], known_rates=())
@example(nights=[REFUNDED, REFUNDED_LESS], known_rates=())
@example(nights=[REFUNDED, CHEAPER], known_rates=())
@example(nights=[REFUNDED, WHO_WAS_REFUNDED_IS_ANOTHER], known_rates=())
@example(nights=[REFUNDED, WHO_BOUGHT_IS_ANOTHER], known_rates=())
@example(nights=SPLIT, known_rates=())
@example(nights=NOT_SPENT, known_rates=())
@example(nights=LATER_REFUNDED[:2], known_rates=())
@example(nights=LATER_REFUNDED, known_rates=())
@example(nights=REGISTERED_EARLIER, known_rates=())
@example(nights=SHARED_PHONE, known_rates=())
@example(nights=HANDLE, known_rates=())
@example(nights=AFTER_THE_LAST_SALE[:2], known_rates=())
@example(nights=AFTER_THE_LAST_SALE, known_rates=())
@example(nights=NO_ACCOUNT[:2], known_rates=())
@example(nights=NO_ACCOUNT, known_rates=())
@given(nights=nights, known_rates=rates)
def test_increments_after_any_history_are_what_a_build_from_nothing_gives(
    increments: Compiled, from_nothing: Compiled, nights: list[dict[int, Content | None]], known_rates: Rates
) -> None:
    rates = seeds(Shopping((), (), known_rates))
    days: dict[int, dict[str, list[dict[str, Any]]]] = {}
    kept = from_nothing.build({}, rates)
    for night in nights:
        before = dict(days)
        days |= {day: rows_of(day, content) for day, content in night.items()}
        increments.build_on(kept, landed(days), differing(before, days))
    anew = from_nothing.build(landed(days), rates)
    for name in from_nothing.order:
        node = from_nothing.nodes[name]
        if node["name"] not in OF_THE_BUILD:
            columns = ", ".join(f'"{column[0]}"' for column in anew.execute(f"describe {node['relation_name']}").fetchall())
            query = f"select {columns} from {node['relation_name']} order by all"
            assert kept.execute(query).fetchall() == anew.execute(query).fetchall(), node["name"]
