"""The shops' export files: Shopify's order CSV, EC-CUBE 4's order and customer CSVs, with all the columns of their formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.generate.files import write_csv
from pipelines.generate.shops import Buyer, Order, Period, Person, Shop
from pipelines.generate.vocabulary import PRODUCTS


def _columns(text: str) -> tuple[str, ...]:
    """The names of columns, in order."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


SHOPIFY_COLUMNS = _columns("""
    Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,
    Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,
    Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,
    Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,
    Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,
    Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,
    Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,
    Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,
    Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,
    Duties,Billing Province Name,Shipping Province Name,Payment ID
""")
CUSTOMER_COLUMNS = _columns("""
    会員ID,お名前(姓),お名前(名),お名前(セイ),お名前(メイ),会社名,郵便番号,都道府県(ID),都道府県(名称),住所1,住所2,
    メールアドレス,TEL,性別(ID),性別(名称),職業(ID),職業(名称),誕生日,初回購入日,最終購入日,購入回数,ショップ用メモ欄,
    会員ステータス(ID),会員ステータス(名称),登録日,更新日,ポイント
""")
ORDER_COLUMNS = _columns("""
    注文ID,注文番号,会員ID,お名前(姓),お名前(名),お名前(セイ),お名前(メイ),会社名,郵便番号,都道府県(ID),都道府県(名称),
    住所1,住所2,メールアドレス,TEL,性別(ID),性別(名称),職業(ID),職業(名称),誕生日,ショップ用メモ欄,小計,値引き,送料,
    税金,合計,支払合計,対応状況(ID),対応状況(名称),支払方法(ID),支払方法(名称),受注日,入金日,注文詳細ID,商品ID,
    商品規格ID,商品名,商品コード,規格名1,規格名2,規格分類名1,規格分類名2,価格,個数,税率,税率ルール(ID),明細区分(ID),
    明細区分(名称),出荷ID,配送先_お名前(姓),配送先_お名前(名),配送先_お名前(セイ),配送先_お名前(メイ),配送先_会社名,
    配送先_郵便番号,配送先_都道府県(ID),配送先_都道府県(名称),配送先_住所1,配送先_住所2,配送先_TEL,配送業者(ID),
    配送業者(名称),お届け時間ID,お届け時間(名称),お届け希望日,送料,発送日,出荷伝票番号,配達用メモ,出荷メール送信日
""")

_EC_CUBE_STATUS = {
    "placed": (1, "新規受付"),
    "cancelled": (3, "注文取消し"),
    "shipped": (5, "発送済み"),
    "paid": (6, "入金済み"),
    "pending": (7, "決済処理中"),
    "returned": (9, "返品"),
}
_EC_CUBE_PAYMENT = {"card": (5, "クレジットカード"), "bank": (3, "銀行振込"), "cash": (4, "代金引換")}

Cells = dict[str, Any]


def quarter(day: date) -> str:
    """Calendar quarter of a day, as in `2024Q4`."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def write_shopify(folder: Path, shop: Shop) -> None:
    """One `orders_export_<quarter>.csv` per quarter."""
    for name, orders in groupby(shop.orders, key=lambda order: quarter(order.at.date())):
        write_csv(folder / f"orders_export_{name}.csv", SHOPIFY_COLUMNS, table(SHOPIFY_COLUMNS, shopify_rows(orders)))


def write_ec_cube(folder: Path, shop: Shop, period: Period) -> None:
    """One `order_<quarter>.csv` per quarter and the customers as they are at the end."""
    for name, rows in groupby(ec_cube_rows(shop.orders), key=lambda row: quarter(date.fromisoformat(row[0]["受注日"][:10]))):
        write_csv(folder / f"order_{name}.csv", ORDER_COLUMNS, ec_cube_table(rows), encoding="cp932", end="\r\n")
    customers = table(CUSTOMER_COLUMNS, customer_rows(shop.buyers, shop.orders, period))
    write_csv(folder / f"customer_{period.last:%Y%m%d}.csv", CUSTOMER_COLUMNS, customers, encoding="cp932", end="\r\n")


def table(columns: Sequence[str], rows: Iterable[Cells]) -> Iterator[list[Any]]:
    """Rows in the order of the columns; what a row does not say is blank."""
    return ([row.get(column) for column in columns] for row in rows)


def ec_cube_table(rows: Iterable[tuple[Cells, int]]) -> Iterator[list[Any]]:
    """Like `table`; the second of the two columns named 送料 (of the parcel) is given beside the row."""
    second = len(ORDER_COLUMNS) - 1 - ORDER_COLUMNS[::-1].index("送料")
    for row, shipping in rows:
        cells = [row.get(column) for column in ORDER_COLUMNS]
        cells[second] = shipping
        yield cells


def _offset(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} +0900"


def _seconds(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _taxes(order: Order) -> dict[int, int]:
    """Tax contained in the total, by rate in percent; the order's discount falls on the goods by their price."""
    gross = {10: float(order.shipping)} if order.shipping else {}
    share = order.discount / (order.goods - order.line_discounts)
    for line in order.lines:
        paid = (line.product.price_with_tax * line.quantity - line.discount) * (1 - share)
        gross[line.product.rate] = gross.get(line.product.rate, 0) + paid
    return {rate: int(gross[rate] * rate / (100 + rate) + 0.5) for rate in sorted(gross)}


