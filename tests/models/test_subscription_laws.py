"""Laws of subscriptions on random events: opening + new + resumed - paused - churned = closing, counted again by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.compiled import LAW, Compiled

FIRST = date(2025, 1, 1)
STATES = {"trial_started": "trial", "activated": "active", "paused": "paused", "cancelled": "cancelled"}
LIVE = ("active", "paused")

events = st.lists(
    st.tuples(
        st.integers(0, 119).map(lambda n: FIRST + timedelta(days=n)),
        st.sampled_from([*STATES, "changed"]),
        st.one_of(st.none(), st.integers(1, 5).map(lambda n: Decimal(1000 * n))),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda event: event[0],
).map(sorted)
subscriptions = st.lists(st.tuples(st.integers(0, 2), events), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def models(target: Path) -> Compiled:
    return Compiled(target, ("rpt_subscription_months",))


def landing(lives: list[tuple[int, list[Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        "ec.subscription_events": [
            {
                "connection": "tool",
                "subscription_id": f"t{number}",
                "customer_pid": f"c{person}",
                "event": event,
                "occurred_at": datetime.combine(day, time(3), UTC),
                "monthly_amount": amount,
                "currency": "JPY",
                "business_date": day,
            }
            for number, (person, life) in enumerate(lives)
            for day, event, amount in life
        ]
    }


def told(life: list[Any]) -> list[tuple[date, str, str, Decimal]]:
    """Day, state before, state after and what is paid a month after each event."""
    state, amount, steps = "none", None, []
    for day, event, stated in life:
        after = STATES.get(event, state)
        amount = amount if stated is None else stated
        steps.append((day, state, after, amount if after == "active" and amount is not None else Decimal(0)))
        state = after
    return steps


@LAW
@given(lives=subscriptions)
def test_balances_close_and_are_those_counted_by_hand(models: Compiled, lives: list[tuple[int, list[Any]]]) -> None:
    warehouse = models.build(landing(lives))
    assert models.failures(warehouse) == {}
    happened: Counter[tuple[date, str]] = Counter()
    for _, life in lives:
        for day, before, after, _ in told(life):
            if before != after:
                happened[day.replace(day=1), f"{before} {after}"] += 1
    last = max(day for _, life in lives for day, _, _ in life).replace(day=1)
    rows = warehouse.sql("""select month_start, new, resumed, paused, churned, trials_converted, closing, paused_closing,
        mrr_closing_jpy, logo_retention_rate from rpt_subscription_months where shop = 'all' order by month_start""").fetchall()
    for month, new, resumed, paused, churned, converted, closing, paused_closing, mrr, kept in rows:
        assert new == sum(happened[month, f"{before} active"] for before in ("none", "trial", "cancelled"))
        assert (resumed, paused) == (happened[month, "paused active"], happened[month, "active paused"])
        assert churned == happened[month, "active cancelled"] + happened[month, "active trial"]
        assert converted == happened[month, "trial active"]
        following = (month + timedelta(days=32)).replace(day=1)
        at_end = [(person, _at(life, following)) for person, life in lives]
        assert closing == sum(state == "active" for _, (state, _) in at_end)
        assert paused_closing == sum(state == "paused" for _, (state, _) in at_end)
        assert mrr == sum(paid for _, (_, paid) in at_end)
        began = {person for person, life in lives if _at(life, month)[0] in LIVE}
        stayed = began & {person for person, (state, _) in at_end if state in LIVE}
        assert kept == (pytest.approx(len(stayed) / len(began)) if began else None)
    assert not rows or rows[-1][0] <= last


def _at(life: list[Any], day: date) -> tuple[str, Decimal]:
    """State and monthly payment on the morning of a day."""
    state, paid = "none", Decimal(0)
    for when, _, after, amount in told(life):
        if when < day:
            state, paid = after, amount
    return state, paid
