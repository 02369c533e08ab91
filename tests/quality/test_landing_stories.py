"""What becomes of rows, night by night: orders stand or fall whole, newer files win, late files land, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from shops import Shop, line, many

from pipelines.landing import Landing, TableLanding

DAY = date(2024, 1, 31)
Story = Generator[None, Landing, None]
NIGHTS = (("2024-01-01", "2024-01-31"), ("2024-02-01", "2024-02-01"), ("2024-02-02", "2024-02-02"))


def orders(shop: Shop) -> list[tuple[str, str]]:
    return [(row["order_id"], str(row["change_date"])) for row in shop.rows("orders")]


def of(landed: Landing, shop: Shop, name: str) -> TableLanding:
    (row,) = [row for row in landed.tables if (row.connection, row.table) == (shop.connection.name, name)]
    return row


def counts(landed: Landing, shop: Shop, name: str) -> tuple[int, int, int, int]:
    """Rows read, landed, held back and dropped as duplicates."""
    row = of(landed, shop, name)
    return row.read, row.landed, row.quarantined, row.duplicates


def a_bad_line_holds_back_its_order_and_its_adjustment(shop: Shop) -> Story:
    undone = {"State": "cancelled"}
    shop.drop(*many(20), line("A1", Line="1", **undone), line("A1", Line="2", Tax="150", **undone), line("A2", **undone))
    landed = yield
    assert landed.refused.get(shop.connection.name) is None
    assert {row["order_id"] for name in ("orders", "order_lines") for row in shop.rows(name)} & {"A1"} == set()
    assert [row["adjustment_id"] for row in shop.rows("adjustments")] == ["A2-cancel"]
    told = {row["key"]: row["rule"] for name in ("orders", "order_lines", "adjustments") for row in shop.held_back(name)}
    assert told == {"A1": "document", "A1/1": "document", "A1/2": "range_tax_rate", "A1-cancel": "document"}


def an_order_returns_whole_when_its_line_is_put_right_and_leaves_whole_when_it_breaks(shop: Shop) -> Story:
    shop.drop(line("A1"), line("A1", Line="2", Tax="150"))
    yield
    assert orders(shop) == []
    shop.drop(line("A1"), line("A1", Line="2"))
    yield
    assert orders(shop) == [("A1", "2024-01-31")]
    assert len(shop.rows("order_lines")) == 2
    assert shop.held_back("orders") == shop.held_back("order_lines") == []
    shop.drop(line("A1"), line("A1", Line="2", Tax="150"))
    yield
    assert orders(shop) == shop.rows("order_lines") == []


def an_order_that_lost_a_line_in_the_newer_file_loses_it(shop: Shop) -> Story:
    shop.drop(line("A1", Line="1"), line("A1", Line="2"), line("A2"))
    shop.drop(line("A1", Line="2"))
    landed = yield
    assert sorted(row["source_record_id"] for row in shop.rows("order_lines")) == ["A1/2", "A2/1"]
    assert counts(landed, shop, "order_lines") == (4, 2, 0, 2)


def the_newer_file_wins_whatever_it_is_called(shop: Shop) -> Story:
    shop.drop(line("A1", Amount="100"), file="z.csv")
    shop.drop(line("A1", Amount="200"), file="a.csv")
    yield
    assert [row["amount"] for row in shop.rows("order_lines")] == [Decimal(200)]
    shop.touch(shop.folder / "z.csv")
    yield
    assert [row["amount"] for row in shop.rows("order_lines")] == [Decimal(100)]


def rows_that_two_files_repeat_are_duplicates(shop: Shop) -> Story:
    rows = [line("A1"), line("A2"), line("A3", Tax="150"), line("A4", "2024-02-30")]
    shop.drop(*rows)
    shop.drop(*rows)
    landed = yield
    # The undated A4 is held back once, however many exports repeat it.
    assert counts(landed, shop, "order_lines") == (8, 2, 2, 4)
    assert counts(landed, shop, "orders") == (8, 2, 2, 4)


def rows_without_their_key_are_held_back_and_block_nothing(shop: Shop) -> Story:
    shop.drop(*many(10), line("", Amount="100"), line("", Amount="200"))
    shop.drop(line("", Amount="300"))
    landed = yield
    assert landed.refused.get(shop.connection.name) is None
    assert {row["reason"] for row in shop.held_back("order_lines")} == {
        "nothing in order_id (orders1.csv row 12)", "nothing in order_id (orders1.csv row 13)",
        "nothing in order_id (orders2.csv row 2)",
    }  # fmt: skip


def undated_rows_stay_in_the_quarantine_and_do_not_block_the_nights_to_come(shop: Shop) -> Story:
    shop.drop(*many(60, "2024-01-30"), *[line(f"U{number}", "2024-02-30") for number in range(5)])
    landed = yield
    assert landed.refused.get(shop.connection.name) is None
    shop.drop(*many(3, "2024-02-01"))
    landed = yield
    assert landed.refused.get(shop.connection.name) is None
    assert counts(landed, shop, "orders") == (68, 3, 5, 0)
    assert {row["key"]: row["change_date"] for row in shop.held_back("orders")} == {f"U{number}": None for number in range(5)}


def a_file_without_readable_days_is_refused_however_long_the_history(shop: Shop) -> Story:
    shop.drop(*many(60, "2024-01-30"))
    yield
    shop.drop(*[line(f"U{number}", "31.1.2024 x") for number in range(5)])
    landed = yield
    assert "5 of 5 cells of a column cannot be read" in landed.refused[shop.connection.name]


def an_undated_row_that_is_put_right_leaves_the_quarantine(shop: Shop) -> Story:
    wrong = shop.drop(line("A1", "2024-02-30"), line("A2"))
    yield
    assert [row["key"] for row in shop.held_back("orders")] == ["A1"]
    wrong.write_text(wrong.read_text().replace("2024-02-30", "2024-01-30"))
    yield
    assert orders(shop) == [("A1", "2024-01-30"), ("A2", "2024-01-31")]
    assert shop.held_back("orders") == []


def a_record_that_moved_to_another_day_is_no_shrink(shop: Shop) -> Story:
    rows = many(12, "2024-01-30")
    shop.drop(*rows, file="all.csv")
    yield
    shop.drop(*[row.replace(",2024-01-30,", ",2024-01-31,") for row in rows[:11]], rows[11], file="all.csv")
    landed = yield
    assert landed.refused.get(shop.connection.name) is None
    assert [day for _, day in orders(shop)] == ["2024-01-30", *["2024-01-31"] * 11]


def a_late_file_lands_its_earlier_days_in_the_next_night_and_future_days_wait(shop: Shop) -> Story:
    shop.drop(line("A1", "2024-01-10"))
    yield
    shop.drop(line("A2", "2024-01-10"), line("A3", "2023-12-31"), line("A4", "2024-02-01"), line("A5", "2024-02-02"))
    landed = yield
    assert orders(shop) == [("A3", "2023-12-31"), ("A1", "2024-01-10"), ("A2", "2024-01-10"), ("A4", "2024-02-01")]
    assert of(landed, shop, "orders").replaced_days == [date(2023, 12, 31), date(2024, 1, 10), date(2024, 2, 1)]
    yield
    assert orders(shop)[-1] == ("A5", "2024-02-02")


def days_that_have_not_changed_are_not_replaced(shop: Shop) -> Story:
    shop.drop(line("A1", "2024-01-30"), line("A2", "2024-01-31"))
    landed = yield
    assert counts(landed, shop, "orders") == (2, 2, 0, 0)
    shop.drop(line("A2", "2024-01-31", Amount="700"))
    landed = yield
    assert of(landed, shop, "order_lines").replaced_days == [DAY]


def a_weekday_as_thin_as_usual_is_no_alarm(shop: Shop) -> Story:
    for week in range(1, 5):
        shop.drop(*many(9, (DAY - timedelta(days=7 * week)).isoformat()))
    landed = yield
    assert landed.refused.get(shop.connection.name) is None


STORIES: list[Callable[[Shop], Story]] = [
    a_bad_line_holds_back_its_order_and_its_adjustment,
    an_order_returns_whole_when_its_line_is_put_right_and_leaves_whole_when_it_breaks,
    an_order_that_lost_a_line_in_the_newer_file_loses_it,
    the_newer_file_wins_whatever_it_is_called,
    rows_that_two_files_repeat_are_duplicates,
    rows_without_their_key_are_held_back_and_block_nothing,
    undated_rows_stay_in_the_quarantine_and_do_not_block_the_nights_to_come,
    a_file_without_readable_days_is_refused_however_long_the_history,
    an_undated_row_that_is_put_right_leaves_the_quarantine,
    a_record_that_moved_to_another_day_is_no_shrink,
    a_late_file_lands_its_earlier_days_in_the_next_night_and_future_days_wait,
    days_that_have_not_changed_are_not_replaced,
    a_weekday_as_thin_as_usual_is_no_alarm,
]


@dataclass
class Told:
    """The stories after all nights: what went wrong in each, and the landings."""

    wrong: dict[str, Exception]
    landings: list[Landing]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All stories side by side in one landing zone: a night costs seconds however many connections it lands."""
    root = tmp_path_factory.mktemp("stories")
    shops = {tell.__name__: Shop(root, f"shop{number}", home=root / "home", daily="weekday" in tell.__name__)
             for number, tell in enumerate(STORIES)}  # fmt: skip
    stories = {tell.__name__: tell(shops[tell.__name__]) for tell in STORIES}
    told = Told({}, [])
    for night in (None, *NIGHTS):
        if night is not None:
            first, *others = shops.values()
            told.landings.append(first.land(*night, others=tuple(others)))
        for name, story in list(stories.items()):
            try:
                story.send(told.landings[-1]) if told.landings else next(story)
            except StopIteration:
                del stories[name]
            except Exception as error:
                told.wrong[name] = error
                del stories[name]
    assert stories == {}
    return told


@pytest.mark.parametrize("name", [tell.__name__ for tell in STORIES])
def test_story(told: Told, name: str) -> None:
    if name in told.wrong:
        raise told.wrong[name]


def test_every_row_read_has_landed_or_is_held_back_or_a_duplicate(told: Told) -> None:
    # The first night looks at all days: nothing is left over for another one but the stories' future days, which come later.
    assert len(told.landings[0].tables) == 4 * len(STORIES)
    for row in told.landings[0].tables:
        assert row.read == row.landed + row.quarantined + row.duplicates, (row.table, row.connection)
    assert sum(row.read for row in told.landings[0].tables) > 300
