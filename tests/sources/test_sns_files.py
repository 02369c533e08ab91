"""SNS exports: named columns, days of reading, timestamps in another zone than our days, others' posts without their persons."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.files import drop_files, read_sheets
from pipelines.sources.sns import AccountsCsv, MentionsCsv, PostsCsv
from pipelines.sources.sns.base import SnsFile

REAL = Path(os.environ.get("ENGAGEMENT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "sns_tweet_metrics"

POSTS: dict[str, Any] = {
    "name": "x_posts",
    "kind": "posts_csv",
    "platform": "x",
    "account_id": "our_brand",
    "day": {"fixed": "2026-02-02"},
    "timestamps_in": "UTC",
    "columns": {"post_id": "Post id", "posted_at": "Date", "impressions": "Impressions", "likes": "Likes"},
}
POST_ROWS = 'Post id,Date,Impressions,Likes\n1887,2026-01-31 15:30:00,"1,204",１２\n1888,2026-02-01T09:00:00+0900,,0\n'

ACCOUNTS: dict[str, Any] = {
    "name": "line",
    "kind": "accounts_csv",
    "platform": "line",
    "account_id": "our_brand",
    "day": {"column": "日付"},
    "columns": {"followers": "友だち", "blocks": "ブロック"},
}
ACCOUNT_ROWS = "日付,友だち,ブロック\n2026年1月31日,1000,20\n20260201,1010,\n"

MENTIONS: dict[str, Any] = {
    "name": "mentions",
    "kind": "mentions_csv",
    "platform": "x",
    "columns": {
        "post_id": "投稿ID",
        "author": "ユーザー名",
        "posted_at": "投稿日時",
        "text": "本文",
        "is_incentivised": "PR",
        "first_reply_at": "返信日時",
    },
}
MENTION_ROWS = (
    "投稿ID,ユーザー名,投稿日時,本文,PR,返信日時\n"
    "m1,@Hanako,2026/1/31 23:00,最高の靴👟,○,2026/2/1 9:30\n"
    "m2,taro,2026/2/1 8:00,,×,\n"
)


def read(kind: type[SnsFile], options: dict[str, Any], folder: Path, rows: str, file: str = "export.csv") -> pd.DataFrame:
    (folder / file).write_text(rows, encoding="utf-8")
    connection = kind.model_validate({**options, "path": folder})
    sheets = [sheet for path in drop_files(folder) for sheet in read_sheets(path, **connection.read_options())]
    (frame,) = (frame for sheet in sheets for frame in connection.read(sheet))
    assert (frame.table,) == kind.tables
    return frame.rows


def test_a_named_column_the_export_lost_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"export.csv has no column Likes .*did you mean Like for Likes"):
        read(PostsCsv, POSTS, tmp_path, POST_ROWS.replace("Likes", "Like"))


@pytest.mark.parametrize("file", ["export.csv", "posts_20261301.csv"])
def test_a_file_name_without_a_day_is_refused(tmp_path: Path, file: str) -> None:
    options = {**POSTS, "day": {"file_name": r"posts_(\d{8})"}}
    with pytest.raises(SourceError, match=rf"{file}: day.file_name .* finds no day in the file's name"):
        read(PostsCsv, options, tmp_path, POST_ROWS, file)


def test_an_identifier_a_spreadsheet_has_rounded_is_bad(tmp_path: Path) -> None:
    rows = read(PostsCsv, POSTS, tmp_path, POST_ROWS.replace("1887", "1.88721E+18"))
    assert isinstance(rows["post_id"].iloc[0], Bad)


def test_a_counter_that_is_no_whole_number_is_bad(tmp_path: Path) -> None:
    rows = read(PostsCsv, POSTS, tmp_path, POST_ROWS.replace("１２", "1.2K"))
    assert rows["likes"].iloc[0] == Bad("Likes", "1.2K", "not a number")


def test_a_day_that_cannot_be_read_is_bad_and_dates_nothing(tmp_path: Path) -> None:
    row = read(AccountsCsv, ACCOUNTS, tmp_path, ACCOUNT_ROWS.replace("20260201", "昨日")).loc[3]
    assert isinstance(row["day"], Bad)
    assert (row["change_date"], row["updated_at"], row["business_date"]) == (None, None, None)


def test_posts_belong_to_our_day_though_their_timestamps_are_utc(tmp_path: Path) -> None:
    rows = read(PostsCsv, POSTS, tmp_path, POST_ROWS)
    assert rows["posted_at"].tolist() == [datetime(2026, 1, 31, 15, 30, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)]
    assert rows["business_date"].tolist() == [date(2026, 2, 1), date(2026, 2, 1)]
    assert rows["day"].tolist() == rows["change_date"].tolist() == [date(2026, 2, 2)] * 2
    assert rows["updated_at"].iloc[0] == datetime(2026, 2, 1, 15, tzinfo=UTC)


def test_a_counter_that_is_not_given_is_empty_and_not_zero(tmp_path: Path) -> None:
    rows = read(PostsCsv, POSTS, tmp_path, POST_ROWS)
    assert rows["impressions"].tolist() == [1204, None]
    assert rows["likes"].tolist() == [12, 0]
    assert set(zip(rows["platform"], rows["account_id"], strict=True)) == {("x", "our_brand")}


def test_the_day_of_reading_may_stand_in_the_file_name(tmp_path: Path) -> None:
    options = {**POSTS, "day": {"file_name": r"posts_(\d{4}-\d{2}-\d{2})"}}
    assert set(read(PostsCsv, options, tmp_path, POST_ROWS, "posts_2026-02-03.csv")["day"]) == {date(2026, 2, 3)}


def test_the_day_of_reading_may_be_written_otherwise_than_timestamps(tmp_path: Path) -> None:
    options = {**POSTS, "day": {"column": "Read", "date_format": "%m/%d/%y"}}
    rows = read(PostsCsv, options, tmp_path, "Post id,Date,Impressions,Likes,Read\n1887,2026-01-31 15:30:00,1,2,02/03/26\n")
    assert rows["day"].tolist() == [date(2026, 2, 3)]


def test_accounts_day_by_day(tmp_path: Path) -> None:
    rows = read(AccountsCsv, ACCOUNTS, tmp_path, ACCOUNT_ROWS)
    assert rows["day"].tolist() == rows["business_date"].tolist() == [date(2026, 1, 31), date(2026, 2, 1)]
    assert rows["followers"].tolist() == [1000, 1010]
    assert rows["blocks"].tolist() == [20, None]


def test_mentions_keep_neither_handle_nor_text(tmp_path: Path) -> None:
    rows = read(MentionsCsv, MENTIONS, tmp_path, MENTION_ROWS)
    assert rows["author_pid"].tolist() == [Person("social", "handle", "@Hanako", "x"), Person("social", "handle", "taro", "x")]
    assert rows["text_length"].tolist() == [5, None]
    assert rows["is_incentivised"].tolist() == [True, False]
    assert "靴" not in rows.drop(columns="author_pid").to_string()
    assert not {"text", "author"} & set(rows)


def test_a_mention_changes_when_we_reply(tmp_path: Path) -> None:
    rows = read(MentionsCsv, MENTIONS, tmp_path, MENTION_ROWS)
    assert rows["updated_at"].tolist() == [datetime(2026, 2, 1, 0, 30, tzinfo=UTC), datetime(2026, 1, 31, 23, tzinfo=UTC)]
    assert rows["business_date"].tolist() == [date(2026, 1, 31), date(2026, 2, 1)]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            PostsCsv,
            {**POSTS, "columns": {**POSTS["columns"], "likess": "x"}},
            "posts has no column likess; it can hold account_id, ",
        ),
        (PostsCsv, {**POSTS, "columns": {"post_id": "Post id"}}, "posted_at is missing: name the header"),
        (PostsCsv, {**POSTS, "account_id": None}, "say whose counters these are"),
        (PostsCsv, {**POSTS, "columns": {**POSTS["columns"], "account_id": "user"}}, "say whose counters these are"),
        (PostsCsv, {**POSTS, "platform": "mixi"}, "Input should be 'x', 'instagram'"),
        (PostsCsv, {**POSTS, "timestamps_in": "Tokyo"}, "unknown time zone 'Tokyo'"),
        (PostsCsv, {**POSTS, "day": {}}, "give exactly one of column, fixed, file_name"),
        (PostsCsv, {**POSTS, "day": {"file_name": r"\d+"}}, "needs exactly one group"),
        (PostsCsv, {**POSTS, "day": {"file_name": "("}}, "is no regular expression"),
        (MentionsCsv, {**MENTIONS, "columns": {**MENTIONS["columns"], "author_pid": "x"}}, "mentions has no column author_pid"),
    ],
)
def test_a_wrong_option_is_explained(kind: type[SnsFile], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        kind.model_validate({**options, "path": Path("posts")})


@pytest.mark.skipif(not REAL.exists(), reason="the public post counters are not here (ENGAGEMENT_REAL_DATA)")
def test_public_posts_give_their_known_totals_and_tokyo_days() -> None:
    connection = PostsCsv.model_validate(
        {
            "name": "politics",
            "kind": "posts_csv",
            "path": REAL / "tweet_metrics.csv",
            "platform": "x",
            "day": {"fixed": "2017-10-20"},
            "date_format": "%m/%d/%y %H:%M",
            "timestamps_in": "UTC",
            "columns": {
                "post_id": "url",
                "account_id": "user",
                "posted_at": "created_at",
                "replies": "replies",
                "reposts": "retweets",
                "likes": "favorites",
            },
        }
    )
    (sheet,) = read_sheets(connection.path)
    (frame,) = connection.read(sheet)
    rows = frame.rows
    assert (len(rows), rows["post_id"].nunique()) == (6439, 6439)
    totals = rows.groupby("account_id")[["replies", "reposts", "likes"]].sum()
    assert totals.loc["BarackObama"].tolist() == [1_674_570, 14_448_644, 44_275_398]
    assert totals.loc["realDonaldTrump"].tolist() == [44_892_822, 52_731_535, 203_020_696]
    assert sum(at.date() != day for at, day in zip(rows["posted_at"], rows["business_date"], strict=True)) == 4128
    october = rows[(rows["account_id"] == "realDonaldTrump") & (rows["business_date"] >= date(2017, 10, 1))]
    assert (len(october), october["likes"].sum()) == (216, 15_579_890)
