"""ODK Central beyond what the conformance suite asks of every kind: edits, reviews, groups and several choices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.odk import Submissions

from pipelines.sources.survey.odk import Odk


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Night]:
    with night(Submissions, tmp_path / "home") as made:
        yield made


def test_groups_and_several_choices_are_read(central: Night) -> None:
    central.seed(NOON)
    assert central.land().error is None
    rows = sorted((row["question_code"], row["option_code"], row["text_length"]) for row in central.rows())
    assert rows == [("csat", "2", None), ("note", "text", 4), ("why", "price", None), ("why", "taste", None)]
    assert {row["answered_at"] for row in central.rows()} == {NOON}
    assert all(row["respondent_pid"] for row in central.rows())


def test_an_edited_submission_lands_on_the_day_of_the_edit_and_counts_for_its_own(central: Night) -> None:
    central.vendor.records = [central.vendor.record(2, NOON)]
    assert central.land().error is None
    days = {(row["change_date"], row["business_date"], row["updated_at"]) for row in central.rows()}
    assert days == {(DAY, DAY - timedelta(days=3), NOON)}
    # The survey comes along, though nobody answered on the day.
    assert [row["change_date"] for row in central.rows("surveys")] == [DAY]


def test_a_rejected_submission_is_no_response(central: Night) -> None:
    central.seed(NOON, NOON, NOON)
    central.vendor.records[0]["__system"]["reviewState"] = "rejected"
    central.vendor.records[2]["__system"]["reviewState"] = "approved"
    assert central.land().error is None
    assert central.keys() == central.expected(2, 3)


def test_a_form_is_asked_for_by_its_encoded_name_and_by_both_times(central: Night) -> None:
    central.seed(*(NOON + timedelta(minutes=number) for number in range(5)))
    central.land()
    (first, second) = central.vendor.requests
    start, end = "2026-11-25T14:00:00Z", "2026-11-26T16:00:00Z"
    assert first.query == {
        "$top": "3",
        "$filter": f"(__system/submissionDate ge {start} and __system/submissionDate lt {end})"
        f" or (__system/updatedAt ge {start} and __system/updatedAt lt {end})",
    }
    assert second.query["$skiptoken"].startswith("01")


@pytest.mark.parametrize("wrong", [{"project": 0}, {"url": ""}, {"form": ""}, {"invitations": "asked.csv"}])
def test_an_entry_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    entry = Submissions().connection("http://127.0.0.1:1/").model_dump(by_alias=True)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Odk.model_validate({**entry, **wrong})
