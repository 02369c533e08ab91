"""The landing zone as data frames: the columns asked for, of all days, each record in its newest version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

VERSION = ["updated_at", "change_date"]
# Read as categories: few values, many rows.
CATEGORIES = [
    "status", "channel", "coupon_code", "line_no", "line_type", "sku", "product_name", "type", "platform", "account_id",
    "post_type",
]  # fmt: skip


def read(home: Path, table: str, columns: Sequence[str]) -> pd.DataFrame:
    """All landed versions of a table, `source/name`: money, all of it whole yen, as floats; days and instants as timestamps."""
    landed = ds.dataset(
        home / "landing" / table,
        format=ds.ParquetFileFormat(read_options={"dictionary_columns": CATEGORIES}),
        partitioning=None,
        schema=schema(home, table),
    )
    wanted = {name: _plain(landed.schema.field(name)) for name in [*columns, *VERSION]}
    return landed.to_table(columns=wanted).to_pandas(split_blocks=True, self_destruct=True)


def schema(home: Path, table: str) -> pa.Schema:
    """A table's columns, those of few values as categories."""
    plain = ds.dataset(home / "landing" / table, format="parquet", partitioning=None).schema
    fields = [pa.field(f.name, pa.dictionary(pa.int32(), f.type)) if f.name in CATEGORIES else f for f in plain]
    return pa.schema(fields)


def _plain(field: pa.Field) -> ds.Expression:
    if pa.types.is_decimal(field.type):
        return ds.field(field.name).cast(pa.float64())
    if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
        return ds.field(field.name).cast(pa.timestamp("us"))
    return ds.field(field.name)


def newest(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """One row per key: the version with the newest `updated_at`, then `change_date`."""
    return frame.sort_values(VERSION, kind="stable").drop_duplicates(key, keep="last").drop(columns=VERSION)


def month_of(days: pd.Series) -> pd.Series:
    """The first day of the month of each day."""
    return days.dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
