"""What the members of the EC-CUBE shop do beyond ordering: reviews, a monthly tea subscription, loyalty points; a few tell which
account on X is theirs.

Engaged members review more and better, keep their subscription longer, and sooner tell their account. A review for which points
were given is marked, and is kinder than it would have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.generate import vocabulary as words
from pipelines.generate.files import write_csv
from pipelines.generate.shops import Arm, Buyer, Order, Period, Shop
from pipelines.generate.social import Mention

MONTHLY = {"煎茶": 1980, "飲みくらべ": 2980}
TRIAL_DAYS = 14
REVIEW_POINTS = 50
REVIEW_LIFT = 6  # reviews of an order while the member is offered points for them, times
REVIEW_DRIVE_DAYS = 180

REVIEW_COLUMNS = (
    "レビューID", "会員番号", "商品コード", "注文番号", "投稿日時", "評価", "購入確認", "謝礼", "謝礼の表示", "本文",
)  # fmt: skip
HANDLE_COLUMNS = ("会員番号", "SNSアカウント", "状態", "登録日時")
EVENT_COLUMNS = ("定期購入ID", "会員番号", "出来事", "発生日時", "試用終了日時", "プラン", "月額")
POINT_COLUMNS = ("取引ID", "会員番号", "種類", "ポイント", "発生日時", "注文番号", "理由")


class Review(NamedTuple):
    """One product review; `text` is what the customer wrote."""

    number: int
    order: Order
    at: datetime
    rating: int
    is_incentivised: bool
    text: str


class Event(NamedTuple):
    """Something that happened to a subscription; `name` as in the tool's export."""

    subscription: int
    buyer: Buyer
    name: str
    at: datetime
    trial_ends: datetime | None
    plan: str


class Movement(NamedTuple):
    """Points given or used."""

    buyer: Buyer
    kind: str
    points: int
    at: datetime
    order: int | None
    reason: str


class Handle(NamedTuple):
    """The account on X a member says is theirs, told with the first order."""

    buyer: Buyer
    name: str
    at: datetime


class ReviewDrive(NamedTuple):
    """Points for reviews, offered to half of the members who had bought before: the arm of each by member number."""

    first: date
    last: date
    arms: dict[int, Arm]

    def offers(self, order: Order) -> bool:
        """Whether the buyer of `order` was offered points when it was placed."""
        return self.first <= order.at.date() <= self.last and self.arms.get(order.buyer.member or 0) == "treatment"


class Loyalty(NamedTuple):
    """Everything exported by the tools around the shop."""

    drive: ReviewDrive
    reviews: Sequence[Review]
    events: Sequence[Event]
    movements: Sequence[Movement]
    handles: Sequence[Handle]


def take_part(
    shop: Shop, mentions: Sequence[Mention], period: Period, rng: np.random.Generator, handle_rng: np.random.Generator
) -> Loyalty:
    """Let the members of `shop` review what they bought, subscribe, gather points, and tell their account among the authors."""
    sales = [order for order in shop.orders if order.counts and order.buyer.member is not None]
    drive = _drive(sales, period, rng)
    reviews = list(_reviews(sales, drive, period, rng))
    first: dict[int, Order] = {}
    for order in sales:
        first.setdefault(order.buyer.member or 0, order)
    events: list[Event] = []
    for order in first.values():
        if rng.random() < 0.22 + 0.06 * np.clip(order.buyer.engagement, -2, 2):
            events.extend(_subscription(len(events) + 1, order, period, rng))
    events.sort(key=lambda event: (event.at, event.subscription))
    handles = list(_handles(first.values(), mentions, handle_rng))
    return Loyalty(drive, reviews, events, _points(sales, reviews), handles)


def _handles(first: Iterable[Order], mentions: Sequence[Mention], rng: np.random.Generator) -> Iterator[Handle]:
    members = [order for order in first if rng.random() < 0.10 + 0.04 * np.clip(order.buyer.engagement, -2, 2)]
    authors = rng.permutation(sorted({mention.author for mention in mentions})).tolist()
    for order, author in zip(members, authors, strict=False):  # in a small company there may be more members than authors
        yield Handle(order.buyer, author, order.at)


