"""Whatever stops a night, nothing of it is published: the run is red and the last release stays as it is, byte for byte."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from tests.e2e.conftest import Company

LAST_DAY = "2026-07-29"


def order_export(company: Company) -> Path:
    """The newest order export of the EC-CUBE shop."""
    folder = company.connections.parent / "data_samples" / "ec" / "shop_eccube"
    return sorted(path for path in folder.glob("*.csv") if "注文ID" in path.read_text(encoding="cp932").splitlines()[0])[-1]


def edit_orders(company: Company, change: Callable[[dict[str, str]], None]) -> None:
    """Alter the rows of the last order in the newest export."""
    file = order_export(company)
    with file.open(encoding="cp932", newline="") as handle:
        rows = list(csv.reader(handle))
    header, last = rows[0], rows[-1][rows[0].index("注文ID")]
    for row in rows[1:]:
        if row[header.index("注文ID")] == last:
            cells = dict(zip(header, row, strict=True))
            change(cells)
            row[:] = [cells[name] if header.count(name) == 1 else row[position] for position, name in enumerate(header)]
    with file.open("w", encoding="cp932", newline="") as handle:
        csv.writer(handle, lineterminator="\r\n").writerows(rows)


def last_nightly(company: Company) -> tuple[dg.DagsterRunStatus, bool]:
    """Status of the last nightly run, and whether it materialised the release."""
    with dg.DagsterInstance.from_config(str(company.home / "dagster")) as instance:
        run = instance.get_runs(dg.RunsFilter(job_name="nightly"), limit=1)[0]
        events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        keys = {event.dagster_event.asset_key for event in events if event.dagster_event}
        return run.status, dg.AssetKey("release") in keys


def test_a_good_night_is_green_and_publishes(small_company: Company) -> None:
    assert last_nightly(small_company) == (dg.DagsterRunStatus.SUCCESS, True)


def test_a_failing_dbt_test_publishes_nothing(small_company: Company) -> None:
    before = small_company.bytes_of("releases")

    def overstate(cells: dict[str, str]) -> None:
        cells["合計"] = cells["支払合計"] = str(int(cells["支払合計"]) + 1000)

    edit_orders(small_company, overstate)
    done = small_company.run("run", "--date", LAST_DAY)
    assert done.returncode == 1
    assert "assert_order_lines_sum_to_stated_total" in done.stdout
    assert "Nothing was published; the last good release stays" in done.stdout
    assert small_company.bytes_of("releases") == before
    assert last_nightly(small_company) == (dg.DagsterRunStatus.FAILURE, False)


def test_a_failing_batch_check_at_the_door_publishes_nothing_and_names_the_value(small_company: Company) -> None:
    before, landed = small_company.bytes_of("releases"), small_company.bytes_of("landing/ec/orders")

    def new_status(cells: dict[str, str]) -> None:
        cells["対応状況(ID)"], cells["対応状況(名称)"] = "10", "配送準備中"

    edit_orders(small_company, new_status)
    done = small_company.run("run", "--date", LAST_DAY)
    assert done.returncode == 1
    assert "shop_eccube: ec.orders: status has the unknown value" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert small_company.bytes_of("releases") == before
    assert small_company.bytes_of("landing/ec/orders") == landed
    assert last_nightly(small_company) == (dg.DagsterRunStatus.FAILURE, False)


def test_a_failing_exit_check_publishes_nothing(small_company: Company) -> None:
    before = small_company.bytes_of("releases")
    # Somebody tidied up: the drop folder and what had landed of it are gone.
    for file in (small_company.connections.parent / "data_samples" / "sns" / "mentions").glob("*.csv"):
        file.unlink()
    shutil.rmtree(small_company.home / "landing" / "sns" / "mentions")
    done = small_company.run("run", "--date", LAST_DAY)
    assert done.returncode == 1
    assert "fct_sns_mentions is empty [fct_sns_mentions exit_rows" in done.stdout
    assert small_company.bytes_of("releases") == before
    assert last_nightly(small_company) == (dg.DagsterRunStatus.FAILURE, False)
    # Nothing changed since, but for what was published: a table that was not is checked again.
    again = small_company.run("run", "--date", LAST_DAY)
    assert again.returncode == 1
    assert "fct_sns_mentions is empty [fct_sns_mentions exit_rows" in again.stdout
    assert small_company.run("run", "--date", LAST_DAY, "--accept-shrink").returncode == 0


def test_a_release_that_would_tell_of_one_person_is_not_published(small_company: Company) -> None:
    """A form that comes in long after its wave was shown: the old release and the new one differ by that person's answers."""
    before = small_company.bytes_of("releases")
    folder = small_company.connections.parent / "data_samples" / "survey" / "staff_pulse"
    wave = sorted(folder.glob("pulse_*.csv"))[0]
    with wave.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    # Of a day with other answers: a night leaves days alone of which the files say nothing any more.
    days = Counter(row[0].split()[0] for row in rows[1:])
    rows.remove(next(row for row in rows if row[0].startswith(days.most_common(1)[0][0])))
    with wave.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows(rows)
    done = small_company.run("run", "--date", LAST_DAY)
    assert done.returncode == 1
    assert "1 persons by release" in done.stdout
    assert "rpt_employee_engagement exit_leak_releases" in done.stdout
    assert small_company.bytes_of("releases") == before
    assert last_nightly(small_company) == (dg.DagsterRunStatus.FAILURE, False)
    shutil.rmtree(next((small_company.home / "releases").glob("[0-9]*")))
    assert small_company.run("run", "--date", LAST_DAY).returncode == 0


