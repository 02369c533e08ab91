"""The law: after any sequence of drops and landings the landing zone equals the one a backfill makes from scratch."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shops import Shop, line

DAYS = ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02", "2024-02-03")
TABLES = ("products", "orders", "order_lines", "adjustments")
SHOPS = 6  # histories told side by side: a landing costs about the same for one as for six


class Order(NamedTuple):
    """An order as one file tells it. An undated order cannot land, of a broken one a line cannot."""

    name: str
    day: str
    amounts: tuple[int, ...]
    state: str = "paid"
    is_broken: bool = False

    def lines(self) -> list[str]:
        tax = ["150" if self.is_broken and number == 0 else "0" for number in range(len(self.amounts))]
        return [
            line(self.name, self.day, Line=str(number + 1), Amount=str(amount), State=self.state, Tax=tax[number])
            for number, amount in enumerate(self.amounts)
        ]


# An order that cannot land comes at most once in a history: three rows that cannot land may make a batch unfit.
WHOLE = st.builds(
    Order,
    st.sampled_from("ABCD"),
    st.sampled_from(DAYS),
    st.lists(st.sampled_from([100, 200]), min_size=1, max_size=3).map(tuple),
    st.sampled_from(["paid", "paid", "cancelled"]),
    st.just(False),
)
UNFIT = st.one_of(
    st.builds(Order, st.sampled_from("ABCD"), st.sampled_from(DAYS), st.just((100, 200)), st.just("cancelled"), st.just(True)),
    st.builds(Order, st.sampled_from("ABCD"), st.just("2024-02-30"), st.just((100,)), st.just("paid"), st.just(False)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Order] | str]:
    """What happens in one drop folder: new files, a file sent again, a copy. Half of it comes before the first landing."""
    happenings: list[list[Order] | str] = []
    unfit_at = draw(st.integers(0, 4))
    for number in range(4):
        orders = draw(st.lists(WHOLE, min_size=1, max_size=4, unique_by=lambda order: order.name))
        if number == unfit_at:
            odd = draw(UNFIT)
            orders = [order for order in orders if order.name != odd.name] + [odd]
        must_be_file = number in (0, unfit_at)
        happenings.append(orders if must_be_file else draw(st.sampled_from([orders, orders, "again", "copy", "nothing"])))
    return happenings


def happen(shop: Shop, step: list[Order] | str) -> None:
    files = sorted(shop.folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    if isinstance(step, list):
        # A newer file's name may come first in the alphabet.
        shop.drop(*(row for order in step for row in order.lines()), file=f"{9 - len(files)}.csv")
    elif step == "again":
        shop.touch(files[0])
    elif step == "copy":
        shop.drop(*files[0].read_text().splitlines()[1:], file=f"{9 - len(files)}.csv")


def zone(shop: Shop) -> dict[str, Any]:
    return {
        name: (
            sorted(shop.rows(name), key=repr),
            sorted(str((row["change_date"], row["key"], row["rule"])) for row in shop.held_back(name)),
        )
        for name in TABLES
    }


@given(
    st.lists(histories(), min_size=SHOPS, max_size=SHOPS),
    st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(sorted), min_size=2, max_size=2),
)
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take an hour
    suppress_health_check=list(HealthCheck),
)
def test_the_landing_zone_equals_one_made_from_scratch(told: list[list[list[Order] | str]], windows: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        shops = [Shop(root, f"shop{number}", home=root / "home") for number in range(SHOPS)]
        for step, (start, end) in enumerate(windows):
            for shop, history in zip(shops, told, strict=True):
                for happening in history[2 * step : 2 * step + 2]:
                    happen(shop, happening)
            assert shops[0].land(start, end, others=tuple(shops[1:])).refused == {}
        assert shops[0].land(DAYS[-1], others=tuple(shops[1:])).refused == {}
        fresh = [Shop(root, shop.connection.name, home=root / "fresh") for shop in shops]
        assert fresh[0].land("2024-01-01", DAYS[-1], others=tuple(fresh[1:])).refused == {}
        for shop, scratch in zip(shops, fresh, strict=True):
            assert zone(shop) == zone(scratch)
            assert zone(scratch)["orders"][0] or zone(scratch)["orders"][1]
