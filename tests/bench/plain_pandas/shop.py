"""Orders, their lines, what came back, and who is one customer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.analysis.identities import SIGHTINGS, customer_aliases
from tests.bench.plain_pandas.landing import newest, read

PIDS = ["customer_pid", "mail_pid", "phone_pid"]
AMOUNTS = {"item": "gross", "discount": "discount", "points": "points_used", "shipping": "shipping"}
RATES = {"8": 0.08, "10": 0.1}
TAXED = {f"{name}_{percent}": column for percent in RATES for name, column in (("taxable", "amount"), ("tax", "tax_amount"))}


class Customers:
    """The persons behind pseudonyms. Elsewhere a customer is a number, their place in `keys`; -1 is nobody known."""

    def __init__(self, aliases: pd.DataFrame) -> None:
        number, self.keys = pd.factorize(aliases["customer_key"], sort=True)
        self._by_alias = pd.Series(number, index=pd.Index(aliases["alias_pid"]))

    def of(self, *pids: pd.Series) -> np.ndarray:
        """The customer of each record by the first pseudonym that it has."""
        first = pids[0]
        for other in pids[1:]:
            first = first.fillna(other)
        places = self._by_alias.index.get_indexer(pd.Index(first))
        return np.where(places >= 0, self._by_alias.to_numpy()[places], -1)

    def key(self, numbers: pd.Series) -> pd.Series:
        """Keys of customers by their numbers."""
        return pd.Series(self.keys.take(numbers), index=numbers.index).where(numbers >= 0)


def orders(home: Path) -> pd.DataFrame:
    """The newest version of each order, by its number."""
    columns = ["order_id", *PIDS, "status", "channel", "coupon_code", "total_amount", "is_test", "business_date", "ordered_at"]
    frame = newest(read(home, "ec/orders", [*columns, "cancelled_at"]), ["order_id"])
    frame["is_sold"] = ~frame["status"].isin(["cancelled", "pending"]) & ~frame["is_test"]
    return frame.sort_values("order_id", ignore_index=True)


def members(home: Path) -> pd.DataFrame:
    """The newest version of each member."""
    columns = ["customer_pid", "merged_into_pid", "mail_pid", "phone_pid", "social_pid", "registered_at"]
    return newest(read(home, "ec/customers", columns), ["customer_pid"])


def adjustments(home: Path) -> pd.DataFrame:
    """The newest version of each cancellation and return."""
    columns = ["adjustment_id", "order_id", *PIDS, "line_no", "type", "sku", "quantity", "amount", "tax_amount", "business_date"]
    return newest(read(home, "ec/adjustments", [*columns, "adjusted_at"]), ["adjustment_id"])


def who(*records: pd.DataFrame) -> Customers:
    """The persons of all records' pseudonyms."""
    names = SIGHTINGS.names
    seen = [record[[name for name in names if name in record]].drop_duplicates() for record in records]
    seen_once = pd.concat(seen, ignore_index=True).reindex(columns=names).drop_duplicates()
    sightings = pa.Table.from_pandas(seen_once, SIGHTINGS, preserve_index=False)
    return Customers(customer_aliases(sightings, mails_per_phone=2).to_pandas())


def order_lines(home: Path, orders: pd.DataFrame) -> pd.DataFrame:
    """The lines of each order as its newest day has them; `order` is the order's place in `orders`, -1 where there is none."""
    columns = ["order_id", "line_no", "line_type", "sku", "product_name", "quantity", "unit_price", "tax_rate", "amount"]
    lines = read(home, "ec/order_lines", [*columns, "tax_amount", "business_date"])
    number, ids = pd.factorize(lines["order_id"])
    lines["order"] = pd.Index(orders["order_id"]).get_indexer(ids)[number]
    is_newest = lines["updated_at"] == lines.groupby(number)["updated_at"].transform("max")
    newest_day = lines["change_date"].where(is_newest).groupby(number).transform("max")
    lines = lines[lines["change_date"] == newest_day]
    lines = lines.drop(index=lines.index[lines.duplicated(["order_id", "line_no"])], columns=["updated_at", "change_date"])
    known = lines["order"] >= 0
    of_order = orders[["is_sold", "business_date", "customer"]].take(lines["order"]).set_axis(lines.index)
    lines["is_sold"] = of_order["is_sold"] & known
    lines["business_date"] = of_order["business_date"].where(known, lines["business_date"])
    lines["customer"] = of_order["customer"].where(known, -1)
    return lines


