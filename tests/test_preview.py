"""What the Dagster UI shows of a table: its rows, and never a text that does something."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.preview import LETTERS, PLOTS, markdown_table, previews, text

HOSTILE = "<img src=x onerror=alert(1)>|![a](http://evil.example/x.png) `code` [b](javascript:alert(1)) www.evil.example\n# head"


@given(st.text(max_size=200))
def test_a_text_is_letters_digits_blanks_and_character_references(value: str) -> None:
    assert re.fullmatch(r"(?:[^\W_]|[ …]|&#\d+;|[\u0080-\U0010ffff])*", text(value))
    assert not re.search(r"[\x00-\x1f\x7f<>|`\[\]()!*_~:.@\\/\"']", text(value))


def test_a_long_text_is_cut_and_a_number_is_short() -> None:
    assert len(text("あ" * 200)) == LETTERS
    assert text("あ" * 200).endswith("…")
    assert text(None) == ""
    assert text(0.123456).replace("&#46;", ".") == "0.1235"


def test_a_row_stays_one_row_whatever_stands_in_it() -> None:
    shown = markdown_table(["a", "b|c"], [(HOSTILE, 1), ("plain", None)])
    assert [line.count("|") for line in shown.splitlines()] == [3, 3, 3, 3]
    assert "http" in shown
    assert "http:" not in shown


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table plain as select i as id, ? as said from range(25) as t(i)", [HOSTILE])
        connection.execute(
            """create table rpt_customer_months as
            select 'all' as shop, date '2025-01-01' as month_start, cast(1000 as decimal(18, 2)) as net_sales_jpy
            union all select 'all', date '2025-02-01', 2000"""
        )
        connection.execute(
            """create table rpt_retention_by_engagement as
            select 'high' as tier, date '2025-01-01' as landmark_date, 0 as days_since, cast(null as double) as survival"""
        )
    return file


def test_a_preview_has_the_first_rows_and_a_plot_that_is_a_picture(warehouse: Path) -> None:
    shown = previews(
        warehouse,
        {"plain": ["id"], "rpt_customer_months": ["month_start"], "rpt_retention_by_engagement": ["tier"], "gone": ["id"]},
    )
    assert set(shown) == {"plain", "rpt_customer_months", "rpt_retention_by_engagement"}
    assert (shown["plain"].rows, shown["plain"].plot) == (25, None)
    assert "<img" not in shown["plain"].head
    assert shown["plain"].head.endswith("10 of 25 rows")
    drawn = re.fullmatch(
        r"!\[rpt_customer_months\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", shown["rpt_customer_months"].plot or ""
    )
    assert drawn is not None
    assert base64.b64decode(drawn[1]).startswith(b"\x89PNG")
    assert shown["rpt_retention_by_engagement"].plot is None  # nothing may be shown of it, so nothing is drawn


def test_every_plot_is_of_a_table_it_can_read(warehouse: Path) -> None:
    assert all(table in draw.query for table, draw in PLOTS.items())