def _drive(sales: Sequence[Order], period: Period, rng: np.random.Generator) -> ReviewDrive:
    first = period.day(int(period.days * 0.7))
    last = period.day(min(int(period.days * 0.7) + REVIEW_DRIVE_DAYS, period.days) - 1)
    members = sorted({order.buyer.member or 0 for order in sales if order.at.date() < first})
    drawn = rng.random(len(members)) < 0.5
    return ReviewDrive(first, last, {m: "treatment" if d else "control" for m, d in zip(members, drawn, strict=True)})


def _reviews(sales: Sequence[Order], drive: ReviewDrive, period: Period, rng: np.random.Generator) -> Iterator[Review]:
    number = 0
    for order in sales:
        engagement = float(np.clip(order.buyer.engagement, -2, 2))
        at = order.at + timedelta(days=float(rng.uniform(4, 20)))
        is_offered = drive.offers(order)
        if rng.random() > (0.10 + 0.05 * engagement) * (REVIEW_LIFT if is_offered else 1) or at > period.end:
            continue
        number += 1
        is_incentivised = is_offered or bool(rng.random() < 0.25)
        rating = int(np.clip(np.rint(3.7 + 0.7 * engagement + 0.5 * is_incentivised + rng.normal(0, 0.8)), 1, 5))
        texts = words.GOOD_REVIEWS if rating >= 4 else words.BAD_REVIEWS if rating <= 2 else words.PLAIN_REVIEWS
        text = texts[int(rng.integers(len(texts)))] + ("（PR）" if is_incentivised else "")
        yield Review(number, order, at.replace(microsecond=0), rating, is_incentivised, text)


def _subscription(number: int, order: Order, period: Period, rng: np.random.Generator) -> list[Event]:
    """The life of one subscription: trial or not, months of service with pauses, and perhaps an end."""
    plan = list(MONTHLY)[int(rng.integers(len(MONTHLY)))]
    at = (order.at + timedelta(days=float(rng.uniform(1, 60)))).replace(microsecond=0)
    events: list[tuple[str, datetime, datetime | None]] = []
    if rng.random() < 0.5:
        ends = at + timedelta(days=TRIAL_DAYS)
        events.append(("試用開始", at, ends))
        if rng.random() < 0.3:
            events.append(("解約", ends, None))
            at = period.end + timedelta(days=1)
        else:
            events.append(("開始", ends, None))
            at = ends
    else:
        events.append(("開始", at, None))
    leaves = 0.07 * float(np.exp(-0.5 * order.buyer.engagement))
    while at <= period.end:
        at = at + timedelta(days=30, seconds=int(rng.integers(3600)))
        drawn = rng.random()
        if drawn < leaves:
            events.append(("解約", at, None))
            break
        if drawn > 0.96:
            events.append(("休止", at, None))
            at = at + timedelta(days=int(rng.integers(20, 60)))
            events.append(("再開" if rng.random() < 0.8 else "解約", at, None))
            if events[-1][0] == "解約":
                break
    return [Event(number, order.buyer, name, when, ends, plan) for name, when, ends in events if when <= period.end]


