"""Qualtrics beyond what the conformance suite asks of every kind: the job, its stretches and its ends."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.base import Reply, Request
from vendors.qualtrics import EXPORTS, ExportJobs

from pipelines.sources.survey.qualtrics import Qualtrics


@pytest.fixture
def exports(tmp_path: Path) -> Iterator[Night]:
    with night(ExportJobs, tmp_path / "home") as made:
        yield made


def test_responses_are_read_as_from_the_exported_file(exports: Night) -> None:
    exports.seed(NOON)
    exports.vendor.records += [
        exports.vendor.record(2, NOON) | {"Status": "1"},  # a preview
        exports.vendor.record(3, NOON) | {"Finished": "0"},
    ]
    assert exports.land().error is None
    rows = [(row["response_id"], row["question_code"], row["option_code"], row["text_length"]) for row in exports.rows()]
    assert sorted(rows) == [
        ("R_1", "note", "text", 4),
        ("R_1", "nps", "1", None),
        ("R_1", "why", "1", None),
        ("R_1", "why", "3", None),
    ]
    assert {row["question_text"] for row in exports.rows("questions")} == {"Text of Q1", "Text of Q2", "Text of Q3"}


def test_a_job_is_asked_for_the_day_and_until_it_is_done(exports: Night) -> None:
    exports.seed(NOON)
    exports.land()
    (job,) = exports.vendor.jobs
    assert job == {
        "format": "csv", "useLabels": False, "timeZone": "Asia/Tokyo",
        "startDate": "2026-11-25T14:00:00Z", "endDate": "2026-11-26T16:00:00Z",
    }  # fmt: skip
    # A hundred percent are not the end: three questions, with pauses that grow.
    assert [request.path for request in exports.vendor.requests].count(f"{EXPORTS}/ES_1") == 3
    assert exports.clock.slept == [1.0, 2.0]


def test_a_long_window_is_several_jobs(exports: Night) -> None:
    exports.connection = exports.vendor.connection(exports.url, days_per_export=2)
    exports.seed(*(NOON - timedelta(days=number) for number in range(5)))
    assert exports.land(DAY - timedelta(days=4), DAY).error is None
    assert [job["startDate"][:10] for job in exports.vendor.jobs] == ["2026-11-21", "2026-11-23", "2026-11-25"]
    assert {row["change_date"] for row in exports.rows()} == {DAY - timedelta(days=number) for number in range(5)}


def test_a_job_that_fails_or_never_ends_is_told(exports: Night) -> None:
    status = {"status": "failed"}

    def end(request: Request) -> Reply | None:
        return Reply({"result": {**status, "percentComplete": 40.0}}) if "/ES_" in request.path else None

    exports.vendor.traps.append(end)
    assert str(exports.land().error) == "the export of SV_1a ended as failed; pull again"
    status["status"] = "inProgress"
    before = exports.clock.now()
    assert "takes longer than limits.wait_minutes" in str(exports.land().error)
    assert exports.clock.now() - before <= timedelta(minutes=60)
    assert any("waiting for the export, 40 % done" in line for line in exports.said)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as pack:
        for name in names:
            pack.writestr(name, "Q1\n1\n")
    return file.getvalue()


@pytest.mark.parametrize("content", [b"<html>", zipped(), zipped("a.csv", "b.csv"), zipped("a.json")])
def test_a_file_of_another_kind_is_told(exports: Night, content: bytes) -> None:
    exports.vendor.traps.append(lambda request: Reply(content) if request.path.endswith("/file") else None)
    assert str(exports.land().error) == "the export is no zip with one CSV in it"


def test_an_export_without_its_header_rows_is_told(exports: Night) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as pack:
        pack.writestr(
            "a.csv", "RecordedDate,ResponseId,RecipientEmail,Q1,Q2,Q3\n" + "2026-11-26 12:00:00,R_1,a@example.jp,1,1,x\n" * 3
        )
    exports.vendor.traps.append(lambda request: Reply(file.getvalue()) if request.path.endswith("/file") else None)
    assert "has no ImportId" in str(exports.land().error)


@pytest.mark.parametrize("wrong", [{"survey_id": "1a"}, {"url": ""}, {"invitations": "asked.csv"}])
def test_an_entry_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    entry = ExportJobs().connection("http://127.0.0.1:1/").model_dump(by_alias=True)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Qualtrics.model_validate({**entry, **wrong})
