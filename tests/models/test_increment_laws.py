"""The law: after any history of landings a warehouse that is kept has, row by row, what a build from nothing gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.models.compiled import LAW, Compiled, Day, Rows
from tests.models.conftest import compiled
from tests.models.shopping import Line, Order, Shopping, landing, orders, seeds
from tests.models.shopping import days as dates

REPORTS = (
    "fct_order_lines", "rpt_customer_months", "rpt_second_purchases", "int_retention_subjects", "rpt_rfm_segments",
    "rpt_sns_posts", "rpt_customer_cohorts", "int_scorecard_intervals",
)  # fmt: skip
# What changed, and what changed since the last build, is another thing in a build from nothing.
OF_THE_BUILD = {
    "stg_ec__changed_orders", "int_changed_orders", "int_changed_customers", "stg_sns__changed_posts", "int_changed_posts",
    "int_changed_months", "int_month_digests", "int_customer_digests", "int_changed_deeds",
}  # fmt: skip
FIRST = date(2025, 2, 1)
SHOP = "yen_shop"
NOTHING = Shopping((), (), ())
ONE_ORDER = Order(SHOP, date(2025, 1, 5), 0, "number", "paid", False, (Line("item", Decimal(1000), 0.1),), ())

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
bought = st.builds(Shopping, st.lists(orders(), min_size=2, max_size=6).map(tuple), st.just(()), st.just(()))
# What persons do beside buying: who, when, and what.
deeds = st.lists(
    st.tuples(st.integers(0, 3), dates(), st.sampled_from(["review", "activated", "paused", "cancelled"])),
    max_size=4,
    unique_by=lambda deed: deed[0],
)
# An account that was made one with another.
merges = st.one_of(st.none(), st.none(), st.tuples(st.integers(0, 4), st.integers(0, 4)))
# What a connection's day of change holds: new orders, other versions of earlier ones, persons who turn out to be one.
contents = st.tuples(bought, readings, st.booleans(), st.integers(0, 23), deeds, merges)
# The days that are landed, and landed again, night by night.
nights = st.lists(
    st.dictionaries(st.integers(0, 3), st.one_of(contents, contents, st.none()), min_size=1, max_size=2), min_size=2, max_size=4
)
rates = st.sampled_from([(), ((date(2025, 2, 10), Decimal(150)),)])


Content = tuple[Shopping, list[dict[str, Any]], bool, int, list[tuple[int, date, str]], tuple[int, int] | None]


def rows_of(day: int, content: Content | None) -> dict[str, list[dict[str, Any]]]:
    """The landing rows of one day of change; of one landed empty, none."""
    if content is None:
        return {}
    shopping, read, has_accounts, hour, done, merged = content
    version = {"change_date": FIRST + timedelta(days=day), "updated_at": datetime.combine(FIRST, time(hour), UTC)}
    found = landing(shopping)
    if not has_accounts:
        found["ec.customers"] = []
    for account in found["ec.customers"]:
        if merged and account["customer_pid"] == f"{SHOP}-{merged[0]}":
            account["merged_into_pid"] = f"{SHOP}-{merged[1]}"
    found["ec.reviews"] = [
        _deed(person, at) | {"review_id": f"r{person}", "reviewed_at": _noon(at), "rating": 4.0}
        for person, at, kind in done
        if kind == "review"
    ]
    found["ec.subscription_events"] = [
        _deed(person, at)
        | {
            "subscription_id": f"t{person}",
            "event": kind,
            "occurred_at": _noon(at),
            "monthly_amount": Decimal(1000),
            "currency": "JPY",
        }
        for person, at, kind in done
        if kind != "review"
    ]
    # Days share some of their orders: there these are later versions of the same.
    for row in (row for table in ("ec.orders", "ec.order_lines", "ec.adjustments") for row in found[table]):
        for name in row.keys() & {"order_id", "adjustment_id"}:
            row[name] = re.sub(r"\d+", lambda number: str(int(number[0]) + 3 * day), row[name], count=1)
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


def _deed(person: int, day: date) -> dict[str, Any]:
    return {"connection": SHOP, "customer_pid": f"{SHOP}-{person}", "business_date": day}


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


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
        "int_customer_months", "rpt_rfm_segments",
    }  # fmt: skip
    for name in kept:
        code = increments.nodes[f"model.engagement.{name}"]["compiled_code"]
        assert code != from_nothing.nodes[f"model.engagement.{name}"]["compiled_code"], name


@LAW
@given(nights=nights, known_rates=rates)
@example(  # who bought does something else later, of which the orders know nothing
    nights=[
        {0: (Shopping((ONE_ORDER,), (), ()), [], True, 0, [], None)},
        {1: (NOTHING, [], False, 0, [(0, date(2025, 1, 6), "review")], None)},
        {1: (NOTHING, [], False, 0, [(0, date(2025, 1, 7), "activated")], None)},
    ],
    known_rates=(),
)
def test_increments_after_any_history_are_what_a_build_from_nothing_gives(
    increments: Compiled, from_nothing: Compiled, nights: list[dict[int, Any]], known_rates: tuple[tuple[date, Decimal], ...]
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
