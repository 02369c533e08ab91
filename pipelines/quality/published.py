"""What the published tables tell of employees, as the leak auditor reads it.

A new published table that descends from employees is named here: in SCORES when it shows exact numbers of persons of a wave, in
RATIOS when it shows rates of persons, in ROUNDED with its columns that count persons (each a multiple of five), in CHANGES when
it says how alike two tables are, in TOLD when it shows figures of whole arms of initiatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.quality.initiative_leaks import Estimates, Place, Told, between_estimates, by_initiatives, estimates_of
from pipelines.quality.leaks import (
    Cell,
    Change,
    Leak,
    Limits,
    Ratio,
    back_to_counts,
    between_releases,
    by_membership,
    by_subtraction,
    shown_too_small,
)
from pipelines.settings import READING

ATTACKS = {
    "small_groups": "no group of fewer than five employees, or of few who all judge alike, is shown",
    "parents": "no unit less the shown units in it tells of a few employees",
    "slices": "no cut by tenure and the like, together with the units, tells of a few employees",
    "initiatives": "no figure of an initiative, together with the units shown, tells of a hidden one",
    "waves": "no two waves with almost the same members tell of the few who came or went",
    "releases": "no release together with an earlier one that is kept tells of a few employees",
    "ratios": "no rate leads back to a small number of employees",
}
ROUNDED_TO = 5
BANDED = 2  # stands for every number from 0 to 4 in rpt_turnover_by_engagement

# period, dimension, group_value, metric, n, value, favourable, neutral, unfavourable
SCORES = {
    "rpt_employee_engagement": """
        select wave, 'org_unit', org_unit, metric, n_answered, value, favourable_share, neutral_share, unfavourable_share
        from {rpt_employee_engagement}""",
    # A month stands for the last wave that ended in it.
    "rpt_engagement_scorecard": """
        select waves.wave, 'org_unit', board.business_unit, board.metric_code, board.n, board.value, null, null, null
        from {rpt_engagement_scorecard} as board
        inner join (
            select date_trunc('month', wave_date) as month_start, max_by(wave, (wave_date, wave)) as wave
            from {rpt_employee_engagement} group by all
        ) as waves on board.month_start = waves.month_start
        where board.metric_code in ('engagement_index', 'enps', 'response_rate') and board.n is not null""",
    "rpt_employee_drivers": """
        select wave, 'org_unit', org_unit, 'driver:' || driver, n_answered, value, favourable_share, null, null
        from {rpt_employee_drivers} where n_answered is not null""",
    "rpt_employee_customer_link": """
        select distinct
            wave, 'org_unit', business_unit, 'engagement_index', employees_answered, engagement_index, null, null, null
        from {rpt_employee_customer_link} where employees_answered is not null""",
}
# period, dimension, group_value, other period, other dimension, band, sums, is_held: for each group that is shown
CHANGES = {
    "rpt_employee_wave_changes": """
        select wave, 'org_unit', org_unit, earlier_wave, 'org_unit', nearest_changed, nearest_sums, is_held
        from {rpt_employee_wave_changes} where not is_suppressed""",
}
# initiative, unit, wave, is_treated, is_since, day
PLACES = {
    "rpt_initiative_units": """
        select initiative_key, org_unit, wave, arm = 'treatment', is_since, period_start
        from {rpt_initiative_units} where not is_suppressed""",
}
# initiative, metric, day, design, baseline, actual, effect, trend before the start
TOLD = {
    table: f"""
        select initiative_key, metric_code, {day}, design, baseline, actual, effect, {pre_trend}
        from {{{table}}}
        where
            subject_type = 'org_unit'
            and metric_code in (select coalesce(driver, metric_code) from {{rpt_employee_engagement}})"""
    for table, day, pre_trend in (("rpt_initiative_effects", "null", "pre_trend"), ("rpt_pdca_board", "cycle_end", "null"))
}
# The headcount beside a rate is rounded, so the true one may be up to two and a half more or fewer.
_HEADCOUNT = """inner join (
            select org_unit, month_start, max(headcount) as headcount from {rpt_turnover}
            where turnover_method = 'average_12m' group by all
        ) as heads using (org_unit, month_start)"""
_HALF_STEP = "case when {0} < 13 then 0.125 when {0} < 30 then 0.05 when {0} < 100 then 0.025 else 0.01 end"
# where, rate, least and most of what it is a share of, half of the step it is rounded to
RATIOS = {
    "rpt_turnover": """
        select concat_ws(' ', org_unit, month_start, turnover_method), turnover, headcount, headcount, 1e-6
        from {rpt_turnover} where turnover is not null""",
    "rpt_employee_activities": "\n        union all\n".join(
        f"""
        select concat_ws(' ', org_unit, month_start, kind, '{name}'), {rate},
            heads.headcount - 2.5, heads.headcount + 2.5, {_HALF_STEP.format("heads.headcount")}
        from {{rpt_employee_activities}} as activities
        {_HEADCOUNT}
        where {rate} is not null and heads.headcount is not null"""
        for name, rate in (
            ("coverage_rate", "coverage_rate"),
            ("half_year_coverage_rate", "half_year_coverage_rate"),
            ("recent_coverage_rate", "recent_coverage_rate"),
            ("events_per_100", "events_per_100 / 100"),
        )
    ),
    "rpt_employee_representativeness": f"""
        select
            concat_ws(' ', wave, dimension, group_value), response_rate,
            invited - 2.5, invited + 2.5, {_HALF_STEP.format("invited")}
        from {{rpt_employee_representativeness}} where response_rate is not null""",
    # Whoever leaves early is followed for less than the whole window: person-years lie between those of who stayed and of all.
    "rpt_turnover_by_engagement": "\n        union all\n".join(
        f"""
        select concat_ws(' ', wave, horizon_months, outcome, '{side}'), {side}_engaged_value,
            ({side}_engaged_people - 2.5) * horizon_months / 12 * 0.8, ({side}_engaged_people + 2.5) * horizon_months / 12, 1e-6
        from {{rpt_turnover_by_engagement}}
        where outcome <> 'operating_margin' and {side}_engaged_value is not null"""
        for side in ("most", "least")
    ),
}
ROUNDED = {
    "rpt_turnover": ("headcount",),
    "rpt_employee_activities": ("events", "people_reached"),
    "rpt_manager_spans": ("managers", "broken_chains"),
    "rpt_business_unit_months": ("headcount",),
    "rpt_headcount_months": ("headcount",),
    "rpt_employee_representativeness": ("headcount", "invited", "answered", "commented"),
    "rpt_turnover_by_engagement": ("most_engaged_people", "least_engaged_people"),
}
# Nothing in them counts persons: figures repeated from other reports, and correlations over units.
WITHOUT_COUNTS = ["rpt_claims_check", "rpt_employee_customer_correlations"]


def tables_read() -> frozenset[str]:
    """The published tables that the auditor reads."""
    queries = [sql for part in (SCORES, CHANGES, PLACES, TOLD, RATIOS) for sql in part.values()]
    return frozenset([*ROUNDED, *(name for sql in queries for name in _named(sql))])


def _named(sql: str) -> set[str]:
    """The tables that a query names in braces."""
    return {part.partition("}")[0] for part in sql.split("{")[1:]}


class Tables:
    """The tables of one database file that are published. Use as a context manager."""

    def __init__(self, database: Path) -> None:
        self._connection = duckdb.connect(str(database), read_only=True, config=READING)
        self._names = {name for (name,) in self._connection.execute("select table_name from duckdb_tables()").fetchall()}

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query that names tables in braces; none where one of them is missing (an older release)."""
        wanted = _named(sql)
        if not wanted <= self._names:
            return []
        return self._connection.execute(sql.format_map({name: name for name in wanted})).fetchall()

    def cells(self) -> list[Cell]:
        """Scores by group and wave."""
        return [
            Cell(period, dimension, group, metric, n, value, None if None in shares else tuple(map(float, shares)))  # type: ignore[arg-type]
            for sql in SCORES.values()
            for period, dimension, group, metric, n, value, *shares in self.rows(sql)
        ]

    def estimates(self, cells: list[Cell]) -> Estimates:
        """What is told of the arms of initiatives, beside the cells."""
        places = (Place(*row) for sql in PLACES.values() for row in self.rows(sql))
        told = (Told(*row) for sql in TOLD.values() for row in self.rows(sql))
        return estimates_of(cells, places, told)

    def ratios(self) -> list[Ratio]:
        """Rates of persons."""
        return [Ratio(where, *map(float, numbers)) for sql in RATIOS.values() for where, *numbers in self.rows(sql)]

    def not_rounded(self) -> Iterator[Leak]:
        """Counts of persons in the tables that show none exactly."""
        for table, columns in ROUNDED.items():
            for column in columns:
                for persons, rows in self.rows(
                    f"select {column}, count(*) from {{{table}}} where {column} % {ROUNDED_TO} <> 0 group by all"
                ):
                    yield Leak("ratios", int(persons), f"{table}.{column} is not rounded in {rows} rows")

    def changes(self) -> list[Change]:
        """How alike the waves are."""
        return [Change(*row) for sql in CHANGES.values() for row in self.rows(sql)]

    def previous(self) -> list[tuple[Any, ...]]:
        """Waves and the ones before them."""
        return self.rows(
            "select distinct wave, previous_wave from {rpt_employee_engagement} where previous_wave is not null order by all"
        )


