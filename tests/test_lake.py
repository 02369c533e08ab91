"""The landing zone and dropped files in an object store: a server of S3 on this machine, over real HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import TypeAdapter, ValidationError
from shops import Shop, line, many

from pipelines.sources import files
from pipelines.sources.connection import SourceError
from pipelines.sources.places import Place
from pipelines.store import Store

TESTS = Path(__file__).resolve().parent
# Lands a month anew, and is killed while its second upload of an order file is under way: half of it has been sent.
KILLED = """
import os, signal, sys
from pathlib import Path
import s3fs
from shops import Shop
from test_lake import place
shop = Shop(Path(sys.argv[1]), lake=place(sys.argv[2]))
sent, put = [], s3fs.S3FileSystem._put_file

async def half(self, lpath, rpath, **more):
    sent.append(rpath)
    if len([path for path in sent if "/landing/ec/" in path]) == 2:
        upload = await self._call_s3("create_multipart_upload", Bucket=rpath.split("/")[0], Key=rpath.split("/", 1)[1])
        await self._call_s3("upload_part", Bucket=upload["Bucket"], Key=upload["Key"], UploadId=upload["UploadId"],
                            PartNumber=1, Body=Path(lpath).read_bytes()[:500])
        os.kill(os.getpid(), signal.SIGKILL)
    return await put(self, lpath, rpath, **more)

s3fs.S3FileSystem._put_file = half
shop.land("2024-01-01", "2024-01-31")
"""


def place(text: str) -> Any:
    """A text as the settings read it."""
    return TypeAdapter(Place).validate_python(text)


@pytest.fixture
def lake(object_store: None, request: pytest.FixtureRequest) -> Any:
    """A bucket of its own."""
    bucket = place(f"s3://lake-{abs(hash(request.node.name))}/company")
    bucket.fs.mkdir(bucket.path.split("/")[0])
    return bucket


def both(tmp_path: Path, lake: Any) -> tuple[Shop, Shop]:
    """The same shop, once with its landing zone in the object store and once on the disk."""
    return Shop(tmp_path, lake=lake), Shop(tmp_path, home=tmp_path / "on_disk")


def held(shop: Shop) -> dict[str, list[dict[str, Any]]]:
    """All rows landed and held back."""
    names = ("orders", "order_lines", "products", "adjustments")
    return {name: shop.rows(name) + shop.held_back(name) for name in names}


def test_days_land_and_land_again_as_on_the_disk(tmp_path: Path, lake: Any) -> None:
    remote, local = both(tmp_path, lake)
    remote.drop(*many(8), line("B", "2024-01-30", State="cancelled"), line("C", "2024-02-01"), line("D", "2024-01-31", Tax="150"))
    for shop in (remote, local):
        assert shop.land("2024-01-30", "2024-02-01").refused == {}
    assert held(remote) == held(local)
    assert len(remote.rows("orders")) == 10
    assert [row["rule"] for row in remote.held_back("order_lines")] == ["range_tax_rate"]
    # The same again replaces nothing; a newer export replaces its day and leaves the others.
    assert [table.replaced_days for table in remote.land("2024-01-30", "2024-02-01").tables if table.replaced_days] == []
    remote.drop(*many(8, Amount="700"))
    for shop in (remote, local):
        assert shop.land("2024-01-31").refused == {}
    assert held(remote) == held(local)
    assert not (remote.home / "landing").exists()
    assert all(path.endswith(".parquet") for path in lake.fs.find(lake.path))


def test_a_loss_of_rows_is_noticed_there_too(tmp_path: Path, lake: Any) -> None:
    shop = Shop(tmp_path, lake=lake)
    export = shop.drop(*many(30))
    shop.land("2024-01-31")
    export.unlink()
    shop.drop(*many(5))
    assert "of the 30 rows landed for 2024-01-31 are gone" in shop.land("2024-01-31").refused["shop"]
    assert len(shop.rows("orders")) == 30


def test_a_run_killed_in_the_middle_of_an_upload_leaves_whole_files_and_the_next_one_lands_all(tmp_path: Path, lake: Any) -> None:
    remote, local = both(tmp_path, lake)
    remote.drop(*many(8), line("B", "2024-01-30"))
    for shop in (remote, local):
        shop.land("2024-01-01", "2024-01-31")
    old = held(remote)
    remote.drop(*many(8, Amount="700", Buyer="8"), line("B", "2024-01-30", Amount="900", Buyer="8"))
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(lake)], env={**os.environ, "PYTHONPATH": str(TESTS)})
    assert killed.returncode == -signal.SIGKILL
    local.land("2024-01-01", "2024-01-31")
    found, new = held(remote), held(local)
    assert all(found[name] in (old[name], new[name]) for name in found)
    assert found not in (old, new)
    assert remote.land("2024-01-01", "2024-01-31").refused == {}
    assert held(remote) == new


def test_duckdb_reads_the_files_where_they_lie(tmp_path: Path, lake: Any) -> None:
    shop = Shop(tmp_path, lake=lake)
    shop.drop(*many(8))
    shop.land("2024-01-31")
    with duckdb.connect() as sql:
        Store(shop.home, lake).attach(sql)
        pattern = f"{lake}/landing/ec/orders/month=*/*.parquet"
        assert sql.execute("select count(*) from read_parquet(?, union_by_name = true)", [pattern]).fetchall() == [(8,)]


def test_dropped_files_may_lie_there(tmp_path: Path, lake: Any) -> None:
    local = Shop(tmp_path, home=tmp_path / "on_disk")
    local.drop(*many(8), file="a.csv")
    drop = lake / "drop"
    remote = Shop(tmp_path, "remote", path=drop)
    drop.fs.put_file(str(local.folder / "a.csv"), f"{drop.path}/a.csv")
    drop.fs.pipe_file(f"{drop.path}/b.csv.part", b"half")
    assert [file.name for file in files.drop_files(remote.connection.path, "*.csv*")] == ["a.csv"]
    for shop in (remote, local):
        assert shop.land("2024-01-31").refused == {}
    own = {"connection": "", "customer_pid": ""}  # a shop's customer numbers are its own
    assert [row | own for row in remote.rows("orders")] == [row | own for row in local.rows("orders")]
    assert len(remote.rows("orders")) == 8


def test_a_store_that_does_not_let_us_in_is_said(tmp_path: Path, object_store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path, lake=place("s3://nobody-made-this/company"))
    with pytest.raises(SourceError, match=r"s3://nobody-made-this cannot be read \(FileNotFoundError.*\); check the bucket and"):
        shop.land("2024-01-31")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fresh = place("s3://nobody-made-this/company")
    fresh.fs.clear_instance_cache()
    with pytest.raises(SourceError, match="NoCredentialsError"):
        files.drop_files(place("s3://nobody-made-this/company"))
    fresh.fs.clear_instance_cache()


@pytest.mark.parametrize("text", ["gs://bucket/folder", "s3://", "https://example.com/x"])
def test_a_place_nobody_can_go_to_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no place to read or write"):
        place(text)