def _points(sales: Sequence[Order], reviews: Sequence[Review]) -> list[Movement]:
    earned = [Movement(o.buyer, "付与", o.goods_without_tax // 100, o.at, o.number, "購入") for o in sales]
    used = [Movement(o.buyer, "利用", -o.points, o.at, o.number, "購入") for o in sales if o.points]
    given = [
        Movement(review.order.buyer, "付与", REVIEW_POINTS, review.at, review.order.number, "レビュー")
        for review in reviews
        if review.is_incentivised
    ]
    return sorted(earned + used + given, key=lambda m: (m.at, m.buyer.member or 0, m.kind, m.reason))


def write_loyalty(folder: Path, loyalty: Loyalty) -> None:
    """The tools' four exports."""
    declared = ([handle.buyer.member, f"@{handle.name}", "有効", handle.at] for handle in loyalty.handles)
    write_csv(folder / "members.csv", HANDLE_COLUMNS, declared)
    write_csv(folder / "reviews.csv", REVIEW_COLUMNS, map(_review_row, loyalty.reviews))
    write_csv(folder / "subscription_events.csv", EVENT_COLUMNS, map(_event_row, loyalty.events))
    rows = ([f"P{n}", *_point_row(movement)] for n, movement in enumerate(loyalty.movements, 1))
    write_csv(folder / "points.csv", POINT_COLUMNS, rows)


def _review_row(review: Review) -> list[Any]:
    order = review.order
    disclosure = "PR" if review.is_incentivised else None
    flags = ["○", "○" if review.is_incentivised else "×", disclosure]
    what = [order.buyer.member, order.lines[0].product.sku, order.number, review.at, review.rating]
    return [f"R{review.number}", *what, *flags, review.text]


def _event_row(event: Event) -> list[Any]:
    what = [event.buyer.member, event.name, event.at, event.trial_ends, event.plan]
    return [f"T{event.subscription}", *what, MONTHLY[event.plan]]


def _point_row(movement: Movement) -> list[Any]:
    return [movement.buyer.member, movement.kind, movement.points, movement.at, movement.order, movement.reason]


def _drive_truth(loyalty: Loyalty) -> dict[str, Any]:
    drive = loyalty.drive
    written = Counter(
        drive.arms[review.order.buyer.member or 0]
        for review in loyalty.reviews
        if drive.first <= review.at.date() <= drive.last and (review.order.buyer.member or 0) in drive.arms
    )
    subjects = Counter(drive.arms.values())
    arms: tuple[Arm, ...] = ("treatment", "control")
    return {
        "first_day": drive.first.isoformat(),
        "last_day": drive.last.isoformat(),
        **{arm: {"subjects": subjects[arm], "reviews": written[arm]} for arm in arms},
    }


def loyalty_truth(loyalty: Loyalty, period: Period) -> dict[str, Any]:
    """Reviews by incentive; what happened to subscriptions and how many run at the end; points by kind."""
    state: dict[int, str] = {}
    happened: Counter[str] = Counter()
    after = {"試用開始": "trial", "開始": "active", "再開": "active", "休止": "paused", "解約": "cancelled"}
    for event in loyalty.events:
        before = state.get(event.subscription, "none")
        state[event.subscription] = after[event.name]
        happened[f"{before}_to_{after[event.name]}"] += 1
    return {
        "description": "Tools around the EC-CUBE shop: reviews organic and incentivised, changes of state of the subscriptions "
        "(before_to_after) and how many are in each state on the last day, points by kind. review_drive: PTS-01, reviews per "
        "member drawn, from its first to its last day; points multiply an order's reviews by 6.",
        "reviews": {
            kind: {
                "n": len(ratings),
                "mean_rating": round(sum(ratings) / len(ratings), 6) if ratings else None,
            }
            for kind, flag in (("organic", False), ("incentivised", True))
            for ratings in [[review.rating for review in loyalty.reviews if review.is_incentivised is flag]]
        },
        "subscription_changes": dict(sorted(happened.items())),
        "subscriptions_at_end": dict(sorted(Counter(state.values()).items())),
        "last_day": period.last.isoformat(),
        "review_drive": _drive_truth(loyalty),
        "points": {
            kind: sum(movement.points for movement in loyalty.movements if movement.kind == name)
            for kind, name in (("earned", "付与"), ("used", "利用"))
        },
    }


def handles_truth(loyalty: Loyalty, mentions: Sequence[Mention], shops: Iterable[Shop]) -> dict[str, Any]:
    """How many accounts members told of, and what these wrote since their owners are customers."""
    first: dict[str, date] = {}
    for order in (order for shop in shops for order in shop.orders if order.counts):
        mail = order.buyer.person.mail
        first[mail] = min(first.get(mail, order.at.date()), order.at.date())
    owners = {handle.name: handle.buyer.person.mail for handle in loyalty.handles}
    theirs = [mention for mention in mentions if mention.author in owners]
    known = [mention for mention in theirs if mention.at.date() >= first[owners[mention.author]].replace(day=1)]
    return {
        "description": "Members who told which account on X is theirs, its posts about the brand, and how many of these (and of "
        "them incentivised) came in or after the month of the member's first sale in either shop.",
        "members": len(owners),
        "mentions": len(theirs),
        "mentions_since_first_sale": len(known),
        "incentivised_since_first_sale": sum(mention.is_incentivised for mention in known),
    }
