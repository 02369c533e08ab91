"""The auditor on database files: what it reads of a release and of the candidate, and what it says."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.quality.leaks import Limits
from pipelines.quality.published import ATTACKS, audit

ENGAGEMENT = """create table rpt_employee_engagement as
    select wave, org_unit, 'enps' as metric, 'enps' as metric_code, null::varchar as driver,
        n as n_answered, 10.0 as value, 0.5 as favourable_share, 0.3 as neutral_share,
        0.2 as unfavourable_share, date '2026-03-05' as wave_date, case when wave = 'w2' then 'w1' end as previous_wave
    from (values {rows}) as units (wave, org_unit, n)"""
SHOWN = "('w1', 'all', 42), ('w1', 'A', 12), ('w1', 'B', 30)"


def database(folder: Path, rows: str = SHOWN, *, also: str = "") -> Path:
    """A file as a release holds it."""
    folder.mkdir()
    with duckdb.connect(str(folder / "engagement.duckdb")) as connection:
        connection.execute(ENGAGEMENT.format(rows=rows))
        if also:
            connection.execute(also)
    return folder / "engagement.duckdb"


def attacks(candidate: Path, *releases: Path) -> dict[str, str]:
    """The attacks that found something, and the first thing each of them found."""
    return {attack: found[0].how for attack, found in audit(candidate, releases, Limits()).items() if found}


def test_a_release_like_the_last_one_tells_of_nobody(tmp_path: Path) -> None:
    candidate, release = database(tmp_path / "new"), database(tmp_path / "old")
    assert set(audit(candidate, [release], Limits())) == set(ATTACKS)
    assert attacks(candidate, release) == {}


@pytest.mark.parametrize(
    ("rows", "attack", "how"),
    [
        ("('w1', 'all', 42), ('w1', 'A', 4), ('w1', 'B', 38)", "small_groups", "w1 A enps is shown"),
        ("('w1', 'all', 42), ('w1', 'A', null), ('w1', 'B', 39)", "parents", "w1 enps: all less B"),
    ],
)
def test_a_leak_in_the_release_itself(tmp_path: Path, rows: str, attack: str, how: str) -> None:
    assert attacks(database(tmp_path / "new", rows))[attack] == how


def test_an_answer_that_came_after_the_last_release(tmp_path: Path) -> None:
    candidate = database(tmp_path / "new", "('w1', 'all', 43), ('w1', 'A', 13), ('w1', 'B', 30)")
    found = attacks(candidate, database(tmp_path / "20260901"))
    assert found == {"releases": "release 20260901: w1 enps all: +1 persons since the earlier release"}


def test_a_leak_that_lies_in_an_earlier_release_alone_does_not_hold_the_new_one_back(tmp_path: Path) -> None:
    hidden = database(tmp_path / "new", "('w1', 'all', 42), ('w1', 'A', null), ('w1', 'B', null)")
    leaking = database(tmp_path / "old", "('w1', 'all', 42), ('w1', 'A', null), ('w1', 'B', 39)")
    assert set(attacks(leaking)) == {"parents"}
    assert "parents" not in attacks(hidden, leaking)


CHANGES = """create table rpt_employee_wave_changes as
    select 'w2' as wave, 'A' as org_unit, 'w1' as earlier_wave, '{band}' as nearest_changed, 'A against A' as nearest_sums,
        {held} as is_held, false as is_suppressed"""


def test_two_waves_of_almost_the_same_people_by_what_is_told_of_them(tmp_path: Path) -> None:
    rows = "('w1', 'A', 11), ('w2', 'A', 12)"
    few = database(tmp_path / "few", rows, also=CHANGES.format(band="1-4", held=True))
    assert attacks(few) == {"waves": "w2 A against A, in w1"}
    assert attacks(database(tmp_path / "over", rows, also=CHANGES.format(band="1-4", held=False))) == {}
    assert attacks(database(tmp_path / "many", rows, also=CHANGES.format(band="5-9", held=True))) == {}
    silent = "w2 A (org_unit) against w1 (org_unit): nothing tells how many persons part them"
    assert attacks(database(tmp_path / "silent", rows)) == {"waves": silent}


def test_a_headcount_that_is_not_rounded_and_a_rate_that_tells_of_one(tmp_path: Path) -> None:
    turnover = (
        "create table rpt_turnover as select 'A' as org_unit, date '2026-03-01' as month_start, 'average_12m' as turnover_method"
    )
    exact = database(tmp_path / "exact", also=f"{turnover}, 12 as headcount, null::double as turnover")
    assert attacks(exact) == {"ratios": "rpt_turnover.headcount is not rounded in 1 rows"}
    one = database(tmp_path / "one", also=f"{turnover}, 10 as headcount, 0.1 as turnover")
    assert attacks(one) == {"ratios": "A 2026-03-01 average_12m: only 1 gives 0.1"}


# Of the treated A, B and E the last two are hidden.
INITIATIVE = """
    create table rpt_initiative_units as
    select 'i' as initiative_key, org_unit, 'w1' as wave, arm, true as is_since, false as is_suppressed,
        date '2026-03-01' as period_start
    from (values ('A', 'treatment'), ('B', 'treatment'), ('E', 'treatment'), ('C', 'control'), ('D', 'control'))
        as units (org_unit, arm);
    create table rpt_initiative_effects as
    select 'i' as initiative_key, 'enps' as metric_code, 'org_unit' as subject_type, 'diff_in_diff' as design,
        null::double as baseline, {actual}::double as actual, null::double as effect, null::double as pre_trend;
    create table rpt_pdca_board as
    select * exclude (pre_trend), date '2026-03-31' as cycle_end from rpt_initiative_effects"""
PARTLY_HIDDEN = "('w1', 'all', 60), ('w1', 'A', 12), ('w1', 'B', null), ('w1', 'C', null), ('w1', 'D', 12), ('w1', 'E', null)"


def test_one_late_answer_in_a_hidden_unit_that_an_arm_is_made_of(tmp_path: Path) -> None:
    candidate = database(tmp_path / "new", PARTLY_HIDDEN, also=INITIATIVE.format(actual=31.5))
    release = database(tmp_path / "20260901", PARTLY_HIDDEN, also=INITIATIVE.format(actual=30))
    assert attacks(candidate, candidate) == {}
    found = audit(candidate, [release], Limits())["releases"]
    moved = "moved, of the same units and waves, of which 3 are hidden"
    assert [leak.how for leak in found] == [
        f"release 20260901: i enps: actual {moved}",
        f"release 20260901: i enps by 2026-03-31: actual {moved}",
    ]


def test_a_unit_that_was_hidden_since_and_follows_from_the_arms_of_two_releases(tmp_path: Path) -> None:
    candidate = database(tmp_path / "new", PARTLY_HIDDEN, also=INITIATIVE.format(actual=30))
    showing = PARTLY_HIDDEN.replace("('w1', 'E', null)", "('w1', 'E', 12)")
    release = database(tmp_path / "20260901", showing)
    assert attacks(candidate, release) == {"releases": "release 20260901: enps: the figures of initiatives in both give B in w1"}
