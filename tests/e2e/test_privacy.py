"""Employees and customers cannot be joined, nobody is named in a home, and whoever is erased is gone to the last byte."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines import renewal, tombstones
from pipelines.privacy.disclosures import Thresholds, employee_disclosures
from pipelines.privacy.disclosures import named as named_cuts
from pipelines.quality.leaks import Limits
from pipelines.quality.published import audit
from pipelines.settings import PROJECT, Settings, read_connections
from pipelines.sources.connection import Person
from pipelines.sources.contract import table as contract_table
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Means, Pulled, parts
from pipelines.sources.sieve import PID
from tests.e2e.conftest import Company

Column = tuple[str, str, set[str]]  # where it lies, its name, its distinct texts
# Here a row says itself whether its person is an employee or a customer: the rows are looked at one by one.
BY_ROW = {
    *("respondent_pid", "token_pid", "subject", "source_record_id", "row_json", "key"),  # as landed
    *("person_key", "subject_key", "event_key"),  # fct_survey_answers and int_initiative_outcomes
}
EMPLOYEE_SIDE = re.compile(r"employee|manager|turnover|headcount|hr__|(^|/)hr/|org_unit|span")
CUSTOMER_SIDE = re.compile(
    r"customer|order|review|subscription|points|rfm|purchase|retention|mention|ugc|ec__|sns__|(^|/)(ec|sns)/"
)


def columns(home: Path) -> Iterator[Column]:
    """Every column of text in the home: landing zone, quarantine, warehouse and releases in all their formats."""
    for file in home.rglob("*.parquet"):
        rows = pq.ParquetFile(file).read()
        for field in rows.schema:
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
                yield str(file.relative_to(home)), field.name, set(pc.unique(rows[field.name]).drop_null().to_pylist())
    for file in home.rglob("*.duckdb"):
        with duckdb.connect(str(file), read_only=True) as database:
            listed = (
                "select schema_name, table_name, column_name from duckdb_columns() where not internal and data_type = 'VARCHAR'"
            )
            for schema, name, column in database.execute(listed).fetchall():
                found = database.execute(f'select distinct "{column}" from "{schema}"."{name}" where "{column}" is not null')
                yield f"{file.relative_to(home)}:{name}", column, {text for (text,) in found.fetchall()}
    for file in home.rglob("*.csv"):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.reader(lines))
        for number, name in enumerate(rows[0]):
            yield str(file.relative_to(home)), name, {row[number] for row in rows[1:]} - {""}


@pytest.fixture(scope="module")
def home_columns(samples: Company) -> list[Column]:
    return list(columns(samples.home))


def pseudonymiser(company: Company) -> Pseudonymiser:
    return Pseudonymiser(Settings(_env_file=None, home=company.home).keys())


def persons(company: Company) -> set[Person]:
    """Every person in the files of the company."""
    found: set[Person] = set()
    for connection in read_connections(company.connections).connections.values():
        for part in parts(connection, Pulled(connection), None, Means()):
            frame = part.frame
            names = [column.name for column in contract_table(connection.source, frame.table).columns if column.personal]
            found |= {
                cell for name in names if name in frame.rows.columns for cell in frame.rows[name] if isinstance(cell, Person)
            }
    return found


def test_employees_and_customers_cannot_be_joined(samples: Company, home_columns: list[Column]) -> None:
    make = pseudonymiser(samples)
    everybody = persons(samples)
    side = {str(make.pid(person)): "employee" if person.key == "employee" else "customer" for person in everybody}
    employees = {pid for pid, of in side.items() if of == "employee"}
    assert len(employees) > 200
    assert len(side) - len(employees) > 1000
    # What a curious person would try: the employees' own numbers and addresses as if they were customers', and the other way.
    crossed = {str(make.pid(person._replace(key="customer" if person.key == "employee" else "employee"))) for person in everybody}
    assert not crossed & set(side)

    seen: dict[str, int] = {"employee": 0, "customer": 0}
    offenders = []
    for place, name, texts in home_columns:
        found = {side[pid] for text in texts for pid in PID.findall(text) if pid in side}
        for one in found:
            seen[one] += 1
        if len(found) > 1 and name not in BY_ROW:
            offenders.append(f"{place} {name}: both")
        table = place.rsplit(":", 1)[-1]
        if "employee" in found and CUSTOMER_SIDE.search(table) and not EMPLOYEE_SIDE.search(table):
            offenders.append(f"{place} {name}: employees on the customers' side")
        if "customer" in found and EMPLOYEE_SIDE.search(table) and not CUSTOMER_SIDE.search(table):
            offenders.append(f"{place} {name}: customers on the employees' side")
        if "employee" in found and place.startswith("releases"):
            offenders.append(f"{place} {name}: an employee is published")
    assert offenders == []
    assert min(seen.values()) > 10, "the columns looked at hold no pseudonyms"

    audience = {"customer": "customer", "employee": "employee", "org_unit": "employee"}
    with duckdb.connect(str(samples.home / "warehouse.duckdb"), read_only=True) as warehouse:
        by_row = [
            """select audience, pid from stg_survey__surveys join (
                select survey_id, respondent_pid as pid from stg_survey__answers
                union select survey_id, respondent_pid from stg_survey__invitations
                union select survey_id, token_pid from stg_survey__invitations) using (survey_id)""",
            "select subject_type, subject from stg_plan__initiative_subjects",
            "select audience, concat_ws(' ', respondent_pid, person_key) from fct_survey_answers",
            "select subject_type, concat_ws(' ', subject_key, person_key, event_key) from int_initiative_outcomes",
        ]
        for query in by_row:
            rows = warehouse.execute(query).fetchall()
            told = {(audience[of], pid) for of, text in rows if of in audience for pid in PID.findall(text or "")}
            assert told, query
            assert [pid for of, pid in told if side.get(pid, of) != of] == [], query


def named(samples: Path) -> dict[str, set[str]]:
    """What names a person in the sample files, read without the pipeline: mail, phone, name, number, handle, free text."""
    found: dict[str, set[str]] = {kind: set() for kind in ("mail", "phone", "name", "number", "handle", "text")}
    columns = {
        "name": ("Shipping Name", "Billing Name"),
        "number": ("社員番号",),
        "handle": ("投稿者",),
        "text": ("本文", "ご意見があればお書きください"),
    }
    for file in samples.rglob("*.csv"):
        if "defects" in file.parts:
            continue
        raw = file.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp932")
        found["mail"] |= set(re.findall(r"[\w.+-]+@[\w.-]+\w", text))
        for row in csv.DictReader(text.splitlines()):
            found["phone"] |= {row[name] for name in ("TEL", "Phone") if row.get(name)}
            if "お名前(姓)" in row:
                found["name"] |= {row["お名前(姓)"] + gap + row["お名前(名)"] for gap in ("", " ", "　")}
            for kind, names in columns.items():
                found[kind] |= {row[name].strip() for name in names if row.get(name)}
    return found


def test_nobody_is_named_anywhere_in_a_home(samples: Company, home_columns: list[Column]) -> None:
    secret = named(samples.connections.parent / "data_samples")
    sizes = {kind: len(values) for kind, values in secret.items()}
    assert all(size > 100 for kind, size in sizes.items() if kind != "text"), sizes
    assert sizes["text"] > 10
    cells = {text for _, _, texts in home_columns for text in texts}
    # Logs, run history, dbt's files: everything that is neither Parquet nor DuckDB.
    plain = [path for path in samples.home.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".duckdb")]
    assert {"nightly.log", "backfill.log", "first_run.txt", "manifest.json"} <= {path.name for path in plain}
    raw = "\n".join([*sorted(cells), *(path.read_bytes().decode("utf-8", errors="replace") for path in plain)])

    assert set(re.findall(r"[\w.+-]+@[\w.-]+\w", raw)) & secret["mail"] == set()
    digits = {re.sub(r"\D", "", phone) for phone in secret["phone"]}
    international = {f"81{number.removeprefix('0')}" for number in digits}
    assert set(re.findall(r"(?<![\d.])\d{10,13}(?![\d.])", raw)) & (digits | international) == set()
    assert secret["number"] & cells == set()
    assert {name for name in secret["handle"] if name in raw or name.lstrip("@") in cells} == set()
    runs = set(re.findall(r"[々一-龠ぁ-んァ-ヶ]{2,}(?:[ 　][々一-龠ぁ-んァ-ヶ]{1,4})?", raw))
    assert {name for name in secret["name"] if any(name in run for run in runs if len(run) < 40)} == set()
    assert {text for text in secret["text"] if len(text) > 8 and text in raw} == set()


# -- one night after the other ---------------------------------------------------------------------------------------------------


def test_what_was_shown_of_earlier_waves_stays_shown_when_a_wave_is_over(samples: Company) -> None:
    """Of units, slices and arms: the last night before a wave is shown and the first one after it differ by that wave alone."""
    variables = yaml.safe_load((PROJECT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    thresholds = Thresholds(**named_cuts(variables["slices"], variables["slice_pairs"]))
    with duckdb.connect(str(samples.home / "warehouse.duckdb"), read_only=True) as warehouse:
        headcounts = warehouse.sql("select '2026-01' as period, '' as org_unit, 0 as n limit 0").df()
        names = ("int_employee_wave_members", "int_employee_wave_scores", "int_initiative_subjects")
        members, scores, subjects = (warehouse.table(name).df() for name in names)
    last_wave, closing = members["wave"].max(), members["last_day"].max()
    shown = []
    for day in (closing, closing + timedelta(days=variables["wave_open_days"])):
        made = employee_disclosures(headcounts, members, scores, subjects, thresholds, pd.Timestamp(day))
        told = made.loc[~made["is_suppressed"], ["period", "dimension", "group_value"]]
        shown.append(set(told.itertuples(index=False, name=None)))
    before, after = shown
    assert {key for key in after if key[0] != last_wave} == before
    assert {dimension for _, dimension, _ in before} == {
        "org_unit",
        "tenure",
        "employment_type",
        "org_unit x tenure",
        "initiative",
    }
    assert after - before


def test_an_answer_that_came_late_to_a_hidden_unit_is_seen_in_the_arm_it_counts_in(samples: Company, tmp_path: Path) -> None:
    current = samples.home / "releases" / "current" / "engagement.duckdb"
    earlier = tmp_path / "20260929" / "engagement.duckdb"
    earlier.parent.mkdir()
    shutil.copy(current, earlier)
    assert {attack: leaks for attack, leaks in audit(current, [earlier], Limits()).items() if leaks} == {}
    with duckdb.connect(str(earlier)) as database:
        database.execute(
            "update rpt_initiative_effects set baseline = baseline - 0.2 where code = 'VAL-01' and metric_code = 'enps'"
        )
    found = audit(current, [earlier], Limits())
    assert [leak.how.partition(" moved")[0] for leaks in found.values() for leak in leaks] == [
        "release 20260929: plan:VAL-01 enps: baseline"
    ]


# -- erase and rotate-keys -------------------------------------------------------------------------------------------------------


def traces(home: Path, pids: set[str]) -> list[str]:
    """Files in which one of the pseudonyms stands: as raw bytes, in Parquet also as values."""
    found = []
    wanted = {pid.encode() for pid in pids}
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += repr(pq.ParquetFile(path).read().to_pylist()).encode()
            if wanted & set(re.findall(rb"(?=([0-9a-f]{32}))", content)):
                found.append(str(path.relative_to(home)))
    return found


def killed(company: Company, is_time: Callable[[], bool], *arguments: str) -> None:
    process = company.start(*arguments)
    try:
        until = time.monotonic() + 600
        while process.poll() is None and not is_time():
            assert time.monotonic() < until, "the moment to kill the process never came"
            time.sleep(0.001)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_person_is_erased_although_it_was_cut_off_and_stays_so_under_new_keys(small_company: Company) -> None:
    home = small_company.home
    make = pseudonymiser(small_company)
    # The customer with the most orders of those whom a number, a mail address and a phone lead to.
    query = """select any_value(mail_pid), any_value(customer_pid), count(*) from read_parquet(?)
        where customer_pid is not null and phone_pid is not null group by customer_pid order by 3 desc, 2 limit 1"""
    orders = str(home / "landing" / "ec" / "orders" / "month=2*" / "shop_eccube.parquet")
    row = duckdb.execute(query, [orders]).fetchone()
    assert row is not None
    mail_pid, number_pid = str(row[0]), str(row[1])
    person = next(one for one in persons(small_company) if make.pid(one) == number_pid)
    alias = f"select alias_pid from int_customer_aliases where customer_key = '{mail_pid}'"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        pids = {pid for (pid,) in warehouse.execute(alias).fetchall()}
        tokens = f"select token_pid from stg_survey__invitations where respondent_pid in ({alias}) and token_pid is not null"
        pids |= {pid for (pid,) in warehouse.execute(tokens).fetchall()}
    assert pids >= {mail_pid, number_pid}
    (home / "old.log").write_text(f"unique failed for {number_pid}")
    before = len(small_company.query("select * from fct_orders"))
    hers = small_company.value("select count(*) from fct_orders where customer_key = ?", mail_pid)
    assert len(traces(home, pids)) > 10

    told = small_company.run("erase", "--subject", person.value, "--kind", "customer", "--scope", "shop_eccube", "--dry-run")
    assert told.returncode == 0, told.stdout + told.stderr
    assert re.search(rf"ec\.orders\W+{hers}\b", told.stdout), told.stdout
    assert not (home / "erased.json").exists()

    wide = (*("erase", "--subject", mail_pid), "--yes")
    landed = {path: path.stat().st_mtime_ns for path in (home / "landing" / "ec").rglob("*.parquet")}
    killed(small_company, lambda: any(path.stat().st_mtime_ns != then for path, then in landed.items()), *wide)
    assert renewal.is_due(home)
    assert "was cut off" in small_company.run("doctor").stdout
    done = small_company.run("erase")
    assert done.returncode == 0, done.stdout + done.stderr
    assert traces(home, pids) == []
    said = done.stdout + told.stdout + (home / "erased.json").read_text()
    # A number of three digits may stand within a hash by chance.
    assert not re.search(rf"\b{re.escape(person.value)}\b", (home / "erased.json").read_text())
    assert not any(pid in said for pid in pids)
    assert len(small_company.query("select * from fct_orders")) == before - hers
    assert small_company.run("releases").stdout.count("tables") == 1
    assert not renewal.is_due(home)
    assert "erased already" in small_company.run(*wide).stdout

    months = small_company.query("select * from rpt_customer_months order by all")
    keys = (home / "pseudonym_keys.env").read_text()
    old = {pid for pid in (make.pid(one) for one in persons(small_company)) if pid}
    changed = small_company.run("rotate-keys")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert (home / "pseudonym_keys.env").read_text() != keys
    assert traces(home, old) == []
    assert small_company.query("select * from rpt_customer_months order by all") == months

    renewed = pseudonymiser(small_company)
    sieve = tombstones.sieve(home, renewed)
    assert sieve.catches(str(renewed.pid(person)))
    assert traces(home, {str(renewed.pid(person))}) == []
    assert json.loads((home / "pseudonym_keys.json").read_text()) == renewed.fingerprints()
