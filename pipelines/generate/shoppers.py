"""What the customers of the simulated shops answer in the quarterly survey: engaged ones recommend more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from pipelines.generate import vocabulary as words
from pipelines.generate.shops import Buyer, Period
from pipelines.generate.staff import waves


class Invited(NamedTuple):
    """One customer asked in one wave; `token` stands in the link of the invitation."""

    wave: str
    at: datetime
    buyer: Buyer
    token: str


class ShopperAnswer(NamedTuple):
    """One customer's answers to the quarterly survey."""

    wave: str
    at: datetime
    buyer: Buyer
    nps: int
    csat: int
    reasons: tuple[str, ...]
    age: str
    comment: str
    token: str


def ask_shoppers(
    buyers: Iterable[Buyer], bought: dict[int, list[date]], period: Period, rng: np.random.Generator
) -> tuple[list[Invited], list[ShopperAnswer]]:
    """Each quarter, ask who bought within 120 days; `bought` holds the order days by the buyer's identity."""
    known, invited, answers = list(buyers), [], []
    for wave, day in waves(period):
        asked: set[int] = set()  # who buys in both shops is asked once
        for buyer in known:
            recent = any(0 < (day - order_day).days <= 120 for order_day in bought.get(id(buyer), ()))
            if not recent or buyer.person.number in asked:
                continue
            asked.add(buyer.person.number)
            token = f"{len(asked) * 7919 % 9973:04d}"  # 9973 is prime: no two of a wave share one
            invited.append(Invited(wave, datetime.combine(day, time(8)), buyer, token))
            if rng.random() > 0.32 + 0.08 * np.clip(buyer.engagement, -2, 2):
                continue
            at = datetime.combine(day + timedelta(days=int(rng.integers(0, 9))), time(8)) + timedelta(
                seconds=int(rng.integers(0, 54000))
            )
            score = int(np.clip(np.rint(7.7 + 1.4 * buyer.engagement + rng.normal(0, 1.2)), 0, 10))
            csat = int(np.clip(np.rint(3.9 + 0.5 * buyer.engagement + rng.normal(0, 0.6)), 1, 5))
            reasons = tuple(option for option in words.SHOPPER_REASON_OPTIONS if rng.random() < 0.4)
            age = words.SHOPPER_AGES[min(4, max(0, (day.year - buyer.person.birth.year) // 10 - 2))]
            comment = words.SHOPPER_COMMENTS[int(rng.integers(len(words.SHOPPER_COMMENTS)))] if rng.random() < 0.2 else ""
            answers.append(ShopperAnswer(wave, at, buyer, score, csat, reasons, age, comment, token))
    return invited, sorted(answers, key=lambda answer: (answer.at, answer.buyer.person.number))