def test_one_connection_that_cannot_be_read_is_named_and_the_others_land(small_company: Company) -> None:
    before = small_company.bytes_of("releases")
    small_company.edit_connections(lambda content: content["connections"]["shop_eccube"].update(path="no/such/folder"))
    late = small_company.connections.parent / "data_samples" / "sns" / "mentions" / "late.csv"
    first = next(path for path in late.parent.glob("*.csv"))
    header, row, *_ = list(csv.reader(first.open(encoding="utf-8-sig", newline="")))
    row[header.index("投稿ID")] = "late-mention"
    with late.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([header, row])
    done = small_company.run("run", "--date", LAST_DAY)
    assert done.returncode == 1
    assert "shop_eccube" in done.stdout
    assert "no/such/folder" in done.stdout
    assert small_company.bytes_of("releases") == before
    # The mention in the late file belongs to an earlier day and has landed all the same.
    landed = sorted((small_company.home / "landing" / "sns" / "mentions").glob("month=*/mentions.parquet"))
    assert any("late-mention" in pq.ParquetFile(file).read(["post_id"])["post_id"].to_pylist() for file in landed)


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_wrong_configuration_is_told_in_one_line(small_company: Company, command: str) -> None:
    small_company.edit_connections(lambda content: content["connections"]["shop_eccube"].update(tax_rouding="floor"))
    done = small_company.run(command)
    assert done.returncode == 2
    assert done.stdout.strip() == "error connections.yaml: shop_eccube.tax_rouding: unknown key; did you mean tax_rounding?"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--date", "2026-03-31"), "there is no night for 2026-03-31: the history runs from 2026-04-01"),
        (("--date", "2999-01-01"), "there is no night for 2999-01-01"),
        (("--date", "31.7.2026"), "--date '31.7.2026' is not a day; write YYYY-MM-DD"),
        (("--from", "2026-07-02", "--to", "2026-07-01"), "the first day 2026-07-02 lies after the last day 2026-07-01"),
    ],
)
def test_a_day_that_cannot_be_run_is_refused_before_anything_is_read(
    small_company: Company, arguments: tuple[str, ...], told: str
) -> None:
    small_company.edit_connections(lambda content: content["company"].update(first_day="2026-04-01"))
    done = small_company.run("run", *arguments)
    assert done.returncode == 2
    assert told in done.stdout


def test_a_connection_taken_out_of_the_file_is_named_as_long_as_its_rows_lie_there(small_company: Company) -> None:
    small_company.edit_connections(lambda content: content["connections"].pop("mentions"))
    assert "warning mentions is not in connections.yaml but its rows are still published" in small_company.run("doctor").stdout
