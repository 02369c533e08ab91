"""The company's accounts on social networks, their posts with cumulative counters, and what others write about the brand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from pipelines.generate import vocabulary as words
from pipelines.generate.shops import Period, demand

SNAPSHOT_AGES = (*range(8), 14, 28)  # days after posting on which the counters are exported
X_EPOCH_MS = 1288834974657  # numbers of X posts count milliseconds from here


class PostDay(NamedTuple):
    """One post with its counters so far; shares of the impressions, see `Account.shares`."""

    day: date
    post_id: str
    posted_at: datetime
    form: str
    impressions: int
    likes: int
    replies: int
    reposts: int
    saves: int
    clicks: int


class AccountDay(NamedTuple):
    """One account on one day; `reach` is None where the platform gave nothing."""

    day: date
    followers: int
    following: int
    posts: int
    reach: int | None
    profile_views: int


@dataclass(slots=True)
class Account:
    """One of our accounts with everything exported for it."""

    platform: str
    handle: str
    weekdays: tuple[int, ...]
    hour: int
    followers: int
    daily_gain: float
    likes_share: float
    forms: tuple[str, ...]
    days: list[AccountDay] = field(default_factory=list)
    posts: list[PostDay] = field(default_factory=list)
    reset_post: str = ""


class Mention(NamedTuple):
    """A post by somebody else about the brand."""

    post_id: str
    at: datetime
    author: str
    followers: int
    text: str
    likes: int
    replies: int
    reposts: int
    is_ugc: bool
    is_incentivised: bool
    polarity: int
    first_reply: datetime | None


def post_on(account: Account, period: Period, rng: np.random.Generator) -> Account:
    """Let `account` post on its weekdays and be followed; counters grow fast at first and only once fall."""
    followers = float(account.followers)
    posted = 0
    for number, day in enumerate(period):
        if day.weekday() in account.weekdays:
            posted += 1
            _post(account, day, posted, followers, period, rng)
        followers += max(-3.0, float(rng.normal(account.daily_gain * demand(day), account.daily_gain)))
        reach = int(followers * rng.uniform(0.15, 0.35))
        has_reach = account.platform == "x" or number % 97 != 40
        views = int(reach * rng.uniform(0.02, 0.05))
        account.days.append(
            AccountDay(day, int(followers), 180 + number // 30, 800 + posted, reach if has_reach else None, views)
        )
    account.posts.sort(key=lambda post: (post.day, post.post_id))
    return account


def _post(account: Account, day: date, place: int, followers: float, period: Period, rng: np.random.Generator) -> None:
    at = datetime.combine(day, time(account.hour, int(rng.integers(0, 20)), int(rng.integers(60))))
    post_id = number_of(at, int(rng.integers(2**22))) if account.platform == "x" else f"1790{place:013d}"
    final = followers * float(rng.lognormal(-0.9, 0.5))
    shares = np.array((account.likes_share, 0.002, 0.006, 0.008, 0.01)) * rng.uniform(0.6, 1.4, 5)
    form = account.forms[int(rng.integers(len(account.forms)))]
    resets = account.platform == "instagram" and place == 20
    account.reset_post = post_id if resets else account.reset_post
    for age in SNAPSHOT_AGES:
        seen_on = day + timedelta(days=age)
        if seen_on > period.last:
            break
        seen = final * (1 - float(np.exp(-(age + 0.6) / 1.6))) * (0.4 if resets and age >= 5 else 1)
        counters = (int(seen * share) for share in shares)
        account.posts.append(PostDay(seen_on, post_id, at, form, int(seen), *counters))


def number_of(at: datetime, sequence: int) -> str:
    """The number X gives to a post made at `at` (Asia/Tokyo)."""
    milliseconds = int((at - datetime(1970, 1, 1, 9)).total_seconds()) * 1000
    return str(((milliseconds - X_EPOCH_MS) << 22) | sequence)


def talk(period: Period, per_day: float, faster_from: date, rng: np.random.Generator) -> list[Mention]:
    """Mentions on X; from `faster_from` on the company answers within about an hour instead of five."""
    authors = [f"{words.HANDLE_WORDS[i % len(words.HANDLE_WORDS)]}_{100 + 37 * i}" for i in range(max(20, int(per_day * 300)))]
    mentions = []
    for day in period:
        for _ in range(rng.poisson(per_day * demand(day))):
            at = datetime.combine(day, time(int(rng.integers(6, 24)), int(rng.integers(60)), int(rng.integers(60))))
            mentions.append(_mention(at, authors[int(rng.integers(len(authors)))], day >= faster_from, period, rng))
    return sorted(mentions, key=lambda mention: mention.post_id)


def _mention(at: datetime, author: str, is_fast: bool, period: Period, rng: np.random.Generator) -> Mention:
    polarity = (1, 0, -1)[int(rng.choice(3, p=(0.58, 0.27, 0.15)))]
    texts = {1: words.GOOD_MENTIONS, 0: words.PLAIN_MENTIONS, -1: words.BAD_MENTIONS}[polarity]
    foods = [product for product in words.PRODUCTS if product.rate == 8]
    product = foods[int(rng.integers(len(foods)))].name.split(" ")[0]
    text = texts[int(rng.integers(len(texts)))].replace("{p}", product)
    is_incentivised = bool(polarity == 1 and rng.random() < 0.1)
    reply = at + timedelta(minutes=int(rng.lognormal(np.log(55 if is_fast else 300), 0.6)))
    is_answered = rng.random() < (0.9 if polarity < 0 else 0.5) and reply <= period.end
    likes = int(rng.geometric(0.15)) - 1
    return Mention(
        post_id=number_of(at, int(rng.integers(2**22))),
        at=at,
        author=author,
        followers=int(rng.lognormal(5.5, 1.1)),
        text=text + (" #PR" if is_incentivised else ""),
        likes=likes,
        replies=int(rng.integers(0, 3)),
        reposts=likes // 6,
        is_ugc=polarity != 0 or bool(rng.random() < 0.5),
        is_incentivised=is_incentivised,
        polarity=polarity,
        first_reply=reply if is_answered else None,
    )
