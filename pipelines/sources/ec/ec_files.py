"""Files of the tools around a shop: its members, product reviews, subscriptions and loyalty points.

Data flow: <folder>/*.csv or *.xlsx, told apart by their headers, Japanese or English (a worksheet counts as a file)
  会員番号/customer_id, 統合先会員番号/merged_into, メールアドレス/mail, 電話番号/phone, SNSアカウント/social_handle, 状態/status,
    登録日時/registered_at, 更新日時/updated_at, 都道府県/prefecture, 生年/birth_year, 性別/gender, メール配信/accepts_marketing
    -> ec.customers
  レビューID/review_id, 会員番号/customer_id, メールアドレス/mail, 商品コード/sku, 注文番号/order_id, 投稿日時/reviewed_at,
    評価/rating, 購入確認/is_verified, 謝礼/is_incentivised, 謝礼の表示/disclosure, 本文/text -> ec.reviews
  定期購入ID/subscription_id, 会員番号/customer_id, メールアドレス/mail, 出来事/event, 発生日時/occurred_at,
    試用終了日時/trial_ends_at, プラン/plan, 月額/monthly_amount, 通貨/currency -> ec.subscription_events
  定期購入ID/subscription_id, 会員番号/customer_id, メールアドレス/mail, プラン/plan, 状態/status, 開始日時/started_at,
    試用終了日時/trial_ends_at, 休止日時/paused_at, 再開日時/resumed_at, 解約日時/cancelled_at, 月額/monthly_amount,
    通貨/currency -> ec.subscriptions, and by its dates ec.subscription_events
  取引ID/transaction_id, 会員番号/customer_id, メールアドレス/mail, 種類/type, ポイント/points, 発生日時/occurred_at,
    注文番号/order_id, 理由/reason -> ec.points

Quirks: the tool is a connection of its own, its customers are those of `shop`. Where a tool names a column otherwise, `headers`
says how. Of a review's text only length and polarity land. Handles are those of `social_platform`.

    tools:
      source: ec
      kind: ec_files
      path: data_samples/ec/tools
      shop: shop_eccube
      headers:
        reviews: {review_id: 口コミID, text: コメント}
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

import pandas as pd
from pydantic import Field, field_validator

from pipelines.sources import cells
from pipelines.sources.connection import FileConnection, Frame, Sheet
from pipelines.sources.contract import table
from pipelines.sources.ec import common
from pipelines.sources.layouts import Layout, local_day, persons, readable, recognise
from pipelines.sources.polarity import add_polarity
from pipelines.sources.sns.base import Platform

_WHO = {"customer_pid": ("会員番号", "customer_id"), "mail_pid": ("メールアドレス", "mail")}
_PLAN = {"plan": ("プラン", "plan"), "monthly_amount": ("月額", "monthly_amount"), "currency": ("通貨", "currency")}

LAYOUTS = (
    Layout(
        table("ec", "customers"),
        {
            **_WHO,
            "merged_into_pid": ("統合先会員番号", "merged_into"),
            "phone_pid": ("電話番号", "phone"),
            "social_pid": ("SNSアカウント", "social_handle"),
            "status": ("状態", "status"),
            "registered_at": ("登録日時", "registered_at"),
            "updated_at": ("更新日時", "updated_at"),
            "prefecture": ("都道府県", "prefecture"),
            "birth_year": ("生年", "birth_year"),
            "gender": ("性別", "gender"),
            "accepts_marketing": ("メール配信", "accepts_marketing"),
        },
        optional=frozenset(table("ec", "customers").schema.names) - {"customer_pid", "status", "registered_at"},
        words={"status": {"有効": "active", "仮登録": "provisional", "退会": "withdrawn", "ゲスト": "guest"}},
    ),
    Layout(
        table("ec", "reviews"),
        {
            "review_id": ("レビューID", "review_id"),
            **_WHO,
            "sku": ("商品コード", "sku"),
            "order_id": ("注文番号", "order_id"),
            "reviewed_at": ("投稿日時", "reviewed_at"),
            "rating": ("評価", "rating"),
            "is_verified": ("購入確認", "is_verified"),
            "is_incentivised": ("謝礼", "is_incentivised"),
            "disclosure": ("謝礼の表示", "disclosure"),
            "text": ("本文", "text"),
        },
        optional=frozenset(
            {"customer_pid", "mail_pid", "sku", "order_id", "is_verified", "is_incentivised", "disclosure", "text"}
        ),
    ),
    Layout(
        table("ec", "subscription_events"),
        {
            "subscription_id": ("定期購入ID", "subscription_id"),
            **_WHO,
            "event": ("出来事", "event"),
            "occurred_at": ("発生日時", "occurred_at"),
            "trial_ends_at": ("試用終了日時", "trial_ends_at"),
            **_PLAN,
        },
        optional=frozenset({"customer_pid", "mail_pid", "trial_ends_at", "plan", "monthly_amount", "currency"}),
        words={
            "event": {
                "試用開始": "trial_started",
                "開始": "activated",
                "再開": "activated",
                "休止": "paused",
                "解約": "cancelled",
                "変更": "changed",
            }
        },
    ),
    Layout(
        table("ec", "subscriptions"),
        {
            "subscription_id": ("定期購入ID", "subscription_id"),
            **_WHO,
            "status": ("状態", "status"),
            "started_at": ("開始日時", "started_at"),
            "trial_ends_at": ("試用終了日時", "trial_ends_at"),
            "paused_at": ("休止日時", "paused_at"),
            "resumed_at": ("再開日時", "resumed_at"),
            "cancelled_at": ("解約日時", "cancelled_at"),
            **_PLAN,
        },
        optional=frozenset(table("ec", "subscriptions").schema.names) - {"subscription_id", "status", "started_at"},
        words={"status": {"試用": "trial", "継続": "active", "休止": "paused", "解約": "cancelled"}},
    ),
    Layout(
        table("ec", "points"),
        {
            "transaction_id": ("取引ID", "transaction_id"),
            **_WHO,
            "type": ("種類", "type"),
            "points": ("ポイント", "points"),
            "occurred_at": ("発生日時", "occurred_at"),
            "order_id": ("注文番号", "order_id"),
            "reason": ("理由", "reason"),
        },
        optional=frozenset({"customer_pid", "mail_pid", "order_id", "reason"}),
        words={"type": {"付与": "earned", "利用": "used", "失効": "expired", "調整": "adjusted"}},
    ),
)
_HAPPENED = {"customers": "registered_at", "reviews": "reviewed_at", "subscriptions": "started_at"}  # else occurred_at
_EVENT = (
    "subscription_id", "shop", "customer_pid", "mail_pid", "event", "occurred_at", "trial_ends_at", "plan", "monthly_amount",
    "currency", "updated_at", "business_date",
)  # fmt: skip
_MOMENTS = ("updated_at", "registered_at", "reviewed_at", "occurred_at", "started_at", "paused_at", "resumed_at", "cancelled_at")


class EcFiles(FileConnection):
    """A folder of files about a shop's customers. `shop` is the connection whose customer numbers they use (default: itself)."""

    source: ClassVar[str] = "ec"
    tables: ClassVar[tuple[str, ...]] = tuple(layout.table.name for layout in LAYOUTS)
    rows_stand_alone: ClassVar[bool] = True

    shop: str | None = None
    currency: str = "JPY"
    social_platform: Platform = "x"
    date_format: str | None = None
    headers: dict[str, dict[str, str]] = Field(default_factory=dict)

    @field_validator("headers")
    @classmethod
    def _known_headers(cls, headers: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        known = {layout.table.name: _names(layout) for layout in LAYOUTS}
        for name, columns in headers.items():
            if name not in known:
                raise ValueError(f"there is no table {name}; there are {', '.join(known)}")
            unknown = columns.keys() - known[name].keys()
            if unknown:
                raise ValueError(f"{name} has no column {', '.join(sorted(unknown))}; it has {', '.join(known[name])}")
        return headers

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The rows of one file, whichever of the five it is."""
        layout, columns = recognise(sheet, [self._named(layout) for layout in LAYOUTS])
        text = columns.pop("text", None)
        rows = layout.read(sheet, columns, self.zone, date_format=self.date_format, currency=self.currency)
        rows = rows.drop(columns="text", errors="ignore")
        if text is not None:
            add_polarity(rows, cells.text(sheet.rows[text]))
        scope = self.shop or self.name
        for column in ("customer_pid", "merged_into_pid"):
            if column in rows:
                rows[column] = persons(rows[column], "customer", "id", scope)
        rows["mail_pid"] = persons(rows["mail_pid"], "customer", "mail")
        if layout.table.name == "customers":
            rows["phone_pid"] = persons(rows["phone_pid"], "customer", "phone")
            rows["social_pid"] = persons(rows["social_pid"], "social", "handle", self.social_platform)
        name = layout.table.name
        if name != "customers":
            rows["shop"] = self.shop
        rows["updated_at"] = common.latest(*(rows[moment] for moment in _MOMENTS if moment in rows))
        rows["business_date"] = local_day(readable(rows[_HAPPENED.get(name, "occurred_at")]), self.zone)
        yield common.frame(name, rows)
        if name == "subscriptions":
            yield common.frame("subscription_events", self._events(rows))

    def _events(self, states: pd.DataFrame) -> pd.DataFrame:
        """What led to the latest state, by its dates: the file tells no more."""
        shown = states.astype(object).where(states.notna(), None)
        has_trial = shown["trial_ends_at"].notna()
        was_active = has_trial & (shown["status"] != "trial")
        is_resumed = [
            isinstance(back, datetime) and isinstance(away, datetime) and back > away
            for away, back in zip(shown["paused_at"], shown["resumed_at"], strict=True)
        ]
        lapsed = [
            isinstance(end, datetime) and isinstance(trial, datetime) and end <= trial
            for trial, end in zip(shown["trial_ends_at"], shown["cancelled_at"], strict=True)
        ]
        parts = []
        for event, moment, applies in (
            ("trial_started", "started_at", has_trial),
            ("activated", "started_at", ~has_trial),
            ("activated", "trial_ends_at", was_active & ~pd.Series(lapsed, index=shown.index)),
            ("paused", "paused_at", True),
            ("activated", "resumed_at", pd.Series(is_resumed, index=shown.index)),
            ("cancelled", "cancelled_at", True),
        ):
            happened = readable(shown[moment])
            part = shown[happened.notna() & applies]
            trial = part["trial_ends_at"] if event == "trial_started" else None
            parts.append(part.assign(event=event, occurred_at=part[moment], trial_ends_at=trial))
        events = pd.concat(parts)
        events["updated_at"] = events["occurred_at"]
        events["business_date"] = local_day(events["occurred_at"], self.zone)
        return events[list(_EVENT)]

    def _named(self, layout: Layout) -> Layout:
        own = self.headers.get(layout.table.name, {})
        names = _names(layout)
        changed = {names[name]: (header, header) for name, header in own.items()}
        return layout._replace(headers={**layout.headers, **changed})


def _names(layout: Layout) -> dict[str, str]:
    """The contract's column for each English header."""
    return {english: column for column, (_, english) in layout.headers.items()}