def audit(candidate: Path, releases: Sequence[Path], limits: Limits) -> dict[str, list[Leak]]:
    """What follows from the published tables in `candidate` and those of `releases`, by attack; an attack without leaks is empty.

    Of the candidate, a warehouse, nothing but published tables is read. Leaks that lie in earlier releases alone are theirs: to
    hold the new one back would not undo them.
    """
    found: dict[str, list[Leak]] = {attack: [] for attack in ATTACKS}
    with Tables(candidate) as tables:
        cells = tables.cells()
        estimates = tables.estimates(cells)
        leaks = [*shown_too_small(cells, limits), *by_subtraction(cells, limits), *tables.not_rounded()]
        leaks += [
            *by_membership(cells, tables.changes(), tables.previous(), limits),
            *by_initiatives(estimates),
            *back_to_counts(tables.ratios(), limits, BANDED),
        ]
    kept: dict[str, Estimates] = {}
    for release in releases:
        with Tables(release) as tables:
            earlier = tables.cells()
            kept[release.parent.name] = tables.estimates(earlier)
            since = between_releases(cells, earlier, limits)
            leaks += [replace(leak, how=f"release {release.parent.name}: {leak.how}") for leak in since]
    leaks += between_estimates(estimates, kept)
    for leak in leaks:
        found[leak.attack].append(leak)
    return found
