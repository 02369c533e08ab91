"""Refresh tokens that a server replaces at each use are there for the next night, for their owner's eyes alone."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from vendors.base import NightClock, served
from vendors.ec_cube import EcCubeOrders

from pipelines.settings import KeptTokens, Settings
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets

NIGHT = Window(date(2026, 11, 26), date(2026, 11, 26))


def test_a_token_is_found_again_by_another_process(tmp_path: Path) -> None:
    file = tmp_path / "home" / "tokens.json"
    assert KeptTokens(file).load("eccube:1") is None
    KeptTokens(file).save("eccube:1", "first")
    assert KeptTokens(file).load("eccube:1") == "first"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["tokens.json"]


def test_a_connection_has_one_token_and_leaves_the_others_theirs(tmp_path: Path) -> None:
    tokens = KeptTokens(tmp_path / "tokens.json")
    for name, token in (("eccube:1", "a"), ("eccube_2:1", "b"), ("eccube:2", "c")):
        tokens.save(name, token)
    assert [tokens.load(name) for name in ("eccube:1", "eccube_2:1", "eccube:2")] == [None, "b", "c"]


def test_connections_pulled_at_the_same_time_keep_all_their_tokens(tmp_path: Path) -> None:
    tokens = KeptTokens(tmp_path / "tokens.json")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: tokens.save(f"shop{number}:1", f"token {number}"), range(40)))
    assert [tokens.load(f"shop{number}:1") for number in range(40)] == [f"token {number}" for number in range(40)]


def test_the_old_token_stays_when_the_new_one_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = KeptTokens(tmp_path / "tokens.json")
    tokens.save("eccube:1", "old")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        tokens.save("eccube:1", "new")
    monkeypatch.undo()
    assert json.loads((tmp_path / "tokens.json").read_text()) == {"eccube:1": "old"}


def test_nights_sign_in_with_the_token_of_the_night_before_until_another_is_given(tmp_path: Path) -> None:
    """Each night is a process of its own: nothing but the file goes from one to the next."""
    vendor, clock = EcCubeOrders(), NightClock()

    def night(given: str) -> None:
        secrets = Secrets({**vendor.secrets, "ECCUBE_REFRESH": given}, KeptTokens(tmp_path / "tokens.json"))
        with served(vendor) as url:
            connection = vendor.connection(url)
            api = connection.api(secrets, clock, lambda _: None)
            list(connection.pages(api, NIGHT))
            api.close()

    for _ in range(3):
        night(vendor.secrets["ECCUBE_REFRESH"])
    assert vendor.issued == 3
    # A person allowed it anew: the token set in the environment is newer than the one kept.
    vendor.refresh = "refresh-token-given-anew"
    night("refresh-token-given-anew")
    night("refresh-token-given-anew")
    assert vendor.issued == 5
    assert "given" not in (tmp_path / "tokens.json").read_text()


def test_the_settings_keep_them_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "connections.yaml"
    secrets = "client_id: a, secret: A_SECRET, refresh_token: A_TOKEN"
    entry = f"{{source: ec, kind: ec_cube_api, url: https://shop.example.com, {secrets}}}"
    file.write_text(f"company: {{name: Minamo, first_day: 2024-10-01}}\nconnections: {{shop: {entry}}}\n", encoding="utf-8")
    monkeypatch.setenv("A_SECRET", "secret-1234")
    read = Settings(_env_file=None, home=tmp_path / "home", connections=file).secrets()
    read.tokens.save("shop:1", "kept")
    assert json.loads((tmp_path / "home" / "tokens.json").read_text()) == {"shop:1": "kept"}
    assert (read["A_SECRET"], read.missing(["A_SECRET", "A_TOKEN"])) == ("secret-1234", ["A_TOKEN"])