def shopify_rows(orders: Iterable[Order]) -> Iterator[Cells]:
    """Rows of Shopify's export: the order stands on its first row only."""
    for order in orders:
        for place, line in enumerate(order.lines):
            cells = _shopify_order(order) if place == 0 else {"Name": f"#{order.number}", "Email": order.buyer.person.mail}
            yield cells | {
                "Lineitem quantity": line.quantity,
                "Lineitem name": line.product.name,
                "Lineitem price": line.product.price_with_tax,
                "Lineitem sku": line.product.sku,
                "Lineitem requires shipping": "true",
                "Lineitem taxable": "true",
                "Lineitem fulfillment status": "fulfilled" if order.shipped_at else "pending",
                "Vendor": "みなも茶菓",
                "Lineitem discount": line.discount,
            }


def _shopify_order(order: Order) -> Cells:
    person, taxes = order.buyer.person, _taxes(order)
    name = f"{person.family[0]} {person.given[0]}"
    address = {
        "Name": name,
        "Address1": person.block,
        "City": person.town.city,
        "Zip": f"'{person.town.postcode}",
        "Province": f"JP-{person.town.number:02d}",
        "Country": "JP",
    }
    cells: Cells = {
        "Name": f"#{order.number}",
        "Email": person.mail,
        "Financial Status": _financial_status(order),
        "Paid at": _offset(order.paid_at),
        "Fulfillment Status": "fulfilled" if order.shipped_at else "unfulfilled",
        "Fulfilled at": _offset(order.shipped_at),
        "Accepts Marketing": "yes" if person.number % 3 else "no",
        "Currency": "JPY",
        "Subtotal": order.goods - order.line_discounts - order.discount,
        "Shipping": order.shipping,
        "Taxes": sum(taxes.values()),
        "Total": order.total,
        "Discount Code": order.discount_code,
        "Discount Amount": order.discount + order.line_discounts,
        "Shipping Method": "通常配送",
        "Created at": _offset(order.at),
        "Cancelled at": _offset(order.cancelled_at),
        "Payment Method": "Shopify Payments",
        "Refunded Amount": order.refunded,
        "Outstanding Balance": 0 if order.paid_at else order.total,
        "Id": 5_400_000_000_000 + order.number * 3571,
        "Tags": "test" if order.is_test else "staff" if order.is_staff else None,
        "Risk Level": "Low",
        "Source": "web",
        "Phone": "+81" + person.phone.replace("-", "")[1:],
        "Billing Province Name": person.town.romaji,
    }
    for number, (rate, value) in enumerate(taxes.items(), start=1):
        cells |= {f"Tax {number} Name": f"Consumption tax {rate}%", f"Tax {number} Value": value}
    cells |= {f"Billing {part}": value for part, value in address.items()}
    if order.is_gift:
        cells |= {f"Shipping {part}": value for part, value in address.items()} | {"Shipping Province Name": person.town.romaji}
    return cells


def _financial_status(order: Order) -> str:
    if order.refunded:
        return "refunded" if order.refunded == order.total else "partially_refunded"
    if order.paid_at:
        return "paid"
    return "voided" if order.cancelled_at else "pending"


def ec_cube_rows(orders: Iterable[Order], first_detail: int = 20001) -> Iterator[tuple[Cells, int]]:
    """Rows of EC-CUBE's order export: goods, then shipping, fee, discount and points, the order repeated on each."""
    detail = first_detail
    for order in orders:
        head = _ec_cube_order(order)
        for line in _ec_cube_lines(order):
            yield head | {"注文詳細ID": detail} | line, order.shipping
            detail += 1


