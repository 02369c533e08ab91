"""The landing contract: every table a source may land, its columns, types, keys and personal-data class.

Data flow: a connection's rows -> `Person` cells become keyed hashes -> typed by `Table.schema` -> landing/<source>/<table>/.

A table or column is added here and nowhere else: the landing zone, the door checks, the dbt sources and docs/landing.md
follow from it. Amounts are in the main unit of the row's `currency`; a tax-exclusive amount plus its tax is what the person paid.
"""

from collections.abc import Iterator

from pipelines.sources.schema import Column, Table

_ = Column

CURRENCY = _("currency", "string", "ISO 4217 currency code", "通貨コード（ISO 4217）", required=True)
CUSTOMER = _("customer_pid", "string", "Pseudonym of the shop's customer number", "顧客番号の仮名", personal="customer")
MAIL = _("mail_pid", "string", "Pseudonym of the mail address", "メールアドレスの仮名", personal="customer")
PHONE = _("phone_pid", "string", "Pseudonym of the phone number", "電話番号の仮名", personal="customer")
SHOP = _("shop", "string", "Connection of the shop whose customers, products and orders are meant; empty: this connection itself", "対象ショップの接続名（空ならこの接続自体）")
POLARITY = (
    _("polarity", "float", "Polarity of the text, -1 to 1; the text itself is not kept", "本文の極性（-1～1、本文は保存しない）", minimum=-1, maximum=1),
    _("polarity_source", "string", "Who or what judged the polarity", "極性の判定元"),
    _("text_length", "int", "Length of the text in characters", "本文の文字数", minimum=0),
)

SURVEY = (
    Table("survey", "surveys", ("survey_id",), "One survey and how it is to be read", "調査とその読み方", (
        _("survey_id", "string", "Survey", "調査ID", required=True),
        _("title", "string", "Title", "調査名"),
        _("audience", "string", "Who is asked", "対象者", required=True, enum=("employee", "customer", "public")),
        _("mode", "string", "How far answers can be traced", "回答の匿名性", required=True, enum=("anonymous", "confidential", "identified")),
        _("valid_days", "int", "Days an answer stays valid", "回答の有効日数", required=True, minimum=1),
        _("min_n", "int", "Smallest group shown", "表示する最小人数", required=True, minimum=1),
        _("promoter_min", "int", "Lowest score of a promoter", "推奨者の下限", required=True),
        _("detractor_max", "int", "Highest score of a detractor", "批判者の上限", required=True),
    )),
    Table("survey", "questions", ("survey_id", "question_code"), "One question of a survey", "調査の設問", (
        _("survey_id", "string", "Survey", "調査ID", required=True),
        _("question_code", "string", "Question", "設問コード", required=True),
        _("question_text", "string", "Wording", "設問文"),
        _("kind", "string", "Kind of question", "設問の種類", required=True,
          enum=("nps", "csat", "ces", "rating", "single", "multiple", "segment", "text")),
        _("driver", "string", "Driver the item belongs to", "要因"),
        _("scale_min", "float", "Lowest code of the scale", "尺度の最小値"),
        _("scale_max", "float", "Highest code of the scale", "尺度の最大値"),
        _("is_reversed", "bool", "A high code means a low score", "逆転項目か", required=True),
        _("favourable_min", "float", "Lowest favourable code, after turning reversed items", "好意的とみなす下限（逆転後）"),
        _("unfavourable_max", "float", "Highest unfavourable code, after turning reversed items", "否定的とみなす上限（逆転後）"),
        _("position", "int", "Place in the questionnaire", "設問の順番"),
    )),
    Table("survey", "invitations", ("survey_id", "wave", "respondent_pid"), "One person invited to one wave", "調査への招待", (
        _("survey_id", "string", "Survey", "調査ID", required=True),
        _("wave", "string", "Wave", "調査回", required=True),
        _("respondent_pid", "string", "Pseudonym of the person invited", "招待者の仮名", required=True, personal="any"),
        _("invited_at", "timestamp", "When invited", "招待時刻", required=True),
        _("token_pid", "string", "Pseudonym of the token in the invitation's link", "招待リンクのトークンの仮名", personal="any"),
        _("org_unit", "string", "Organisation unit, path joined by /", "組織（/ 区切りの経路）"),
    )),
    Table("survey", "answers", ("response_id", "question_code", "option_code"), "One answer: several choices are several rows", "回答（複数選択は複数行）", (
        _("survey_id", "string", "Survey", "調査ID", required=True),
        _("response_id", "string", "One filled form", "回答票ID", required=True),
        _("wave", "string", "Wave", "調査回", required=True),
        _("respondent_pid", "string", "Pseudonym of the respondent, empty when anonymous", "回答者の仮名（匿名なら空）", personal="any"),
        _("answered_at", "timestamp", "When submitted", "回答時刻", required=True),
        _("org_unit", "string", "Organisation unit, path joined by /", "組織（/ 区切りの経路）"),
        _("question_code", "string", "Question", "設問コード", required=True),
        _("option_code", "string", "Chosen option, the code of a scale, or `text`", "選択肢・尺度の値・`text`", required=True),
        _("numeric_value", "float", "The answer as a number, where it is one", "数値としての回答"),
        _("text_length", "int", "Length of a free text; the text is not kept", "自由記述の文字数（本文は保存しない）", minimum=0),
        _("weight", "float", "Weight of the response", "回答の重み", required=True, minimum=0),
    ), document="response_id"),
)

