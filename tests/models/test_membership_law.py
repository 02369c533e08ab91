"""`rpt_employee_wave_changes` on random organisations: its compiled SQL against sets of persons."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipelines.privacy.disclosures import unit_chain
from pipelines.privacy.suppression import decide
from tests.privacy.membership import changes_of
from tests.privacy.organisations import Organisation, random_organisation

REPORT = "rpt_employee_wave_changes"
ORGANISATIONS = 24
DAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def sql(target: Path) -> str:
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    code: str = nodes[f"model.engagement.{REPORT}"]["compiled_code"]
    return code


def warehouse(organisation: Organisation) -> duckdb.DuckDBPyConnection:
    """What the report reads of it; each wave is a month after the last, and answers hold for two."""
    waves = sorted({roster.period for roster in organisation.rosters})
    day = {wave: DAY + timedelta(days=30 * number) for number, wave in enumerate(waves)}
    units = {(cell.period, cell.group, cell.n is not None) for cell in organisation.cells() if cell.metric == "taking_part"}
    engagement = [(unit, w, waves[waves.index(w) - 1] if w != waves[0] else None, not shown) for w, unit, shown in units]
    members = [
        (roster.period, str(person), unit, day[roster.period], day[roster.period], day[roster.period] + timedelta(days=61))
        for roster in organisation.rosters
        for person, unit in roster.places.items()
    ]
    chains = {unit_chain(unit) for _, _, unit, *_ in members}
    ancestors = {(chain[a], chain[b], a - b) for chain in chains for a in range(len(chain)) for b in range(a + 1)}
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse; use warehouse")
    connection.execute("""
        create table rpt_employee_engagement (
            org_unit text, wave text, previous_wave text, is_suppressed boolean, suppress_reason text, parent_unit text,
            business_unit text, org_level int);
        create table int_employee_wave_members (
            wave text, person_key text, org_unit text, first_day date, last_day date, valid_until date);
        create table int_org_unit_ancestors (org_unit text, ancestor_unit text, distance int)""")
    rows = {"rpt_employee_engagement (org_unit, wave, previous_wave, is_suppressed)": engagement}
    for table, values in (rows | {"int_employee_wave_members": members, "int_org_unit_ancestors": list(ancestors)}).items():
        if values:
            connection.executemany(f"insert into {table} values ({', '.join('?' * len(values[0]))})", values)
    return connection


def test_the_report_tells_of_few_where_few_came_or_went(sql: str) -> None:
    """nearest_changed is 1-4 just where two sums differ by 1 to 4. Half the organisations go without the rule between waves."""
    few = many = 0
    for seed in range(ORGANISATIONS):
        organisation = random_organisation(np.random.default_rng(seed), slices=False)
        for views in [organisation.views] if seed % 2 else [[view] for view in organisation.views]:
            decide(views)
        expected = {
            (change.group, change.period, change.other_period): change.band == "1-4"
            for change in changes_of(organisation.cells(), organisation.rosters, organisation.linked)
        }
        with warehouse(organisation) as connection:
            rows = connection.execute(
                f"select org_unit, wave, earlier_wave, nearest_changed = '1-4', is_held from ({sql}) where not is_suppressed"
            ).fetchall()
        assert all(is_held for *_, is_held in rows)
        assert (seed, {tuple(key): near for *key, near, _ in rows}) == (seed, expected)
        few += sum(expected.values())
        many += len(expected) - sum(expected.values())
    assert min(few, many) > ORGANISATIONS
