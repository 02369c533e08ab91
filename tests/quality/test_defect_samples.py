"""Every file below data_samples/defects through the door: what data_samples/README.md says of it is what happens."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.landing import Landing, land
from pipelines.settings import PROJECT, read_connections
from pipelines.sources.connection import Window
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from tests.shops import KEYS

DEFECTS = PROJECT / "data_samples" / "defects"

# File -> what the refusal says; the rest of the README's sentence is the outcome.
REFUSED = {
    "ec/orders__missing_column.csv": "受注日",
    "ec/orders__unknown_status.csv": "status has the unknown value '配送準備中'|status has the unknown value '10'",
    "ec/orders__delimiter_in_text.csv": "row 4",
    "ec/orders__not_utf8_nor_cp932.csv": "byte",
    "ec/orders__empty_file.csv": "empty",
    "ec/orders__scientific_notation_ids.csv": r"E\+12",
    "ec/orders__volume_collapse.csv": "2026-09-30 has 1 rows, that weekday usually 12",
    "ec/order_lines__unparsed_price.csv": "価格",
    "ec/order_lines__same_line_twice_different.csv": "occurs more than once with different content",
    "survey/answers__missing_question.csv": "has no column",
    "survey/answers__rating_in_words.csv": "そう思う",
    "sns/posts__snapshot_twice_different.csv": "occurs more than once with different content",
    "hr/employees__unknown_leave_reason.csv": "leave_reason has the unknown value",
    "plan/initiatives__unknown_design.csv": "design has the unknown value 'gut_feeling'",
}
QUARANTINED = {
    "ec/order_lines__one_unreadable_quantity.csv": "quantity: 個数 '要確認'",
    "ec/order_lines__negative_tax_rate.csv": "tax_rate is at least 0 and at most 1, found -0.08",
    "ec/order_lines__tax_150_percent.csv": "tax_rate is at least 0 and at most 1, found 1.5",
    "survey/answers__value_outside_scale.csv": "'9'",
    "sns/accounts__negative_followers.csv": "followers is at least 0, found -5",
    "sns/mentions__reply_before_post.csv": "first_reply_at is not before posted_at",
    "hr/employees__leave_before_hire.csv": "leave_date is not before hire_date",
}
LANDED = {"sns/mentions__hostile_text.csv"}


def name_of(file: str) -> str:
    return re.sub(r"\W", "_", file.removesuffix(".csv"))


def documented() -> Iterator[tuple[str, str]]:
    """File and connection of each row of the README's table."""
    readme = (PROJECT / "data_samples" / "README.md").read_text(encoding="utf-8")
    yield from re.findall(r"^\| `((?:ec|survey|sns|hr|plan)/\w+\.csv)` \| (\w+) \|", readme, re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("defects")


@pytest.fixture(scope="module")
def landed(home: Path) -> Landing:
    """All defects landed at once, each as a connection of its own."""
    shipped = read_connections(PROJECT / "connections.yaml").connections
    connections = [
        shipped[connection].model_copy(update={"name": name_of(file), "path": DEFECTS / file})
        for file, connection in documented()
    ]
    window = Window(date(2024, 10, 1), date(2026, 9, 30))
    return land(connections, window, home, Pseudonymiser(KEYS), Batch("defects", datetime(2026, 10, 1, tzinfo=UTC)))


def test_every_defect_is_documented_and_has_an_expectation() -> None:
    files = {str(path.relative_to(DEFECTS)) for path in DEFECTS.rglob("*.csv")}
    assert files == {file for file, _ in documented()} == {*REFUSED, *QUARANTINED, *LANDED}


@pytest.mark.parametrize("file", REFUSED)
def test_a_bad_batch_lands_nothing_and_says_why(landed: Landing, home: Path, file: str) -> None:
    assert re.search(REFUSED[file], landed.refused[name_of(file)]), landed.refused[name_of(file)]
    assert not list(home.rglob(f"landing/**/{name_of(file)}.parquet"))


@pytest.mark.parametrize("file", QUARANTINED)
def test_a_bad_row_is_held_back_with_its_reason_and_the_rest_lands(landed: Landing, home: Path, file: str) -> None:
    rows = [row for row in landed.tables if row.connection == name_of(file)]
    assert name_of(file) not in landed.refused
    assert sum(row.quarantined for row in rows) > 0
    assert sum(row.landed for row in rows) > 0
    pattern = str(home / "quarantine" / "*" / "*" / "month=*" / f"{name_of(file)}.parquet")
    reasons = [reason for (reason,) in duckdb.execute("select reason from read_parquet(?)", [pattern]).fetchall()]
    assert any(QUARANTINED[file] in reason and f"{Path(file).name} row" in reason for reason in reasons), reasons


@pytest.mark.parametrize("file", sorted(LANDED))
def test_hostile_text_lands_as_its_length_alone(landed: Landing, home: Path, file: str) -> None:
    assert sum(row.landed for row in landed.tables if row.connection == name_of(file)) > 0
    for path in home.rglob(f"landing/**/{name_of(file)}.parquet"):
        assert b"<script" not in path.read_bytes()
