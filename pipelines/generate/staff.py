"""The staff of the simulated company: who works where and until when, what they answer, and what is done for them.

Each unit has a latent engagement that its people scatter around. It moves the answers, the suggestions and the quits, so that
engaged units score higher and lose fewer people. The 1on1 programme lifts the answer on talking with one's superior.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from pipelines.generate.shops import Period
from pipelines.generate.vocabulary import CAREER_UNITS, ONE_ON_ONE_UNITS, STAFF_COMMENTS, STAFF_ITEMS, UNITS, Unit

ONE_ON_ONE_LIFT = 0.8  # points on the communication item, before rounding to the scale
CAREER_LIFT = 0.6  # the same, on the growth item; the workshops on values lift nothing
REWARD_LIFT = 2.5  # suggestions per month, times
QUITS_PER_YEAR = 0.085  # of people of average engagement; e times as many one unit of engagement lower


class State(NamedTuple):
    """Where a person works from a day on; `left` closes the history."""

    since: date
    unit: str
    manager: str
    left: str = ""  # reason of leaving; then `since` is the last day of work


@dataclass(slots=True)
class Employee:
    """One employee with the states the HR system has recorded in the period."""

    number: str
    hired: date
    engagement: float
    employment: str
    states: list[State] = field(default_factory=list)
    is_head: bool = False

    @property
    def leave(self) -> State | None:
        """The closing state, if the person left."""
        return self.states[-1] if self.states[-1].left else None

    def unit_on(self, day: date) -> str | None:
        """Unit on a day; None before the hire and after the last day of work."""
        leave = self.leave
        if leave is not None and day > leave.since:
            return None
        return next((state.unit for state in reversed(self.states) if state.since <= day), None)


class PulseAnswer(NamedTuple):
    """One filled staff form; None is a question left out."""

    wave: str
    at: datetime
    employee: Employee
    unit: str
    items: tuple[int | None, ...]
    enps: int | None
    comment: str


class Invitation(NamedTuple):
    """One person invited to one wave."""

    wave: str
    at: datetime
    employee: Employee
    unit: str


class Activity(NamedTuple):
    """One measure taken with one employee."""

    day: date
    employee: Employee
    kind: str
    hours: float | None
    adopted: bool | None


@dataclass(slots=True)
class Staff:
    """Everything about the staff, with the first days of the programmes."""

    one_on_one_start: date
    career_start: date
    values_start: date
    reward_starts: dict[str, date]
    employees: list[Employee] = field(default_factory=list)
    answers: list[PulseAnswer] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)


def waves(period: Period) -> list[tuple[str, date]]:
    """Name and first day of each quarterly survey: the tenth of the quarter's middle month, answers within ten days."""
    found = [
        (f"{day.year}Q{(day.month + 2) // 3}", day)
        for day in period
        if day.day == 10 and day.month % 3 == 2 and day + timedelta(days=10) <= period.last
    ]
    return found or [(f"{period.start.year}Q{(period.start.month + 2) // 3}", period.start)]


def months(period: Period) -> list[date]:
    """First day of each calendar month that the period touches."""
    return sorted({day.replace(day=1) for day in period})


def employ(period: Period, scale: float, rng: np.random.Generator) -> Staff:
    """Simulate the staff over the period."""
    starts = {unit: period.day(int(period.days * share)) for unit, share in _reward_shares().items()}
    one_on_one, career, values = (period.day(int(period.days * share)) for share in (0.5, 0.6, 0.4))
    staff = Staff(one_on_one, career, values, starts)
    heads = _opening_staff(staff, period, scale, rng)
    _turnover(staff, period, heads, rng)
    _survey(staff, period, rng)
    _activities(staff, period, rng)
    return staff


def _reward_shares() -> dict[str, float]:
    """The suggestion reward reaches one business unit after the other."""
    business_units = list(dict.fromkeys(unit.path.split("/")[0] for unit in UNITS))
    return {name: 0.25 + 0.18 * place for place, name in enumerate(business_units)}


def _opening_staff(staff: Staff, period: Period, scale: float, rng: np.random.Generator) -> dict[str, str]:
    heads: dict[str, str] = {}
    for unit in UNITS:
        for place in range(max(2, round(unit.people * scale))):
            number = f"{len(staff.employees) + 101:06d}"
            hired = period.start - timedelta(days=int(rng.integers(30, 9000)))
            heads.setdefault(unit.path, number)
            business_unit = unit.path.split("/")[0]
            heads.setdefault(business_unit, number)
            above = heads[business_unit] if place == 0 else heads[unit.path]
            person = _person(number, unit, hired, rng)
            person.is_head = place == 0
            person.states.append(State(period.start, unit.path, "" if above == number else above))
            staff.employees.append(person)
    return heads


def _person(number: str, unit: Unit, hired: date, rng: np.random.Generator) -> Employee:
    employment = ("正社員", "契約社員", "パート")[int(rng.choice(3, p=(0.7, 0.15, 0.15)))]
    return Employee(number, hired, 0.75 * unit.engagement + float(rng.normal(0, 0.5)), employment)


