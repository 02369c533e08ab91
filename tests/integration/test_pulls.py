"""What lies on the servers lands through the entries of `connections.yaml` here, counted on the servers' own side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path

import pytest

from tests.integration import ask
from tests.integration.bluesky.server import PASSWORD, Bluesky
from tests.integration.oscar.server import CUSTOMERS, ORDERS, Oscar
from tests.integration.pretalx.server import FORMS, Pretalx
from tests.integration.pulling import TOKYO, Pulling
from tests.integration.serving import ended
from tests.integration.vendure.server import PASSWORD as SHOP_PASSWORD
from tests.integration.vendure.server import PURCHASES, Vendure


def of_oscar(shop: Oscar, root: Path) -> Pulling:
    return Pulling("oscar", root, {"OSCAR_URL": shop.url, "OSCAR_TOKEN": shop.token})


def of_vendure(shop: Vendure, root: Path) -> Pulling:
    return Pulling("vendure", root, {"VENDURE_URL": shop.url, "VENDURE_PASSWORD": SHOP_PASSWORD})


def of_pretalx(form: Pretalx, root: Path, name: str = "pretalx") -> Pulling:
    return Pulling(name, root, {"PRETALX_URL": form.url, "PRETALX_TOKEN": form.token})


def of_bluesky(network: Bluesky, root: Path) -> Pulling:
    return Pulling("bluesky", root, {"BLUESKY_URL": network.url, "BLUESKY_PASSWORD": PASSWORD})


# -- django-oscar ----------------------------------------------------------------------------------------------------------------


def test_every_order_and_line_of_the_shop_lands_to_the_yen(oscar: Oscar, tmp_path: Path) -> None:
    pulling = of_oscar(oscar, tmp_path)
    assert pulling.land().refused == {}
    ((orders, total),) = ask.rows(oscar.database, "select count(*), sum(total_incl_tax) from order_order")
    counted = ask.rows(oscar.database, "select count(*), sum(quantity) from order_line")
    landed, lines = pulling.rows("ec.orders"), pulling.rows("ec.order_lines")
    assert (len(landed), sum(row["total_amount"] for row in landed)) == (orders, Decimal(str(total)))
    assert (orders, len({row["mail_pid"] for row in landed})) == (ORDERS, CUSTOMERS)
    assert [(len(lines), sum(row["quantity"] for row in lines))] == counted
    again = pulling.land()
    assert [row.replaced_days for row in again.tables if row.replaced_days] == []
    assert (pulling.rows("ec.orders"), pulling.rows("ec.order_lines")) == (landed, lines)


def test_a_day_of_the_shop_is_read_without_its_older_pages(oscar: Oscar, tmp_path: Path) -> None:
    ((newest,),) = ask.rows(oscar.database, "select max(date_placed) from order_order")
    day = datetime.fromisoformat(newest).replace(tzinfo=UTC).astimezone(TOKYO).date()
    pulling = of_oscar(oscar, tmp_path)
    pulling.land(day, day)
    since = f"{datetime.combine(day, datetime.min.time(), TOKYO).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    ((expected,),) = ask.rows(oscar.database, "select count(*) from order_order where date_placed >= ?", since)
    assert len(pulling.rows("ec.orders")) == expected > 0
    pages = int(pulling.log[-1].partition(" pages ")[0])
    assert pages == 1 + ceil(expected / 10) < ceil(ORDERS / 10)


def test_a_shop_that_limits_requests_is_waited_for(tmp_path: Path) -> None:
    with ended(lambda: Oscar(tmp_path, rate="1/second")) as shop:
        shop.place(0, 3)
        shop.start()
        pulling = of_oscar(shop, tmp_path)
        landed = pulling.land()
        assert landed.refused == {}
        assert len(pulling.rows("ec.orders")) == 3
        assert '" 429 ' in shop.process.said()
        assert "waited" in pulling.log[-1]


# -- Vendure ---------------------------------------------------------------------------------------------------------------------


def test_every_order_line_and_refund_lands_in_the_main_unit(vendure: Vendure, tmp_path: Path) -> None:
    codes = list(vendure.stated())
    refunded = vendure.refund(codes[0])
    pulling = of_vendure(vendure, tmp_path)
    assert pulling.land().refused == {}
    orders = {row["order_id"]: row for row in pulling.rows("ec.orders")}
    there = vendure.stated()
    assert set(orders) == set(there) == set(codes)
    assert len(codes) >= PURCHASES
    assert {code: int(row["total_amount"] * 100) for code, row in orders.items()} == {
        code: one for code, (one, _) in there.items()
    }
    for code, row in orders.items():
        lines = [line for line in pulling.rows("ec.order_lines") if line["order_id"] == code]
        assert sum(line["amount"] + line["tax_amount"] for line in lines) == row["total_amount"], code
    (refund,) = [row for row in pulling.rows("ec.adjustments") if row["order_id"] == codes[0]]
    assert (refund["type"], int(refund["amount"] * -100)) == ("refund", refunded)


def crowded(shop: Vendure) -> list[tuple[str, str]]:
    """Orders of one second, the earliest first: code and last change. Several people pay at once until there are some."""
    for number in range(100, 200, 5):
        guests = [shop.fill(one) for one in range(number, number + 5)]
        with ThreadPoolExecutor(len(guests)) as people:
            codes = list(people.map(shop.pay, guests))
        changes = sorted((changed, code) for code, (_, changed) in shop.stated().items() if code in codes)
        seconds = [changed[:19] for changed, _ in changes]
        fullest = max(seconds, key=seconds.count)
        if seconds.count(fullest) > 1:
            return [(code, changed) for changed, code in changes if changed.startswith(fullest)]
    raise AssertionError("no two orders were changed in one second")


def test_orders_changed_in_the_second_of_the_last_one_seen_are_not_lost(vendure: Vendure, tmp_path: Path) -> None:
    """The trap: who asks only for what is newer than the newest row seen loses every other change of that second."""
    pulling = of_vendure(vendure, tmp_path)
    pulling.land()
    (_, watermark), *others = crowded(vendure)
    newer = "filter: {active: {eq: false}, updatedAt: {after: $t}}"
    query = f"query($t: DateTime!) {{orders(options: {{take: 500, {newer}}}) {{items {{code}}}}}}"
    naive = {one["code"] for one in vendure.admin().ask(query, t=watermark)["orders"]["items"]}
    assert not naive & {code for code, _ in others}, "the server no longer sets the trap"
    pulling.land()
    assert {code for code, _ in others} <= {row["order_id"] for row in pulling.rows("ec.orders")} == set(vendure.stated())


# -- pretalx ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pretalx", "pretalx_answers"])
def test_every_answer_of_the_form_lands(pretalx: Pretalx, tmp_path: Path, name: str) -> None:
    pulling = of_pretalx(pretalx, tmp_path, name)
    assert pulling.land().refused == {}
    counted = "select question_id, answer, count(*) from submission_answer where question_id in (1, 2) group by 1, 2"
    expected = {(question, answer): count for question, answer, count in ask.rows(pretalx.database, counted)}
    landed = pulling.rows("survey.answers")
    codes = {"nps": 1, "heard": 2}
    found = [(codes[row["question_code"]], row["option_code"]) for row in landed if row["question_code"] in codes]
    assert {pair: found.count(pair) for pair in found} == expected
    assert len({row["response_id"] for row in landed}) == FORMS
    lengths = "select sum(length(answer)) from submission_answer where question_id = 3"
    ((written,),) = ask.rows(pretalx.database, lengths)
    assert sum(row["text_length"] for row in landed if row["question_code"] == "comment") == written


# -- Bluesky ---------------------------------------------------------------------------------------------------------------------


def test_counters_and_mentions_are_those_of_the_network(bluesky: Bluesky, tmp_path: Path) -> None:
    pulling = of_bluesky(bluesky, tmp_path)
    assert pulling.land().refused == {}
    own, fans = bluesky.seeded["did"], len(bluesky.seeded["fans"])
    (account,) = pulling.rows("sns.accounts")
    assert account["followers"] == bluesky.count("follow", f"\"subjectDid\" = '{own}'") == fans
    posts = pulling.rows("sns.posts")
    assert len(posts) == account["posts_total"] == bluesky.count("post", f"creator = '{own}'")
    of_ours = f"like 'at://{own}/%'"
    assert sum(row["likes"] for row in posts) == bluesky.count("like", f"subject {of_ours}") > 0
    assert sum(row["reposts"] for row in posts) == bluesky.count("repost", f"subject {of_ours}") == fans
    assert sum(row["replies"] for row in posts) == bluesky.count("post", f'"replyParent" {of_ours}') == fans
    mentions = pulling.rows("sns.mentions")
    told = bluesky.count("notification", f"did = '{own}' and reason in ('mention', 'reply', 'quote')")
    assert len(mentions) == told == 2 * fans
    assert {row["text_length"] for row in mentions} == {len("@brand.test 大好き"), len("おいしかったです")}
    assert not any(own in str(row) or "did:" in str(row) for row in mentions)
