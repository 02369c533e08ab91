"""The social networks' export files: posts and accounts as the platforms give them, mentions as a listening tool does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.generate.files import write_csv
from pipelines.generate.social import Account, Mention

X_POST_COLUMNS = ("Snapshot date", "Post id", "Date", "Impressions", "Likes", "Replies", "Reposts", "Bookmarks", "URL Clicks")
X_ACCOUNT_COLUMNS = ("Date", "Followers", "Following", "Posts", "Impressions", "Profile visits")
INSTAGRAM_POST_COLUMNS = ("計測日", "投稿ID", "投稿日時", "種類", "閲覧数", "リーチ", "いいね", "コメント", "シェア", "保存")
INSTAGRAM_ACCOUNT_COLUMNS = ("日付", "フォロワー", "フォロー中", "投稿数", "リーチ", "プロフィールへのアクセス")
MENTION_COLUMNS = (
    "投稿ID", "投稿日時", "投稿者", "フォロワー数", "本文", "いいね", "返信", "リポスト",
    "お客様の投稿", "謝礼", "謝礼の表示", "感情", "当社の初回返信",
)  # fmt: skip


def write_social(folder: Path, x: Account, instagram: Account, mentions: Sequence[Mention]) -> None:
    """Posts with their counters, accounts by day, mentions."""
    write_csv(folder / "x_posts" / "x_posts.csv", X_POST_COLUMNS, x_post_rows(x))
    write_csv(folder / "x_accounts" / "x_account_days.csv", X_ACCOUNT_COLUMNS, account_rows(x))
    write_csv(folder / "instagram_posts" / "instagram_posts.csv", INSTAGRAM_POST_COLUMNS, _instagram_post_rows(instagram))
    write_csv(folder / "instagram_accounts" / "instagram_account_days.csv", INSTAGRAM_ACCOUNT_COLUMNS, account_rows(instagram))
    write_csv(folder / "mentions" / "mentions.csv", MENTION_COLUMNS, map(mention_row, mentions))


def x_post_rows(x: Account) -> Iterator[list[Any]]:
    """Rows of the X post export; its times are UTC."""
    for p in x.posts:
        utc = f"{p.posted_at - timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}"
        yield [p.day, p.post_id, utc, p.impressions, p.likes, p.replies, p.reposts, p.saves, p.clicks]


def _instagram_post_rows(instagram: Account) -> Iterator[list[Any]]:
    """Rows of the Instagram post export; four in five impressions reach another person."""
    for p in instagram.posts:
        seen = [p.impressions, int(p.impressions * 0.8)]
        yield [p.day, p.post_id, f"{p.posted_at:%Y-%m-%d %H:%M}", p.form, *seen, p.likes, p.replies, p.reposts, p.saves]


def account_rows(account: Account) -> Iterator[list[Any]]:
    """Rows of an account export."""
    return ([d.day, d.followers, d.following, d.posts, d.reach, d.profile_views] for d in account.days)


def mention_row(m: Mention) -> list[Any]:
    """One row of the listening tool's export."""
    flags = ["TRUE" if m.is_ugc else "FALSE", "TRUE" if m.is_incentivised else "FALSE", "#PR" if m.is_incentivised else None]
    reply = f"{m.first_reply:%Y-%m-%d %H:%M:%S}" if m.first_reply else None
    counters = [m.likes, m.replies, m.reposts]
    return [m.post_id, f"{m.at:%Y-%m-%d %H:%M:%S}", f"@{m.author}", m.followers, m.text, *counters, *flags, m.polarity, reply]
