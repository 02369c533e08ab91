"""The surveys' export files: Google Forms for the staff, SurveyMonkey for the customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.generate import vocabulary as words
from pipelines.generate.files import write_csv
from pipelines.generate.shoppers import Invited, ShopperAnswer
from pipelines.generate.staff import PulseAnswer, Staff

PULSE_COLUMNS = (
    "タイムスタンプ", "社員番号", "所属", *(item.text for item in words.STAFF_ITEMS), words.STAFF_ENPS, words.STAFF_COMMENT,
)  # fmt: skip
SHOPPER_COLUMNS = (
    "Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name", "Last Name",
    "Custom Data 1",
    words.SHOPPER_NPS, words.SHOPPER_CSAT, words.SHOPPER_REASONS, "", "", "", "", words.SHOPPER_AGE, words.SHOPPER_COMMENT,
)  # fmt: skip
SHOPPER_TITLES = (
    *[""] * 9, "Response", "Response", *words.SHOPPER_REASON_OPTIONS, "Response", "Open-Ended Response",
)  # fmt: skip
INVITATION_COLUMNS = ("回", "回答者", "招待日時", "所属")


def _half(moment: datetime) -> str:
    """A timestamp as Google Forms writes it in Japanese: `2026/01/31 午後 11:59:59 GMT+9`."""
    return f"{moment:%Y/%m/%d} {'午前' if moment.hour < 12 else '午後'} {moment.hour % 12 or 12}:{moment:%M:%S} GMT+9"


def pulse_row(answer: PulseAnswer) -> list[Any]:
    """One row of the staff form."""
    return [_half(answer.at), answer.employee.number, answer.unit, *answer.items, answer.enps, answer.comment]


def shopper_row(number: int, answer: ShopperAnswer) -> list[Any]:
    """One row of the customer survey; a choice is its text in its own column."""
    started = answer.at - timedelta(minutes=3)
    chosen = [option if option in answer.reasons else None for option in words.SHOPPER_REASON_OPTIONS]
    stamps = [f"{moment:%m/%d/%Y %I:%M:%S %p}" for moment in (started, answer.at)]
    respondent = [11_800_000_000 + number, 430_001_001, *stamps, None, answer.buyer.person.mail, None, None, answer.token]
    return [*respondent, answer.nps, answer.csat, *chosen, answer.age, answer.comment]


def write_surveys(folder: Path, staff: Staff, asked: Sequence[Invited], shoppers: Sequence[ShopperAnswer]) -> None:
    """Both surveys: one file per wave and one of all invitations."""
    for wave, answers in groupby(staff.answers, key=lambda answer: answer.wave):
        write_csv(folder / "staff_pulse" / f"pulse_{wave}.csv", PULSE_COLUMNS, map(pulse_row, answers))
    invited = ([i.wave, i.employee.number, f"{i.at:%Y/%m/%d %H:%M}", i.unit] for i in staff.invitations)
    write_csv(folder / "staff_pulse" / "invitations.csv", INVITATION_COLUMNS, invited, encoding="cp932", end="\r\n")
    stamps = ([i.wave, i.buyer.person.mail, f"{i.at:%m/%d/%Y %I:%M:%S %p}", i.token] for i in asked)
    write_csv(folder / "customer_nps" / "invitations.csv", ("wave", "respondent", "invited_at", "token"), stamps)
    numbered = [(answer.wave, shopper_row(number, answer)) for number, answer in enumerate(shoppers, start=1)]
    for wave, rows in groupby(numbered, key=lambda pair: pair[0]):
        file = folder / "customer_nps" / f"customer_nps_{wave}.csv"
        write_csv(file, SHOPPER_COLUMNS, (row for _, row in rows), title=SHOPPER_TITLES)