def add_sums(orders: pd.DataFrame, lines: pd.DataFrame) -> None:
    """Give the orders what their lines come to, and their place among the customer's own."""
    parts = pd.DataFrame({"order": lines["order"], "lines_n": 1, "tax_amount": lines["tax_amount"]})
    parts["units"] = lines["quantity"].where(lines["line_type"] == "item", 0)
    for line_type, name in AMOUNTS.items():
        parts[f"{name}_amount"] = lines["amount"].where(lines["line_type"] == line_type, 0)
    for name, column in TAXED.items():
        parts[f"{name}_amount"] = lines[column].where(lines["tax_rate"] == RATES[name.rpartition("_")[2]], 0)
    sums = parts[parts["order"] >= 0].groupby("order").sum().reindex(orders.index, fill_value=0)
    orders[sums.columns] = sums
    orders["net_amount"] = orders["gross_amount"] + orders["discount_amount"]
    sold = orders.loc[orders["is_sold"] & (orders["customer"] >= 0), ["customer", "ordered_at"]]
    sold = sold.sort_values(["customer", "ordered_at"], kind="stable")
    orders["order_number_of_customer"] = sold.groupby("customer").cumcount() + 1


def taken_back(back: pd.DataFrame, orders: pd.DataFrame, lines: pd.DataFrame, customers: Customers) -> pd.DataFrame:
    """What was cancelled or returned, with the part of it that is goods: in sum at most the order's goods."""
    back = back.merge(
        orders[["order_id", "status", "is_sold", "net_amount", "customer"]], on="order_id", how="left", indicator="found"
    )
    own = customers.of(*(back[pid] for pid in PIDS))
    back["customer"] = np.where(own >= 0, own, back["customer"].fillna(-1)).astype(int)
    known = back["found"] == "both"
    is_whole = back["type"].isin(["cancel", "return"]) & back["line_no"].isna()
    is_whole &= back["adjustment_id"] == back["order_id"] + "-" + back["type"].astype("str")
    was_taken_back = is_whole & known & ~back["status"].isin(["cancelled", "returned"])
    back["is_counted"] = back["is_sold"].where(known, True).astype(bool) & ~was_taken_back

    types = lines.loc[lines["order_id"].isin(back["order_id"]), ["order_id", "line_no", "line_type"]]
    back = back.merge(types.astype("str"), on=["order_id", "line_no"], how="left")
    goods = back["amount"].where(back["line_type"].fillna("item").isin(["item", "discount"]), 0)
    back = back.assign(goods=goods).sort_values(["adjusted_at", "adjustment_id"], ignore_index=True)
    so_far = back.groupby(["order_id", "is_counted"])["goods"].cumsum()
    limited = np.maximum(so_far, -back["net_amount"]) - np.maximum(so_far - back["goods"], -back["net_amount"])
    back["goods_amount"] = limited.where(back["found"] == "both", back["amount"])
    return back


def sales_of(orders: pd.DataFrame) -> pd.DataFrame:
    """The sales of known customers, each customer's in their order."""
    columns = ["customer", "business_date", "order_number_of_customer", "units", "gross_amount", "discount_amount", "net_amount"]
    sales = orders.loc[orders["order_number_of_customer"].notna(), columns]
    return sales.sort_values(["customer", "order_number_of_customer"], ignore_index=True)


