"""The simulated company: the same files every time, and the truth about them is what the kinds of connection read from them."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.generate import generate
from pipelines.settings import read_connections
from pipelines.sources import files
from pipelines.sources.connection import Bad, FileConnection, SourceError

PROJECT = Path(__file__).resolve().parent.parent
SAMPLES = PROJECT / "data_samples"
SHOPS = ("shop_shopify", "shop_eccube")


@cache
def connection(name: str) -> FileConnection:
    found = read_connections(PROJECT / "connections.yaml").connections[name]
    assert isinstance(found, FileConnection)
    return found


def read(kind: FileConnection) -> dict[str, pd.DataFrame]:
    """All the frames of a connection, by landing table."""
    frames: dict[str, list[pd.DataFrame]] = {}
    for path in files.drop_files(kind.path, kind.pattern):
        for sheet in files.read_sheets(path, **{"encoding": kind.encoding, **kind.read_options()}):
            for frame in kind.read(sheet):
                frames.setdefault(frame.table, []).append(frame.rows)
    return {table: pd.concat(rows) for table, rows in frames.items()}


@cache
def sample(name: str) -> Mapping[str, pd.DataFrame]:
    return read(connection(name))


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return dict(json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8")))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_scale_or_length_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scale must be above 0"):
        generate(tmp_path, scale=0)
    with pytest.raises(ValueError, match="days at least 1"):
        generate(tmp_path, days=0)
    assert not list(tmp_path.iterdir())


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    arguments = {"scale": 0.2, "days": 150, "start": date(2025, 4, 1)}
    generate(tmp_path / "a", seed=3, **arguments)  # type: ignore[arg-type]
    generate(tmp_path / "b", seed=3, **arguments)  # type: ignore[arg-type]
    generate(tmp_path / "c", seed=4, **arguments)  # type: ignore[arg-type]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (
        contents(tmp_path / "a")["ec/shop_eccube/order_2025Q2.csv"] != contents(tmp_path / "c")["ec/shop_eccube/order_2025Q2.csv"]
    )


@pytest.mark.parametrize("days", [1, 2, 45, 100])
def test_a_short_period_still_has_every_file(tmp_path: Path, days: int) -> None:
    told = generate(tmp_path, days=days, scale=0.3)
    assert told["shop_eccube"]["orders"] >= days
    assert {path.parent.name for path in tmp_path.rglob("*.csv")} >= {"shop_eccube", "staff_pulse", "mentions", "people", "plan"}


def test_the_committed_samples_are_what_the_defaults_give(tmp_path: Path) -> None:
    generate(tmp_path)
    made, committed = contents(tmp_path), contents(SAMPLES)
    committed.pop("README.md")
    assert sorted(made) == sorted(committed)
    assert [name for name in made if made[name] != committed[name]] == []


def test_the_samples_stay_small() -> None:
    assert sum(map(len, contents(SAMPLES).values())) < 3_300_000


@pytest.mark.parametrize("name", sorted(read_connections(PROJECT / "connections.yaml").connections))
def test_no_good_cell_is_unreadable(name: str) -> None:
    for rows in sample(name).values():
        bad = [value for column in rows for value in rows[column] if isinstance(value, Bad)]
        assert bad == []


@pytest.mark.parametrize("shop", SHOPS)
def test_orders_lines_and_money_of_a_shop_are_the_truth(shop: str, truth: dict[str, Any]) -> None:
    orders, lines, told = sample(shop)["orders"], sample(shop)["order_lines"], truth[shop]
    assert orders["order_id"].is_unique
    assert len(orders) == told["orders"]
    assert (lines["line_type"] == "item").sum() == told["item_lines"]
    assert sum(orders["total_amount"]) == told["total_amount_of_all_orders"]
    status = Counter(orders["status"])
    stated = {"cancelled": told["cancelled_orders"], "returned": told["returned_orders"], "pending": told["pending_orders"]}
    assert {name: status[name] for name in stated} == stated
    paid = lines["amount"] + lines["tax_amount"]
    assert paid.groupby(lines["order_id"]).sum().to_dict() == dict(zip(orders["order_id"], orders["total_amount"], strict=True))

    sales = orders[~orders["is_test"].astype(bool) & ~orders["status"].isin(["cancelled", "pending"])]
    sold = lines[lines["order_id"].isin(sales["order_id"])]
    by_type = {name: sum(part["amount"] + part["tax_amount"]) for name, part in sold.groupby("line_type")}
    assert len(sales) == told["sales_orders"]
    assert by_type["item"] == told["sales_goods_with_tax"]
    assert by_type["shipping"] == told["sales_shipping_with_tax"]
    assert by_type["discount"] == -told["sales_discounts_with_tax"]
    assert by_type.get("points", Decimal(0)) == -told["sales_points_used"]


@pytest.mark.parametrize("shop", SHOPS)
def test_repeat_customers_of_a_shop_are_the_truth(shop: str, truth: dict[str, Any]) -> None:
    orders, told = sample(shop)["orders"], truth[shop]
    sales = orders[~orders["is_test"].astype(bool) & ~orders["status"].isin(["cancelled", "pending"])]
    days = sales["business_date"].groupby([person.value.lower() for person in sales["mail_pid"]]).nunique()
    assert (len(days), (days >= 2).sum()) == (told["customers"], told["repeat_customers"])
    assert told["repeat_rate"] == pytest.approx(told["repeat_customers"] / told["customers"], abs=1e-6)


@pytest.mark.parametrize("shop", SHOPS)
def test_every_day_of_a_shop_has_an_order_and_a_change(shop: str) -> None:
    orders = sample(shop)["orders"]
    every_day = {date(2024, 10, 1) + timedelta(days=number) for number in range(730)}
    changed = {moment.astimezone(connection(shop).zone).date() for moment in orders["updated_at"]}
    assert set(orders["business_date"]) == every_day
    assert changed == every_day


def test_refunds_and_returns_are_taken_back_once(truth: dict[str, Any]) -> None:
    shopify, ec_cube = sample("shop_shopify")["adjustments"], sample("shop_eccube")["adjustments"]
    refunds = shopify[shopify["type"] == "refund"]
    assert len(refunds) == truth["shop_shopify"]["refunded_orders_not_cancelled"]
    assert -sum(refunds["amount"] + refunds["tax_amount"]) == truth["shop_shopify"]["refunds_of_orders_not_cancelled"]
    told = truth["shop_eccube"]
    assert Counter(ec_cube["type"]) == {"cancel": told["cancelled_orders"], "return": told["returned_orders"]}


def test_the_coupon_mail_effect_is_the_truth(truth: dict[str, Any]) -> None:
    told, orders, subjects = truth["coupon_mail"], sample("shop_eccube")["orders"], sample("plan")["initiative_subjects"]
    first, last = date.fromisoformat(told["first_day"]), date.fromisoformat(told["last_day"])
    within = orders["business_date"].between(first, last) & ~orders["status"].isin(["cancelled", "pending"])
    placed = Counter(orders.loc[within, "customer_pid"])
    arms = subjects[subjects["code"] == "CPN-01"]
    for arm, people in arms.groupby("arm")["subject"]:
        assert len(people) == told[arm]["subjects"]
        assert sum(placed[person] for person in people) == told[arm]["orders"]
    assert told["control"]["caused_per_subject"] == 0
    assert told["difference"] == pytest.approx(told["treatment"]["caused_per_subject"], abs=0.3)
    assert told["difference"] > 0.2


def test_scores_of_every_wave_are_the_truth(truth: dict[str, Any]) -> None:
    for survey, code, key in (("staff_pulse", "enps", "enps"), ("customer_nps", "nps", "nps")):
        answers = sample(survey)["answers"]
        assert answers.groupby("wave")["response_id"].nunique().to_dict() == {
            wave: told["responses"] for wave, told in truth[survey]["waves"].items()
        }
        for wave, scores in answers[answers["question_code"] == code].groupby("wave")["numeric_value"]:
            told = truth[survey]["waves"][wave][key]
            assert len(scores) == told["n"]
            assert 100 * ((scores >= 9).sum() - (scores <= 6).sum()) / len(scores) == pytest.approx(told["score"], abs=1e-6)
    invited = sample("staff_pulse")["invitations"].groupby("wave").size()
    assert invited.to_dict() == {wave: told["invited"] for wave, told in truth["staff_pulse"]["waves"].items()}


def test_engagement_of_every_wave_turns_the_reversed_item(truth: dict[str, Any]) -> None:
    answers, questions = sample("staff_pulse")["answers"], sample("staff_pulse")["questions"]
    is_reversed = dict(zip(questions["question_code"], questions["is_reversed"], strict=True))
    assert [code for code, turned in is_reversed.items() if turned] == ["wellbeing_2"]
    items = answers[answers["question_code"].isin(questions.loc[questions["kind"] == "rating", "question_code"])]
    points = (
        items["numeric_value"]
        .where(~items["question_code"].map(is_reversed).astype(bool), 6 - items["numeric_value"])
        .astype(float)
    )
    means = points.groupby([items["wave"], items["response_id"]]).mean().groupby("wave").mean()
    assert means.to_dict() == pytest.approx(
        {wave: told["engagement_mean"] for wave, told in truth["staff_pulse"]["waves"].items()}, abs=1e-6
    )


def test_staff_and_leavers_are_the_truth(truth: dict[str, Any]) -> None:
    people, told = sample("people"), truth["hr"]
    register = people["employees"]
    assert (len(register), register["employee_pid"].nunique()) == (told["register_rows"], told["employees"])
    codes = {"自己都合": "voluntary", "会社都合": "involuntary", "定年": "retirement", "契約満了": "contract_end"}
    assert Counter(register["leave_reason"].dropna()) == {
        codes[reason]: count for reason, count in told["leavers_by_reason"].items()
    }
    kinds = {"1on1": "one_on_one", "研修": "training", "改善提案": "suggestion", "全社会": "town_hall"}
    assert Counter(people["activities"]["kind"]) == {kinds[kind]: count for kind, count in told["activities_by_kind"].items()}
    assert 140 <= told["people_last_day"] <= told["people_first_day"] <= 200


def test_planted_differences_point_the_right_way(truth: dict[str, Any]) -> None:
    turnover, lifetime, minutes = truth["turnover_by_engagement"], truth["customer_lifetime"], truth["mentions"]["median_minutes"]
    assert turnover["least_engaged_quartile"]["left_share"] > 3 * turnover["most_engaged_quartile"]["left_share"]
    assert lifetime["high"]["mean_days"] > 2 * lifetime["low"]["mean_days"]
    assert truth["one_on_one"]["difference_in_differences"] == pytest.approx(0.8, abs=0.2)
    assert minutes["before"] > 3 * minutes["after"]


@pytest.mark.parametrize("platform", ["x", "instagram"])
def test_counters_of_posts_are_the_truth(platform: str, truth: dict[str, Any]) -> None:
    posts, told = sample(f"{platform}_posts")["posts"], truth[platform]
    newest = posts.sort_values("day").drop_duplicates("post_id", keep="last")
    assert (len(posts), len(newest)) == (told["post_day_rows"], told["posts"])
    assert {name: newest[name].sum() for name in ("likes", "replies", "reposts", "saves")} == {
        name: told[name] for name in ("likes", "replies", "reposts", "saves")
    }
    grown = posts.sort_values("day").groupby("post_id")["likes"].apply(lambda likes: likes.astype(int).is_monotonic_increasing)
    assert list(grown[~grown].index) == ([told["reset_post"]] if told["reset_post"] else [])
    accounts = sample(f"{platform}_accounts")["accounts"]
    assert list(accounts.sort_values("day")["followers"].iloc[[0, -1]]) == [
        told["followers_first_day"],
        told["followers_last_day"],
    ]


def test_mentions_are_the_truth_and_no_text_of_theirs_is_read(truth: dict[str, Any]) -> None:
    mentions, told = sample("mentions")["mentions"], truth["mentions"]
    words = {1.0: "positive", 0.0: "neutral", -1.0: "negative"}
    assert Counter(mentions["polarity"].map(words)) == told["by_polarity"]
    assert mentions["first_reply_at"].notna().sum() == told["answered"]
    assert "text" not in mentions


def test_no_number_reaches_a_phone_and_no_mail_a_mailbox() -> None:
    everything = b"\n".join(content for name, content in contents(SAMPLES).items() if not name.endswith((".xlsx", ".md")))
    mails = set(re.findall(rb"[\w.]+@[\w.-]+\.[a-z]{2,}", everything))
    assert {mail.rsplit(b"@", 1)[1] for mail in mails} == {b"example.jp", b"minamo.example.jp"}
    phones = {person.value for shop in SHOPS for person in sample(shop)["orders"]["phone_pid"]}
    assert all(phone.startswith(("0900", "+81900")) for phone in phones)


def test_every_defect_file_stands_in_the_readme() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+/\w+__\w+\.csv)`", text))
    assert named == {str(file.relative_to(SAMPLES / "defects")) for file in (SAMPLES / "defects").rglob("*.csv")}


def defect(name: str, file: str) -> FileConnection:
    return connection(name).model_copy(update={"path": SAMPLES / "defects" / file})


@pytest.mark.parametrize(
    ("name", "file", "says"),
    [
        ("shop_eccube", "ec/orders__missing_column.csv", "has no column 受注日"),
        ("shop_eccube", "ec/orders__delimiter_in_text.csv", "row 4: 71 cells where the header has 70"),
        ("shop_eccube", "ec/orders__not_utf8_nor_cp932.csv", "not cp932"),
        ("shop_eccube", "ec/orders__empty_file.csv", "is empty"),
        ("staff_pulse", "survey/answers__missing_question.csv", "has no column 自分の仕事は公正に評価されている"),
    ],
)
def test_a_file_that_cannot_be_read_rightly_is_refused(name: str, file: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read(defect(name, file))


@pytest.mark.parametrize(
    ("name", "file", "table", "bad_cells"),
    [
        ("shop_eccube", "ec/order_lines__one_unreadable_quantity.csv", "order_lines", {"要確認"}),
        ("shop_shopify", "ec/orders__scientific_notation_ids.csv", "orders", {"5.40001E+12"}),
        ("staff_pulse", "survey/answers__value_outside_scale.csv", "answers", {"9"}),
        (
            "staff_pulse",
            "survey/answers__rating_in_words.csv",
            "answers",
            {"そう思わない", "どちらでもない", "そう思う", "とてもそう思う"},
        ),
    ],
)
def test_an_unreadable_cell_is_named_not_guessed(name: str, file: str, table: str, bad_cells: set[str]) -> None:
    rows = read(defect(name, file))[table]
    assert {value.raw for column in rows for value in rows[column] if isinstance(value, Bad)} >= bad_cells


def test_hostile_texts_leave_only_their_length() -> None:
    mentions = read(defect("mentions", "sns/mentions__hostile_text.csv"))["mentions"]
    kept = " ".join(str(value) for column in mentions if column != "author_pid" for value in mentions[column])
    assert len(mentions) == 30
    assert not re.search(r"script|HYPERLINK|drop table|jndi", kept)