EC = (
    Table("ec", "customers", ("customer_pid",), "One customer of a shop", "ショップの顧客", (
        _("customer_pid", "string", "Pseudonym of the shop's customer number", "顧客番号の仮名", required=True, personal="customer"),
        _("merged_into_pid", "string", "Pseudonym of the customer number it was merged into", "統合先の顧客番号の仮名", personal="customer"),
        MAIL, PHONE,
        _("social_pid", "string", "Pseudonym of a self-declared SNS handle", "本人申告のSNSアカウントの仮名", personal="social"),
        _("registered_at", "timestamp", "When registered", "登録時刻"),
        _("status", "string", "State of the account", "会員の状態", required=True, enum=("active", "provisional", "withdrawn", "guest")),
        _("prefecture", "string", "Prefecture or region", "都道府県"),
        _("birth_year", "int", "Year of birth", "生年", minimum=1900, maximum=2100),
        _("gender", "string", "Gender as stated", "性別（申告）"),
        _("accepts_marketing", "bool", "Agreed to marketing mails", "メール配信の同意"),
    )),
    Table("ec", "products", ("sku",), "One product variant", "商品（SKU）", (
        _("sku", "string", "Stock keeping unit", "商品コード", required=True),
        _("name", "string", "Name", "商品名"),
        _("category", "string", "Category", "カテゴリー"),
    )),
    Table("ec", "orders", ("order_id",), "One order as the shop states it", "注文（ショップの記録どおり）", (
        _("order_id", "string", "Order", "注文ID", required=True),
        CUSTOMER, MAIL, PHONE,
        _("ordered_at", "timestamp", "When ordered", "注文時刻", required=True),
        _("status", "string", "State of the order", "注文の状態", required=True,
          enum=("placed", "paid", "shipped", "cancelled", "returned", "pending")),
        _("cancelled_at", "timestamp", "When cancelled", "キャンセル時刻"),
        CURRENCY,
        _("total_amount", "money", "What the shop states the customer pays, tax and shipping included", "支払合計（税・送料込み、ショップの記載）"),
        _("coupon_code", "string", "Coupon", "クーポンコード"),
        _("channel", "string", "Where it was ordered", "注文経路"),
        _("is_test", "bool", "Test or staff order", "テスト・社内注文か", required=True),
    ), document="order_id", is_daily=True),
    Table("ec", "order_lines", ("order_id", "line_no"), "One line of an order: goods, shipping, fee, discount or points used", "注文明細（商品・送料・手数料・値引き・ポイント）", (
        _("order_id", "string", "Order", "注文ID", required=True),
        _("line_no", "string", "Line of the order", "明細番号", required=True),
        _("line_type", "string", "What the line is for", "明細区分", required=True, enum=("item", "shipping", "fee", "discount", "points")),
        _("sku", "string", "Stock keeping unit", "商品コード"),
        _("product_name", "string", "Name on the order", "商品名"),
        _("quantity", "float", "Pieces", "数量", required=True),
        _("unit_price", "money", "Price of a piece as the shop states it", "単価（ショップの記載）", required=True),
        _("is_tax_included", "bool", "The stated price contains tax", "単価は税込みか", required=True),
        _("tax_rate", "float", "Tax rate, 0.08 or 0.10 in Japan", "税率", required=True, minimum=0, maximum=1),
        _("amount", "money", "Line amount without tax; discounts and points are negative", "税抜金額（値引き・ポイントは負）", required=True),
        _("tax_amount", "money", "Tax on the line", "消費税額", required=True),
        CURRENCY,
    ), document="order_id", is_daily=True),
    Table("ec", "adjustments", ("adjustment_id",), "A cancellation, return, refund or chargeback, dated on its own day", "取消・返品・返金（発生日で記録）", (
        _("adjustment_id", "string", "Adjustment", "調整ID", required=True),
        _("order_id", "string", "Order adjusted, where known", "対象の注文ID"),
        _("line_no", "string", "Line adjusted, where known", "対象の明細番号"),
        CUSTOMER, MAIL, PHONE,
        _("type", "string", "What happened", "調整の種類", required=True, enum=("cancel", "return", "refund", "chargeback")),
        _("adjusted_at", "timestamp", "When it happened", "発生時刻", required=True),
        _("sku", "string", "Stock keeping unit", "商品コード"),
        _("quantity", "float", "Pieces, negative", "数量（負）"),
        _("amount", "money", "Amount without tax, negative", "税抜金額（負）", required=True, maximum=0),
        _("tax_amount", "money", "Tax, negative", "消費税額（負）", required=True, maximum=0),
        CURRENCY,
        _("reason", "string", "Reason code", "理由"),
    ), document="order_id"),
    Table("ec", "reviews", ("review_id",), "One product review", "商品レビュー", (
        _("review_id", "string", "Review", "レビューID", required=True),
        SHOP, CUSTOMER, MAIL,
        _("sku", "string", "Product reviewed", "商品コード"),
        _("order_id", "string", "Order it refers to", "注文ID"),
        _("reviewed_at", "timestamp", "When written", "投稿時刻", required=True),
        _("rating", "float", "Stars, 1 to 5", "評価（1～5）", required=True, minimum=1, maximum=5),
        _("is_verified", "bool", "The shop verified the purchase", "購入確認済みか"),
        _("is_incentivised", "bool", "Something was given for it", "謝礼付きか"),
        _("disclosure", "string", "How that was disclosed", "謝礼の表示方法"),
        *POLARITY,
    )),
    Table("ec", "subscriptions", ("subscription_id",), "One subscription in its latest state", "定期購入（最新の状態）", (
        _("subscription_id", "string", "Subscription", "定期購入ID", required=True),
        SHOP, CUSTOMER, MAIL,
        _("plan", "string", "Plan", "プラン"),
        _("status", "string", "State", "状態", required=True, enum=("trial", "active", "paused", "cancelled")),
        _("started_at", "timestamp", "When started", "開始時刻", required=True),
        _("trial_ends_at", "timestamp", "When the trial ends", "試用終了時刻"),
        _("paused_at", "timestamp", "When paused", "休止時刻"),
        _("resumed_at", "timestamp", "When resumed", "再開時刻"),
        _("cancelled_at", "timestamp", "When cancelled", "解約時刻"),
        _("monthly_amount", "money", "Amount per month without tax", "月額（税抜）", minimum=0),
        CURRENCY,
    )),
    Table("ec", "subscription_events", ("subscription_id", "occurred_at", "event"), "What happened to a subscription at one instant", "定期購入の出来事", (
        _("subscription_id", "string", "Subscription", "定期購入ID", required=True),
        SHOP, CUSTOMER, MAIL,
        _("event", "string", "State that began: activated is a start, the end of a trial or a resumption; changed: only plan or amount did",
          "始まった状態（activated は開始・本契約・再開、changed はプランや金額のみの変更）", required=True,
          enum=("trial_started", "activated", "paused", "cancelled", "changed")),
        _("occurred_at", "timestamp", "When", "発生時刻", required=True),
        _("trial_ends_at", "timestamp", "When the trial that began is to end", "始まった試用の終了予定時刻"),
        _("plan", "string", "Plan from then on, where it is stated", "以後のプラン（記載があれば）"),
        _("monthly_amount", "money", "Amount per month without tax from then on, where it is stated", "以後の月額（税抜、記載があれば）", minimum=0),
        _("currency", "string", "ISO 4217 currency code of the amount", "金額の通貨コード（ISO 4217）"),
    )),
    Table("ec", "points", ("transaction_id",), "One movement of loyalty points", "ポイントの増減", (
        _("transaction_id", "string", "Transaction", "取引ID", required=True),
        SHOP, CUSTOMER, MAIL,
        _("type", "string", "Kind of movement", "種類", required=True, enum=("earned", "used", "expired", "adjusted")),
        _("points", "float", "Points, used and expired ones negative", "ポイント数（利用・失効は負）", required=True),
        _("occurred_at", "timestamp", "When", "発生時刻", required=True),
        _("order_id", "string", "Order it refers to", "注文ID"),
        _("reason", "string", "Reason code", "理由"),
    )),
)