def published_orders(orders: pd.DataFrame, customers: Customers) -> pd.DataFrame:
    """fct_orders: here the amounts in yen are the amounts."""
    frame = orders.drop(columns=["customer", "is_test"]).assign(
        order_key="shop:" + orders["order_id"],
        customer_key=customers.key(orders["customer"]),
        is_cancelled=orders["status"] == "cancelled",
    )
    return in_yen(frame, [name for name in frame if name.endswith("_amount")])


def published_lines(lines: pd.DataFrame, customers: Customers) -> pd.DataFrame:
    """fct_order_lines."""
    return lines.drop(columns=["order", "customer"]).assign(
        order_key="shop:" + lines["order_id"],
        order_line_key="shop:" + lines["order_id"] + ":" + lines["line_no"].astype("str"),
        customer_key=customers.key(lines["customer"]),
        product_key=lines["sku"].cat.rename_categories(lambda sku: f"shop:{sku}"),
        amount_jpy=lines["amount"],
        tax_jpy=lines["tax_amount"],
    )


def published_adjustments(back: pd.DataFrame, customers: Customers) -> pd.DataFrame:
    """fct_order_adjustments."""
    columns = ["adjustment_id", "order_id", "line_no", "quantity", "amount", "tax_amount", "goods_amount", "is_counted"]
    return back[[*columns, "business_date", "adjusted_at"]].assign(
        adjustment_key="shop:" + back["adjustment_id"],
        order_key=("shop:" + back["order_id"]).where(back["found"] == "both"),
        customer_key=customers.key(back["customer"]),
        product_key="shop:" + back["sku"].astype("str"),
        adjustment_type=back["type"],
        amount_jpy=back["amount"],
        tax_jpy=back["tax_amount"],
        goods_jpy=back["goods_amount"],
    )


def in_yen(frame: pd.DataFrame, amounts: list[str]) -> pd.DataFrame:
    """The frame with each of the amounts once more as an amount in yen."""
    return frame.assign(**{name.replace("_amount", "_jpy"): frame[name] for name in amounts})


def dim_customers(
    members: pd.DataFrame, orders: pd.DataFrame, sales: pd.DataFrame, days: pd.DataFrame, back: pd.DataFrame, customers: Customers
) -> pd.DataFrame:
    """One row per customer who registered, ordered or had something taken back."""
    registered = members.groupby(customers.of(members["customer_pid"]))["registered_at"].min()
    bought = sales.groupby("customer")["business_date"].agg(orders_n="size", first_order_date="min", last_order_date="max")
    bought["buying_days_n"] = days.groupby("customer").size()
    bought["shops_n"] = 1
    everybody = pd.Index(registered.index).union(orders["customer"].unique()).union(back["customer"].unique())
    everybody = everybody[everybody >= 0]
    frame = bought.reindex(everybody).assign(registered_at=registered.reindex(everybody))
    counts = ["orders_n", "buying_days_n", "shops_n"]
    frame[counts] = frame[counts].fillna(0).astype(int)
    return frame.assign(customer_key=customers.keys.take(everybody)).reset_index(drop=True)


def dim_products(home: Path, lines: pd.DataFrame) -> pd.DataFrame:
    """One row per product that is listed or was sold."""
    listed = newest(read(home, "ec/products", ["sku", "name", "category"]), ["sku"])
    items = lines[(lines["line_type"] == "item") & lines["sku"].notna()].groupby(["sku", "product_name"], observed=True)
    items = items["business_date"].agg(["min", "max"]).reset_index().astype({"sku": "str", "product_name": "str"})
    sold = items.groupby("sku", as_index=False).agg(
        product_name=("product_name", "max"), first_sold_date=("min", "min"), last_sold_date=("max", "max")
    )
    frame = listed.astype({"sku": "str"}).merge(sold, on="sku", how="outer")
    frame["name"] = frame["name"].fillna(frame["product_name"])
    return frame.drop(columns="product_name").assign(product_key="shop:" + frame["sku"])
