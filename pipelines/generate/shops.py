"""The shops of the simulated company: customers with a latent engagement, and the orders they place.

Engagement makes a customer order more often, stay longer and recommend more. Each customer's orders are drawn on their own;
new customers then fill each day up to its expected demand, so that no day is empty and nobody's order displaces another's.
The coupon mail's extra orders are drawn apart from the others: how many orders it caused is counted, not estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

import numpy as np

from pipelines.generate import vocabulary as words
from pipelines.generate.vocabulary import Product, Town

Arm = Literal["", "treatment", "control"]
Status = Literal["placed", "paid", "shipped", "cancelled", "returned", "pending"]

COUPON = 500  # yen off, from 2,000 yen
COUPON_LIFT = 0.9  # treated customers order this much more while they are customers
COUPON_RETURN = 1 / 500  # treated customers who had drifted away order at this daily rate
FREE_SHIPPING_FROM = 5400
SHIPPING = 660
CASH_FEE = 330
REGULAR_ORDERS_PER_DAY = 1 / 105


@dataclass(slots=True)
class Person:
    """A made-up person; `mail` and `phone` belong to nobody else."""

    number: int
    family: tuple[str, str, str]
    given: tuple[str, str, str]
    is_female: bool
    birth: date
    town: Town
    block: str

    @property
    def mail(self) -> str:
        """Mail address in the reserved domain."""
        return f"{self.family[2]}.{self.given[2]}{self.number}@example.jp"

    @property
    def phone(self) -> str:
        """Mobile number in the unassigned range 090-0."""
        # 7919 is coprime to 10^7: every number occurs once, and neighbours do not look alike.
        digits = f"{self.number * 7919 % 10**7:07d}"
        return f"090-0{digits[:3]}-{digits[3:]}"


@dataclass(slots=True)
class Buyer:
    """One person as a customer of one shop; days count from the first day of the period."""

    person: Person
    engagement: float
    since: int
    until: int
    member: int | None = None
    arm: Arm = ""
    first_order: datetime | None = None
    last_order: datetime | None = None

    @property
    def rate(self) -> float:
        """Orders per day on an average day."""
        return REGULAR_ORDERS_PER_DAY * float(np.exp(0.25 * self.engagement))


@dataclass(slots=True)
class Line:
    """Goods on an order; `discount` is the line's own, in yen with tax."""

    product: Product
    quantity: int
    discount: int = 0


@dataclass(slots=True)
class Order:
    """One order; money in yen, times in Asia/Tokyo without an offset."""

    buyer: Buyer
    at: datetime
    lines: list[Line]
    number: int = 0
    caused_by_coupon: bool = False
    is_test: bool = False
    is_staff: bool = False
    is_gift: bool = False
    payment: Literal["card", "bank", "cash"] = "card"
    status: Status = "placed"
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    cancelled_at: datetime | None = None
    shipping: int = 0
    fee: int = 0
    discount: int = 0
    discount_code: str = ""
    points: int = 0
    refunded: int = 0

    @property
    def goods(self) -> int:
        """Goods with tax, before any discount."""
        return sum(line.product.price_with_tax * line.quantity for line in self.lines)

    @property
    def goods_without_tax(self) -> int:
        """Goods without tax, before any discount."""
        return sum(line.product.price * line.quantity for line in self.lines)

    @property
    def line_discounts(self) -> int:
        """Discounts given on single lines."""
        return sum(line.discount for line in self.lines)

    @property
    def total(self) -> int:
        """What the customer pays."""
        return self.goods - self.line_discounts + self.shipping + self.fee - self.discount - self.points

    @property
    def counts(self) -> bool:
        """A real sale: neither a test, nor cancelled, nor left at the payment page."""
        return not (self.is_test or self.is_staff) and self.status not in ("cancelled", "pending")


@dataclass(slots=True)
class Campaign:
    """The coupon mail: days of its window and the buyers in its two arms."""

    first: date
    last: date
    subjects: list[Buyer] = field(default_factory=list)


@dataclass(slots=True)
class Shop:
    """One simulated shop."""

    name: str
    first_number: int
    orders_per_day: float
    members: bool
    buyers: list[Buyer] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    campaign: Campaign | None = None


@dataclass(slots=True)
class Period:
    """The simulated days."""

    start: date
    days: int

    def day(self, number: int) -> date:
        """The day `number` days after the first."""
        return self.start + timedelta(days=number)

    @property
    def last(self) -> date:
        """The last day."""
        return self.day(self.days - 1)

    @property
    def end(self) -> datetime:
        """When the export was made: the last instant of the period."""
        return datetime.combine(self.last, time(23, 59, 59))

    def __iter__(self) -> Iterator[date]:
        return (self.day(number) for number in range(self.days))