def _turnover(staff: Staff, period: Period, heads: dict[str, str], rng: np.random.Generator) -> None:
    """Month by month: quits at the month's end, moves on the first of April and October, a hire for each leaver."""
    units = {unit.path: unit for unit in UNITS}
    vacancies: list[Unit] = []
    for month in months(period)[1:]:
        last_day = month - timedelta(days=1)
        for person in staff.employees:
            unit = person.unit_on(last_day)
            if unit is None or person.is_head or person.states[-1].since >= last_day:
                continue
            reason = _reason(person, rng)
            if reason:
                person.states.append(State(last_day, unit, person.states[-1].manager, reason))
                vacancies.append(units[unit])
            elif month.month in (4, 10) and rng.random() < 0.04:
                target = UNITS[int(rng.integers(len(UNITS)))].path
                if target != unit:
                    person.states.append(State(month, target, heads[target]))
        filled, vacancies = [vacancy for vacancy in vacancies if rng.random() < 0.6], []
        for vacancy in filled:
            number = f"{len(staff.employees) + 101:06d}"
            person = _person(number, vacancy, month, rng)
            person.states.append(State(month, vacancy.path, heads[vacancy.path]))
            staff.employees.append(person)


def _reason(person: Employee, rng: np.random.Generator) -> str:
    """Reason of leaving this month, mostly none."""
    if rng.random() < QUITS_PER_YEAR / 12 * float(np.exp(-person.engagement)):
        return "自己都合"
    other = rng.random()
    if other < 0.0006:
        return "定年"
    if other < 0.0012:
        return "会社都合"
    return "契約満了" if other < 0.004 and person.employment == "契約社員" else ""


def _survey(staff: Staff, period: Period, rng: np.random.Generator) -> None:
    for wave, day in waves(period):
        asked = [(person, unit) for person in staff.employees if (unit := person.unit_on(day)) is not None]
        for person, unit in asked:
            staff.invitations.append(Invitation(wave, datetime.combine(day, time(9, 0)), person, unit))
            if rng.random() > 0.82 + 0.06 * np.clip(person.engagement, -2, 2):
                continue
            at = datetime.combine(day + timedelta(days=min(9, int(rng.exponential(2.5)))), time(9)) + timedelta(
                seconds=int(rng.integers(0, 11 * 3600))
            )
            staff.answers.append(_answer(wave, at, person, unit, staff, rng))
    staff.answers.sort(key=lambda answer: (answer.at, answer.employee.number))


def _answer(wave: str, at: datetime, person: Employee, unit: str, staff: Staff, rng: np.random.Generator) -> PulseAnswer:
    mood = person.engagement + float(rng.normal(0, 0.25))
    items: list[int | None] = []
    for item in STAFF_ITEMS:
        lift = 0.0
        if item.driver == "communication" and unit in ONE_ON_ONE_UNITS and at.date() >= staff.one_on_one_start:
            lift = ONE_ON_ONE_LIFT
        elif item.driver == "growth" and unit in CAREER_UNITS and at.date() >= staff.career_start:
            lift = CAREER_LIFT
        level = item.level + (-0.55 if item.is_reversed else 0.55) * mood + lift
        points = int(np.clip(np.rint(level + rng.normal(0, 0.55)), 1, 5))
        items.append(None if rng.random() < 0.01 else points)
    enps = int(np.clip(np.rint(6.6 + 1.9 * mood + rng.normal(0, 1.1)), 0, 10))
    comment = STAFF_COMMENTS[int(rng.integers(len(STAFF_COMMENTS)))] if rng.random() < 0.08 else ""
    return PulseAnswer(wave, at, person, unit, tuple(items), None if rng.random() < 0.01 else enps, comment)


def _activities(staff: Staff, period: Period, rng: np.random.Generator) -> None:
    for month in months(period):
        days = [day for day in period if day.replace(day=1) == month and day.weekday() < 5]
        if not days:
            continue
        town_hall = days[len(days) // 2]
        for person in staff.employees:
            for kind, hours, adopted in _month_of(person, month, staff, rng):
                day = town_hall if kind == "全社会" else days[int(rng.integers(len(days)))]
                if person.unit_on(day) is not None:
                    staff.activities.append(Activity(day, person, kind, hours, adopted))
    staff.activities.sort(key=lambda activity: (activity.day, activity.employee.number))


def _month_of(
    person: Employee, month: date, staff: Staff, rng: np.random.Generator
) -> Iterator[tuple[str, float | None, bool | None]]:
    """Kind, hours and adoption of what one person takes part in during one month."""
    unit = person.unit_on(month) or person.states[0].unit
    monthly = unit in ONE_ON_ONE_UNITS and month >= staff.one_on_one_start
    if monthly or (month.month % 3 == 0 and rng.random() < 0.6):
        yield "1on1", 0.5, None
    if rng.random() < 0.08:
        yield "研修", float(rng.choice((1.5, 3.0, 6.0))), None
    rewarded = month >= staff.reward_starts[unit.split("/")[0]]
    if rng.random() < 0.05 * float(np.exp(0.4 * person.engagement)) * (REWARD_LIFT if rewarded else 1):
        yield "改善提案", None, bool(rng.random() < 0.35)
    if month.month in (4, 10) and rng.random() < 0.75:
        yield "全社会", 1.5, None