PLATFORM = _("platform", "string", "Platform", "プラットフォーム", required=True,
             enum=("x", "instagram", "facebook", "youtube", "line", "tiktok", "bluesky", "mastodon", "note", "other"))


def _counter(name: str, en: str, ja: str) -> Column:
    return Column(name, "int", f"{en}; empty when the platform does not give it", f"{ja}（提供されない場合は空）", minimum=0)


SNS = (
    Table("sns", "accounts", ("account_id", "day"), "One of our accounts on one day", "自社アカウントの日次計数", (
        _("account_id", "string", "Our account", "自社アカウント", required=True),
        PLATFORM,
        _("day", "date", "Day the counters were read", "計測日", required=True),
        _counter("followers", "Followers", "フォロワー数"),
        _counter("blocks", "Blocks", "ブロック数"),
        _counter("following", "Accounts followed", "フォロー数"),
        _counter("posts_total", "Posts so far", "累計投稿数"),
        _counter("reach", "People reached that day", "リーチ"),
        _counter("impressions", "Impressions that day", "インプレッション"),
        _counter("profile_views", "Profile views that day", "プロフィール閲覧数"),
    ), is_daily=True),
    Table("sns", "posts", ("post_id", "day"), "One of our posts with its counters so far, read on one day", "自社投稿の累計計数（計測日別）", (
        _("post_id", "string", "Post", "投稿ID", required=True),
        _("account_id", "string", "Our account", "自社アカウント", required=True),
        PLATFORM,
        _("day", "date", "Day the counters were read", "計測日", required=True),
        _("posted_at", "timestamp", "When posted", "投稿時刻", required=True),
        _("post_type", "string", "Form of the post", "投稿の形式"),
        _counter("impressions", "Impressions so far", "累計インプレッション"),
        _counter("reach", "People reached so far", "累計リーチ"),
        _counter("views", "Views so far", "累計再生数"),
        _counter("likes", "Likes so far", "累計いいね"),
        _counter("replies", "Replies so far", "累計返信"),
        _counter("reposts", "Reposts so far", "累計再投稿"),
        _counter("saves", "Saves so far", "累計保存"),
        _counter("clicks", "Clicks so far", "累計クリック"),
    ), is_daily=True),
    Table("sns", "mentions", ("post_id",), "One post by somebody else about the brand", "他者によるブランドへの言及", (
        _("post_id", "string", "Post", "投稿ID", required=True),
        PLATFORM,
        _("account_id", "string", "Our account it mentions", "言及された自社アカウント"),
        _("author_pid", "string", "Pseudonym of the author", "投稿者の仮名", personal="social"),
        _("posted_at", "timestamp", "When posted", "投稿時刻", required=True),
        _counter("author_followers", "Followers of the author", "投稿者のフォロワー数"),
        _counter("reach", "People reached", "リーチ"),
        _counter("likes", "Likes", "いいね"),
        _counter("replies", "Replies", "返信"),
        _counter("reposts", "Reposts", "再投稿"),
        _("is_ugc", "bool", "Content made by a customer", "顧客による投稿（UGC）か"),
        _("is_incentivised", "bool", "Something was given for it", "謝礼付きか"),
        _("disclosure", "string", "How that was disclosed", "謝礼の表示方法"),
        _("first_reply_at", "timestamp", "When we first replied", "当社の最初の返信時刻"),
        *POLARITY,
    )),
)