class People:
    """Hands out persons, each only once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._next = 0

    def new(self) -> Person:
        """A person nobody has met yet."""
        self._next += 1
        rng = self._rng
        given = int(rng.integers(len(words.GIVEN_NAMES)))
        return Person(
            number=self._next,
            family=words.SURNAMES[int(rng.integers(len(words.SURNAMES)))],
            given=words.GIVEN_NAMES[given],
            is_female=given < words.FEMALE_GIVEN_NAMES,
            birth=date(1950, 1, 1) + timedelta(days=int(rng.integers(55 * 365))),
            town=words.TOWNS[int(rng.integers(len(words.TOWNS)))],
            block=f"見本町{rng.integers(1, 9)}-{rng.integers(1, 30)}",
        )


def demand(day: date) -> float:
    """Expected demand of a day relative to an average day."""
    return words.MONTH_DEMAND[day.month - 1] * words.WEEKDAY_DEMAND[day.weekday()]


def open_shop(shop: Shop, period: Period, people: People, rng: np.random.Generator, *, neighbours: Sequence[Buyer] = ()) -> None:
    """Simulate `shop` day by day; some of its new customers are customers of another shop already (`neighbours`)."""
    unmet = list(neighbours)
    next_member = 501
    rates, since, until, treated = (np.empty(0) for _ in range(4))
    for number, day in enumerate(period):
        campaign = shop.campaign
        if campaign is not None and day == campaign.first:
            _assign_arms(shop.buyers, campaign, rng)
            treated = np.array([buyer.arm == "treatment" for buyer in shop.buyers], dtype=float)
        season = demand(day)
        is_customer = (since <= number) & (number < until)
        again = np.flatnonzero(rng.random(len(rates)) < rates * season * is_customer)
        caused = np.empty(0, dtype=int)
        if campaign is not None and campaign.first <= day <= campaign.last:
            extra = treated * np.where(is_customer, rates * COUPON_LIFT, COUPON_RETURN)
            caused = np.flatnonzero(rng.random(len(rates)) < extra * season)
        expected = shop.orders_per_day * season
        wanted = int(expected + rng.random())
        joining = max(int(0.3 * expected + rng.random()), wanted - len(again), 1 if len(again) == 0 else 0)
        newcomers: list[Buyer] = []
        for _ in range(joining):
            buyer = _newcomer(number, people, unmet, rng)
            if shop.members and rng.random() < 0.8:
                buyer.member = next_member
                next_member += 1
            newcomers.append(buyer)
        placed = (
            [(shop.buyers[i], False) for i in again] + [(shop.buyers[i], True) for i in caused] + [(b, False) for b in newcomers]
        )
        shop.orders += _orders_of_day(placed, day, shop, rng)
        shop.buyers += newcomers
        rates = np.concatenate([rates, [buyer.rate for buyer in newcomers]])
        since = np.concatenate([since, [buyer.since + 1 for buyer in newcomers]])
        until = np.concatenate([until, [buyer.until for buyer in newcomers]])
        treated = np.concatenate([treated, np.zeros(len(newcomers))])
    _number_and_settle(shop, period, rng)


def _newcomer(number: int, people: People, unmet: list[Buyer], rng: np.random.Generator) -> Buyer:
    """A first-time customer: engaged ones stay longer (half a year at the average, twice that for each step up)."""
    person, engagement = None, float(rng.normal())
    if unmet and rng.random() < 0.12:
        known = unmet.pop(int(rng.integers(len(unmet))))
        if known.since < number:
            person, engagement = known.person, known.engagement
    stay = int(rng.exponential(np.exp(5.0 + 0.7 * engagement)))
    return Buyer(person or people.new(), engagement, number, number + 1 + stay)


def _assign_arms(buyers: Sequence[Buyer], campaign: Campaign, rng: np.random.Generator) -> None:
    """Half of the members who bought in the year before, drawn at random, get the coupon mail."""
    cutoff = datetime.combine(campaign.first - timedelta(days=365), time())
    recent = [b for b in buyers if b.member is not None and b.last_order is not None and b.last_order >= cutoff]
    for place, chosen in enumerate(rng.permutation(len(recent))):
        recent[int(chosen)].arm = "treatment" if place % 2 == 0 else "control"
    campaign.subjects = recent


def _orders_of_day(placed: list[tuple[Buyer, bool]], day: date, shop: Shop, rng: np.random.Generator) -> list[Order]:
    orders = []
    for buyer, caused in placed:
        orders.append(_order(buyer, day, caused, shop, rng))
        if rng.random() < 0.02:  # something was forgotten: a second order on the same day is no repeat purchase
            orders.append(_order(buyer, day, False, shop, rng))
    orders.sort(key=lambda order: order.at)
    # The day's last change may not be left to chance: one order is always placed in the morning and shipped the same day.
    orders[0].at = datetime.combine(day, time(int(rng.integers(7, 11)), int(rng.integers(60)), int(rng.integers(60))))
    orders[0].payment, orders[0].fee = "card", 0
    orders.sort(key=lambda order: order.at)
    for order in orders:
        order.buyer.first_order = order.buyer.first_order or order.at
        order.buyer.last_order = order.at
    return orders


def _order(buyer: Buyer, day: date, caused: bool, shop: Shop, rng: np.random.Generator) -> Order:
    # One order in six falls between midnight and nine, when it is still the day before in UTC.
    hour = int(rng.integers(0, 9)) if rng.random() < 1 / 6 else int(rng.integers(9, 24))
    at = datetime.combine(day, time(hour, int(rng.integers(60)), int(rng.integers(60))))
    weights = np.array([2.0 if day.month in product.peak else 1.0 for product in words.PRODUCTS])
    chosen = rng.choice(
        len(weights), size=int(rng.choice((1, 2, 3), p=(0.7, 0.22, 0.08))), replace=False, p=weights / weights.sum()
    )
    order = Order(buyer, at, [Line(words.PRODUCTS[int(i)], int(rng.choice((1, 2, 3), p=(0.76, 0.19, 0.05)))) for i in chosen])
    order.caused_by_coupon = caused
    order.is_gift = bool(rng.random() < 0.12)
    order.shipping = 0 if order.goods >= FREE_SHIPPING_FROM else SHIPPING
    if shop.members:
        order.payment = ("card", "bank", "cash")[int(rng.choice(3, p=(0.75, 0.15, 0.1)))]
        order.fee = CASH_FEE if order.payment == "cash" else 0
        campaign = shop.campaign
        invited = campaign is not None and buyer.arm == "treatment" and campaign.first <= day <= campaign.last
        if invited and order.goods >= 2000 and (caused or rng.random() < 0.7):
            order.discount, order.discount_code = COUPON, "クーポン割引"
        if buyer.member is not None and rng.random() < 0.1:
            order.points = int(rng.integers(1, 6)) * 50
    elif rng.random() < 0.08:
        order.discount, order.discount_code = order.goods // 10, "OCHA10"
    elif rng.random() < 0.03:
        order.lines[0].discount = 100
    return order


def _number_and_settle(shop: Shop, period: Period, rng: np.random.Generator) -> None:
    """Number the orders in the order of time, then let what follows an order happen, as far as the period goes."""
    shop.orders.sort(key=lambda order: order.at)
    seen: set[date] = set()
    for number, order in enumerate(shop.orders):
        order.number = shop.first_number + number
        is_morning_order = order.at.date() not in seen and 7 <= order.at.hour < 11 and order.payment == "card"
        if is_morning_order:
            seen.add(order.at.date())
        chance = 1.0 if is_morning_order else float(rng.random())
        _settle(order, chance, shop, period, rng)


def _settle(order: Order, chance: float, shop: Shop, period: Period, rng: np.random.Generator) -> None:
    noon = datetime.combine(order.at.date(), time(16, int(rng.integers(60))))
    if chance < 0.008 and shop.members:  # EC-CUBE keeps what was left at the payment page as an order
        order.status = "pending"
        return
    if order.payment == "bank":
        order.paid_at = _by(order.at + timedelta(hours=int(rng.integers(20, 30))), period)
    elif order.payment == "card":
        order.paid_at = _by(order.at + timedelta(minutes=1), period)
    order.status = "paid" if order.paid_at else "placed"
    if chance < 0.06:
        order.cancelled_at = _by(order.at + timedelta(hours=int(rng.integers(1, 20))), period)
        if order.cancelled_at is not None:
            order.status = "cancelled"
            order.refunded = order.total if order.paid_at and order.paid_at <= order.cancelled_at else 0
            order.paid_at = order.paid_at if order.refunded else None
            return
    if order.payment == "bank":
        order.shipped_at = _by(noon + timedelta(days=2), period) if order.paid_at else None
    else:
        order.shipped_at = _by(noon if order.at.hour < 13 else noon + timedelta(days=1), period)
    if order.shipped_at is None:
        return
    order.status = "shipped"
    if 0.06 <= chance < 0.1:
        if shop.members:
            order.status = "returned"
        else:
            line = order.lines[0]
            order.refunded = line.product.price_with_tax * line.quantity - line.discount
    elif 0.1 <= chance < 0.108:
        order.is_test = not shop.members
    elif 0.108 <= chance < 0.12:
        order.is_staff = not shop.members


def _by(moment: datetime, period: Period) -> datetime | None:
    """`moment`, or None when it lies after the export."""
    return moment if moment <= period.end else None
