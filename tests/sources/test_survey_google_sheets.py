"""Google Sheets beyond what the conformance suite asks of every kind: zones, sheets by name, responses of the same second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from test_live_conformance import NOON, Night, night
from vendors.base import Reply, Request
from vendors.google_sheets import TITLE, Spreadsheet, key_file

from pipelines.sources.connection import SourceError
from pipelines.sources.credentials import Secrets
from pipelines.sources.survey.google_sheets import GoogleSheets
from pipelines.sources.trial import try_connection


@pytest.fixture
def form(tmp_path: Path) -> Iterator[Night]:
    with night(Spreadsheet, tmp_path / "home") as made:
        yield made


def test_responses_are_read_as_from_the_exported_file(form: Night) -> None:
    form.seed(NOON)
    assert form.land().error is None
    rows = [(row["question_code"], row["option_code"], row["text_length"], row["wave"]) for row in form.rows()]
    told = [("csat", "2", None), ("note", "text", 4), ("why", "価格", None), ("why", "味", None)]
    assert sorted(rows) == [(*row, "2026-11") for row in told]
    assert {row["answered_at"] for row in form.rows()} == {NOON}
    assert sorted(row["question_text"] for row in form.rows("questions")) == ["ご意見", "満足度", "理由"]


def test_responses_of_the_same_second_are_told_apart_across_pages(form: Night) -> None:
    form.connection = form.vendor.connection(form.url, response_id=None)
    form.seed(*[NOON] * 5, NOON + timedelta(seconds=1))
    assert form.land().error is None
    shown = "2026/11/26 12:00:0"
    assert form.keys() == [*(f"{shown}0-{number}" for number in range(1, 6)), f"{shown}1-1"]


def test_blank_rows_between_responses_do_not_end_the_sheet(tmp_path: Path) -> None:
    class Gaps(Spreadsheet):
        def grid(self, title: str) -> list[list[str]]:
            header, first, *others = super().grid(title)
            return [header, first, *[[] for _ in range(9)], *others]

    with night(Gaps, tmp_path / "home") as gaps:
        gaps.seed(NOON, NOON + timedelta(minutes=1))
        assert gaps.land().error is None
        assert gaps.keys() == ["1", "2"]


def test_rows_that_move_while_they_are_read_are_noticed(form: Night) -> None:
    form.seed(*(NOON + timedelta(minutes=number) for number in range(7)))

    def delete(request: Request) -> Reply | None:
        if len([one for one in form.vendor.requests if "/values/" in one.path]) == 2 and len(form.vendor.records) == 7:
            del form.vendor.records[0]
        return None

    form.vendor.traps.append(delete)
    assert "row 4 of sheet フォームの回答 1 changed while it was read" in str(form.land().error)
    assert form.land().error is None
    assert form.keys() == ["2", "3", "4", "5", "6", "7"]


def test_the_sheet_of_those_asked_is_read_whole(tmp_path: Path) -> None:
    with night(Spreadsheet, tmp_path / "home") as asked:
        asked.vendor.tabs["Who's asked"] = [
            ["回", "回答者", "招待日時"],
            *[["2026-11", f"hanako{number}@example.jp", "2026/11/26 9:00"] for number in range(1, 5)],
            ["2026-11", "hanako9@example.jp", "2026/11/25 9:00"],
        ]
        asked.connection = asked.vendor.connection(asked.url, invitations="Who's asked")
        asked.seed(NOON)
        assert asked.land().error is None
        assert len(asked.rows("invitations")) == 4  # the fifth is of another day
        asked.connection = asked.vendor.connection(asked.url, invitations="nobody")
        assert str(asked.land().error) == f"the spreadsheet has no sheet nobody (it has: {TITLE}, Who's asked)"


def test_a_spreadsheet_of_another_zone_is_refused(form: Night) -> None:
    form.seed(NOON)
    form.vendor.zone = "America/New_York"
    assert "the spreadsheet's times are those of America/New_York, the connection's of Asia/Tokyo" in str(form.land().error)
    form.vendor.zone = "Asia/Seoul"  # the same time all year
    assert form.land().error is None


def test_a_sheet_without_a_header_is_no_response_sheet(form: Night) -> None:
    form.vendor.tabs[TITLE] = [[], []]
    assert "the first row of sheet フォームの回答 1 is blank" in str(form.land().error)


def test_an_assertion_signed_with_another_key_is_refused(form: Night) -> None:
    name = "GOOGLE_SERVICE_ACCOUNT"
    form.vendor.audience = "https://elsewhere.example.com/token"
    assert "the sign-in was refused with 400" in str(form.land().error)
    for wrong in ("not json", '{"client_email": "x"}', key_file(form.url).replace("PRIVATE", "PUBLIC"), "[]"):
        form.vendor.secrets = {name: wrong}
        error = str(form.land().error)
        assert error == f"{name} holds no key of a service account; give it the whole JSON file"
    form.vendor.secrets = {name: key_file("http://tokens.example.com/")}
    with pytest.raises(SourceError, match="use https"):
        form.connection.api(Secrets(form.vendor.secrets), form.clock, form.said.append)


def test_a_look_goes_on_to_the_newest_responses(form: Night) -> None:
    form.seed(*[NOON - timedelta(days=90)] * 5, NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    (tried,) = try_connection(form.connection, Secrets(form.vendor.secrets), form.clock, form.said.append)
    assert (tried.label, tried.records) == ("responses page 2", 1)


def test_a_spreadsheet_is_named_by_its_id() -> None:
    with pytest.raises(ValueError, match="spreadsheet"):
        GoogleSheets.model_validate({"name": "g", "kind": "google_sheets", "spreadsheet": "https://docs.google.com/x"})