EMPLOYEE = _("employee_pid", "string", "Pseudonym of the employee number", "従業員番号の仮名", required=True, personal="employee")

HR = (
    Table("hr", "employees", ("employee_pid",), "One employee as of a change", "従業員（変更時点）", (
        EMPLOYEE,
        _("mail_pid", "string", "Pseudonym of the mail address", "メールアドレスの仮名", personal="employee"),
        _("manager_pid", "string", "Pseudonym of the manager's employee number", "上司の従業員番号の仮名", personal="employee"),
        _("org_unit", "string", "Organisation unit, path joined by /", "組織（/ 区切りの経路）", required=True),
        _("valid_from", "date", "Day this state begins", "この状態の開始日", required=True),
        _("hire_date", "date", "Day of hire", "入社日", required=True),
        _("leave_date", "date", "Last day of work", "退職日"),
        _("leave_reason", "string", "Reason of leaving", "退職理由", enum=("voluntary", "involuntary", "retirement", "contract_end", "transfer", "death")),
        _("employment_type", "string", "Kind of employment", "雇用形態"),
    )),
    Table("hr", "activities", ("activity_id",), "One measure taken with one employee", "従業員への施策の実施", (
        _("activity_id", "string", "Activity", "活動ID", required=True),
        EMPLOYEE,
        _("kind", "string", "Kind of activity", "活動の種類", required=True, enum=("one_on_one", "training", "suggestion", "town_hall")),
        _("occurred_on", "date", "Day", "実施日", required=True),
        _("hours", "float", "Hours", "時間", minimum=0, maximum=1000),
        _("is_adopted", "bool", "The suggestion was adopted", "提案が採用されたか"),
    )),
    Table("hr", "finance", ("business_unit", "month", "account"), "One figure of one business unit and month", "事業部の月次財務", (
        _("business_unit", "string", "Business unit: first part of the organisation path", "事業部（組織経路の先頭）", required=True),
        _("month", "date", "First day of the month", "月初日", required=True),
        _("account", "string", "Account", "勘定科目", required=True, enum=("sales", "operating_profit", "labour_cost", "training_cost")),
        _("amount", "money", "Amount", "金額", required=True),
        CURRENCY,
    )),
)