def _person_cells(person: Person) -> Cells:
    return {
        "お名前(姓)": person.family[0], "お名前(名)": person.given[0],
        "お名前(セイ)": person.family[1], "お名前(メイ)": person.given[1],
        "郵便番号": person.town.postcode, "都道府県(ID)": person.town.number, "都道府県(名称)": person.town.prefecture,
        "住所1": person.town.city, "住所2": person.block, "TEL": person.phone.replace("-", ""),
    }  # fmt: skip


def _ec_cube_order(order: Order) -> Cells:
    person = order.buyer.person
    status, payment = _EC_CUBE_STATUS[order.status], _EC_CUBE_PAYMENT[order.payment]
    # Guests type their address anew each time, sometimes with a capital: it is the same mailbox all the same.
    mail = person.mail.capitalize() if order.buyer.member is None and order.number % 4 == 0 else person.mail
    cells: Cells = _person_cells(person) | {
        "注文ID": order.number, "注文番号": order.number, "会員ID": order.buyer.member, "メールアドレス": mail,
        "小計": order.goods, "値引き": order.discount, "送料": order.shipping,
        "税金": order.goods - order.goods_without_tax, "合計": order.total, "支払合計": order.total,
        "対応状況(ID)": status[0], "対応状況(名称)": status[1], "支払方法(ID)": payment[0], "支払方法(名称)": payment[1],
        "受注日": _seconds(order.at), "入金日": _seconds(order.paid_at),
        "出荷ID": order.number, "発送日": _seconds(order.shipped_at),
    }  # fmt: skip
    if order.is_gift:
        delivery = {f"配送先_{name}": value for name, value in _person_cells(person).items()}
        cells |= delivery | {"配送業者(ID)": 1, "配送業者(名称)": "宅配便"}
    return cells


def _ec_cube_lines(order: Order) -> Iterator[Cells]:
    for line in order.lines:
        number = PRODUCTS.index(line.product) + 1
        yield {
            "商品ID": number, "商品規格ID": number, "商品名": line.product.name, "商品コード": line.product.sku,
            "価格": line.product.price, "個数": line.quantity, "税率": line.product.rate, "税率ルール(ID)": 1,
            "明細区分(ID)": 1, "明細区分(名称)": "商品",
        }  # fmt: skip
    extra = [(2, "送料", "送料", order.shipping, 10)]
    if order.fee:
        extra.append((3, "手数料", "代引き手数料", order.fee, 10))
    if order.discount:
        extra.append((4, "割引", order.discount_code, -order.discount, 10))
    if order.points:
        extra.append((6, "ポイント", "ポイント利用", -order.points, 0))
    for number, kind, name, price, rate in extra:
        yield {"商品名": name, "価格": price, "個数": 1, "税率": rate, "明細区分(ID)": number, "明細区分(名称)": kind}


def customer_rows(buyers: Iterable[Buyer], orders: Iterable[Order], period: Period) -> Iterator[Cells]:
    """Rows of EC-CUBE's customer export; every fortieth member has left, every fiftieth never confirmed the registration."""
    history: dict[int, list[Order]] = {}
    for order in orders:
        history.setdefault(id(order.buyer), []).append(order)
    for buyer in buyers:
        if buyer.member is None:
            continue
        bought, person = history[id(buyer)], buyer.person
        status = member_status(buyer, bought, period)
        yield _person_cells(person) | {
            "会員ID": buyer.member, "メールアドレス": person.mail,
            "性別(ID)": 2 if person.is_female else 1, "性別(名称)": "女性" if person.is_female else "男性",
            "誕生日": f"{person.birth} 00:00:00", "初回購入日": _seconds(bought[0].at), "最終購入日": _seconds(bought[-1].at),
            "購入回数": len(bought),
            "会員ステータス(ID)": {"仮会員": 1, "本会員": 2, "退会": 3}[status], "会員ステータス(名称)": status,
            "登録日": _seconds(bought[0].at), "更新日": _seconds(bought[-1].at),
            "ポイント": sum(order.goods // 100 for order in bought),
        }  # fmt: skip


def member_status(buyer: Buyer, bought: Sequence[Order], period: Period) -> str:
    """State of a membership at the end of the period."""
    if buyer.member is not None and buyer.member % 40 == 0 and (period.last - bought[-1].at.date()).days > 90:
        return "退会"
    return "仮会員" if buyer.member is not None and buyer.member % 50 == 0 and len(bought) == 1 else "本会員"
