"""New keys: what has landed becomes what it would be had it landed under them, at once or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from shops import KEYS, Shop, line
from test_erasure import HANAKO, MAKE, TARO, everything, export, find, remember

from pipelines import erasure, renewal
from pipelines.rotation import MOVES, RotationError, rotate
from pipelines.settings import ConfigError, Settings
from pipelines.sources.connection import Person
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.store import settle

Content = Callable[[Path], dict[str, tuple[int, bytes]]]
NEW = {**KEYS, "customer": b"n" * 32}


def renew(shop: Shop, *, split_unknown: bool = False) -> Any:
    log: list[str] = []
    return rotate(shop.home, [shop.connection], KEYS, NEW, is_kept=True, split_unknown=split_unknown, log=log.append)


def test_landed_rows_become_what_they_would_be_under_the_new_keys(shop: Shop, tmp_path: Path) -> None:
    export(shop)
    shop.land("2024-01-01", "2024-02-28")
    fresh = Shop(tmp_path, home=tmp_path / "fresh")
    fresh.keys = NEW
    fresh.land("2024-01-01", "2024-02-28")
    old = everything(shop)
    rotated = renew(shop)
    assert (rotated.pseudonyms, rotated.unknown) == (7, 0)
    assert everything(shop) == everything(fresh) != old
    with pytest.raises(ConfigError, match="ENGAGEMENT_KEY_CUSTOMER differs"):
        shop.land("2024-01-01", "2024-02-28")
    shop.keys = NEW
    assert shop.land("2024-01-01", "2024-02-28").refused == {}
    assert everything(shop) == everything(fresh)
    assert renewal.is_due(shop.home)
    assert not (shop.home / "rotation").exists()


def test_who_was_erased_stays_erased_under_the_new_keys(shop: Shop) -> None:
    export(shop)
    shop.land("2024-01-01", "2024-02-28")
    erasure.sweep(shop.store, remember(shop.home, find(shop.home, "12")))
    assert renew(shop).lost_marks == 0
    swept = everything(shop)
    shop.keys = NEW
    shop.land("2024-01-01", "2024-02-28")
    assert everything(shop) == swept


def test_persons_without_a_file_stop_it_and_everything_stays_as_it_was(shop: Shop, content: Content) -> None:
    gone = shop.drop(line("A1", **HANAKO), line("A2", "2024-02-10", **HANAKO | {"Tel": ""}))
    shop.drop(line("B1", **TARO))
    shop.land("2024-01-01", "2024-02-28")
    erased = find(shop.home, "7")
    gone.unlink()
    before = content(shop.home)
    with pytest.raises(RotationError, match="3 of 6 pseudonyms belong to persons who stand in no dropped file any more"):
        renew(shop)
    assert content(shop.home) == before
    remember(shop.home, find(shop.home, "12"))
    rotated = renew(shop, split_unknown=True)
    assert (rotated.unknown, rotated.lost_marks) == (3, 3)
    hers = [row["customer_pid"] for row in shop.rows("orders") if row["order_id"] in ("A1", "A2")]
    assert hers[0] == hers[1] == Pseudonymiser(NEW).renewed(str(MAKE.pid(Person("customer", "id", "12", "shop"))))
    assert not erased.pids & {row[name] for row in shop.rows("orders") for name in ("customer_pid", "mail_pid", "phone_pid")}


def test_a_file_that_cannot_be_read_stops_it(shop: Shop, content: Content) -> None:
    export(shop)
    shop.land("2024-01-01", "2024-02-28")
    (shop.folder / "new.csv").write_text("No,Something\n1,2\n")
    before = content(shop.home)
    with pytest.raises(RotationError, match=r"^shop: new\.csv has no column"):
        renew(shop)
    assert content(shop.home) == before


@pytest.mark.parametrize("steps", range(2 * len(MOVES) + 1))
def test_a_change_cut_off_while_it_moves_in_is_ended_by_the_next_writer(tmp_path: Path, steps: int, monkeypatch: Any) -> None:
    rotation = tmp_path / "rotation"
    for name in MOVES:
        for root, text in ((tmp_path, "old"), (rotation, "new")):
            place = root / name / "x" if "." not in name else root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    (rotation / "pseudonym_keys.env").unlink()  # keys from the environment: those kept beside the data go
    (rotation / "ready").write_text("\n".join(MOVES))
    done = 0
    real = os.replace

    def replace(one: Path, other: Path) -> None:
        nonlocal done
        if done == steps:
            raise KeyboardInterrupt
        done += 1
        real(one, other)

    monkeypatch.setattr("pipelines.store.os.replace", replace)
    try:
        settle(tmp_path)
    except KeyboardInterrupt:
        monkeypatch.undo()
        settle(tmp_path)
    texts = {path.relative_to(tmp_path).parts[0]: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert texts == dict.fromkeys(set(MOVES) - {"pseudonym_keys.env"}, "new")


def test_what_is_not_ready_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "rotation" / "landing").mkdir(parents=True)
    (tmp_path / "landing").mkdir()
    settle(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["landing"]


def keyed(home: Path, **keys: str) -> Settings:
    return Settings(_env_file=None, home=home, **{name: SecretStr(value) for name, value in keys.items()})


def test_the_old_keys_are_found_wherever_they_stand(tmp_path: Path) -> None:
    made = keyed(tmp_path).keys()
    old, new = keyed(tmp_path).changed_keys()
    assert old == made
    assert not set(new.values()) & set(old.values())
    own = {"key_employee": "e" * 32, "key_customer": "c" * 32, "key_social": "s" * 32}
    old, new = keyed(tmp_path, **own).changed_keys()
    assert (old, sorted(new.values())) == (made, [b"c" * 32, b"e" * 32, b"s" * 32])
    shutil.rmtree(tmp_path)
    with pytest.raises(ConfigError, match="nothing has landed"):
        keyed(tmp_path, **own).changed_keys()
    keyed(tmp_path, **own).keys()
    with pytest.raises(ConfigError, match="are the keys in use"):
        keyed(tmp_path, **own).changed_keys()
    with pytest.raises(ConfigError, match="set ENGAGEMENT_OLD_KEY_CUSTOMER to it") as refused:
        keyed(tmp_path, **own | {"key_customer": "d" * 32}).changed_keys()
    assert "c" * 32 not in str(refused.value)
    old, new = keyed(tmp_path, **own | {"key_customer": "d" * 32, "old_key_customer": "c" * 32}).changed_keys()
    assert (old["customer"], new["customer"], old["social"]) == (b"c" * 32, b"d" * 32, new["social"])
    assert json.loads((tmp_path / "pseudonym_keys.json").read_text()) == Pseudonymiser(old).fingerprints()