PLAN = (
    Table("plan", "initiatives", ("code",), "One initiative", "施策", (
        _("code", "string", "Initiative", "施策コード", required=True),
        _("name", "string", "Name", "施策名", required=True),
        _("kind", "string", "Kind", "施策の種類", required=True,
          enum=("one_on_one", "career_programme", "values", "transparent_appraisal", "training", "suggestion_reward", "review_points",
                "post_coupon", "coupon", "community_event", "personalisation", "faster_replies", "other")),
        _("audience", "string", "Whom it addresses", "対象", required=True, enum=("employee", "customer")),
        _("metric_code", "string", "Metric it is to move", "目標指標", required=True),
        _("target_value", "float", "Value aimed at", "目標値"),
        _("start_date", "date", "First day", "開始日", required=True),
        _("end_date", "date", "Last day", "終了日"),
        _("cost", "money", "Cost", "費用", minimum=0),
        CURRENCY,
        _("design", "string", "How its effect is to be measured", "効果測定の設計", required=True,
          enum=("holdout", "staggered", "diff_in_diff", "before_after")),
    )),
    Table("plan", "initiative_subjects", ("code", "subject", "arm"), "One person or unit in one arm of an initiative", "施策の対象と群", (
        _("code", "string", "Initiative", "施策コード", required=True),
        _("subject", "string", "Pseudonym of a person, or name of a unit or account", "対象者の仮名、または組織・アカウント名", required=True, personal="any"),
        _("subject_type", "string", "What the subject is", "対象の種類", required=True, enum=("customer", "employee", "org_unit", "account")),
        _("arm", "string", "Arm", "群", required=True, enum=("treatment", "control")),
        _("start_date", "date", "First day in the arm", "群の開始日"),
    )),
    Table("plan", "targets", ("metric_code", "unit", "month"), "One target", "目標値", (
        _("metric_code", "string", "Metric", "指標", required=True),
        _("unit", "string", "Business unit, `all` for the company", "事業部（全社は `all`）", required=True),
        _("month", "date", "First day of the month", "月初日", required=True),
        _("target_value", "float", "Target", "目標値", required=True),
    )),
)

TABLES: tuple[Table, ...] = (*SURVEY, *EC, *SNS, *HR, *PLAN)


def table(source: str, name: str) -> Table:
    """The landing table `name` of `source`; KeyError when the contract has none."""
    for candidate in TABLES:
        if (candidate.source, candidate.name) == (source, name):
            return candidate
    raise KeyError(f"the landing contract has no table {source}.{name}")


def sources() -> Iterator[str]:
    """The names of the sources, in the order of the contract."""
    yield from dict.fromkeys(candidate.source for candidate in TABLES)
