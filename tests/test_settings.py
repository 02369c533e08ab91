"""connections.yaml and the environment: every mistake is one line that says where it is and what to do; no secret is shown."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.settings import ConfigError, Settings, load_settings, read_connections

COMPANY = "company: {name: Minamo, first_day: 2024-10-01}\n"
SHOP = "{source: ec, kind: ec_cube_csv, path: drop}"


def config(tmp_path: Path, text: str, company: str = COMPANY) -> Path:
    file = tmp_path / "connections.yaml"
    file.write_text(company + text, encoding="utf-8")
    return file


def refusal(tmp_path: Path, text: str, company: str = COMPANY) -> str:
    with pytest.raises(ConfigError) as refused:
        read_connections(config(tmp_path, text, company))
    return str(refused.value)


def keyed(tmp_path: Path, **keys: str) -> Settings:
    return Settings(_env_file=None, home=tmp_path, **{f"key_{name}": SecretStr(value) for name, value in keys.items()})


@pytest.mark.parametrize(
    ("connections", "message"),
    [
        (
            "connections: {shop: {source: ec, kind: ec_cube_csv, path: drop, tax_roundin: floor}}",
            "connections.yaml: shop.tax_roundin: unknown key; did you mean tax_rounding?",
        ),
        (
            "connections: {posts: {source: sns, kind: posts_csv, path: drop, platform: x, account_id: us, day: {colum: Day}, "
            "columns: {post_id: Post, posted_at: Day}}}",
            "connections.yaml: posts.day.colum: unknown key; did you mean column?",
        ),
        (
            "connections: {shop: {source: ec, kind: ec_cube_cvs, path: drop}}",
            "connections.yaml: shop: there is no kind 'ec_cube_cvs' for source 'ec'; the kinds are ec/base, ec/ec_cube_api, ",
        ),
        ("connections: {shop: {source: ec, kind: ec_cube_csv}}", "connections.yaml: shop.path: is missing"),
        ("connections: {Shop: " + SHOP + "}", "connections.yaml: Shop: a connection's name is lower-case letters, digits and _"),
        ("connections: {shop: drop}", "connections.yaml: shop: must hold source, kind and the kind's options"),
        (
            "connections: {shop: {source: ec, kind: ec_cube_csv, path: drop, time_zone: Asia/Tokio}}",
            "unknown time zone 'Asia/Tokio'",
        ),
        ("connections: {}", "connections.yaml: no connection is configured; add one under connections"),
        ("conections: {}", "connections.yaml: unknown section 'conections'; it holds company and connections"),
    ],
)
def test_a_wrong_entry_is_named_with_what_to_do(tmp_path: Path, connections: str, message: str) -> None:
    assert message in refusal(tmp_path, connections)


@pytest.mark.parametrize(
    ("company", "message"),
    [
        (
            "company: {name: Minamo, first_day: 2024-10-01, curency: JPY}\n",
            "company.curency: unknown key; did you mean currency?",
        ),
        ("company: {name: Minamo, first_day: 2024-10-01, fiscal_year_start_month: 13}\n", "company.fiscal_year_start_month: "),
        ("company: {name: Minamo}\n", "company.first_day: is missing"),
        ("", "company.name: is missing"),
    ],
)
def test_a_wrong_company_section_is_named(tmp_path: Path, company: str, message: str) -> None:
    assert message in refusal(tmp_path, "connections: {shop: " + SHOP + "}", company)


def test_all_problems_are_told_at_once_one_line_each(tmp_path: Path) -> None:
    told = refusal(tmp_path, "connections: {a: {source: ec, kind: nothing}, b: {source: ec, kind: ec_cube_csv}}").splitlines()
    assert [one.split(": ")[1] for one in told] == ["a", "b.path"]


@pytest.mark.parametrize("text", ["connections: [", "connections: {shop: {a: 1}}}"])
def test_yaml_that_cannot_be_read_is_one_line_with_the_place(tmp_path: Path, text: str) -> None:
    told = refusal(tmp_path, text)
    assert told.startswith("connections.yaml is not valid YAML")
    assert "line 2" in told or "line 3" in told
    assert "\n" not in told


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml does not exist"):
        read_connections(tmp_path / "nowhere.yaml")


def test_a_missing_secret_is_named_and_a_given_one_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "connections: {shop: {source: ec, kind: ec_cube_csv, path: drop, encoding: '${SHOP_SECRET}'}}"
    monkeypatch.delenv("SHOP_SECRET", raising=False)
    assert refusal(tmp_path, text) == "connections.yaml: shop.encoding: the environment variable SHOP_SECRET is not set"
    monkeypatch.setenv("SHOP_SECRET", "hunter2")
    told = refusal(tmp_path, text)
    assert "shop.encoding" in told
    assert "hunter2" not in told


def test_a_variable_is_filled_in_and_paths_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_FOLDER", "tokyo")
    read = read_connections(config(tmp_path, "connections: {shop: {source: ec, kind: ec_cube_csv, path: 'drop/${SHOP_FOLDER}'}}"))
    connection: Any = read.connections["shop"]
    assert connection.path == (tmp_path / "drop" / "tokyo").resolve()
    assert read.company.name == "Minamo"


def test_equal_keys_are_refused_because_employees_and_customers_could_be_joined(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must differ") as refused:
        keyed(tmp_path, employee="k" * 32, customer="k" * 32, social="s" * 32).keys()
    assert "k" * 32 not in str(refused.value)


@pytest.mark.parametrize("short", ["", "x", "x" * 31])
def test_a_short_key_is_refused_by_name_without_its_value(tmp_path: Path, short: str) -> None:
    with pytest.raises(ConfigError, match="ENGAGEMENT_KEY_CUSTOMER must be set and at least 32 characters long") as refused:
        keyed(tmp_path, employee="e" * 32, customer=short, social="s" * 32).keys()
    assert "x" not in str(refused.value).replace("exactly", "")


def test_one_key_of_three_is_not_completed_at_random(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ENGAGEMENT_KEY_CUSTOMER must be set"):
        keyed(tmp_path, employee="e" * 32).keys()
    assert not (tmp_path / "pseudonym_keys.env").exists()


def test_keys_made_at_random_differ_stay_the_same_and_are_the_owners_alone(tmp_path: Path) -> None:
    made = keyed(tmp_path / "home").keys()
    file = tmp_path / "home" / "pseudonym_keys.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(set(made.values())) == 3
    assert keyed(tmp_path / "home").keys() == made
    assert keyed(tmp_path / "other").keys() != made


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGEMENT_PULL_THREADS", "many")
    with pytest.raises(ConfigError, match=r"^ENGAGEMENT_PULL_THREADS: "):
        load_settings()


def test_settings_show_no_key(tmp_path: Path) -> None:
    assert "e" * 32 not in repr(keyed(tmp_path, employee="e" * 32))


def test_two_connections_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    file.write_text("company: {name: A, first_day: 2024-01-01}\nconnections:\n  shop: {source: ec}\n  shop: {source: ec}\n")
    with pytest.raises(ConfigError, match=r"'shop' stands there twice.*line 4"):
        read_connections(file)


def test_other_keys_than_the_landed_rows_were_hashed_with_are_refused(tmp_path: Path) -> None:
    keyed(tmp_path, employee="e" * 32, customer="c" * 32, social="s" * 32).keys()
    with pytest.raises(ConfigError, match=r"^ENGAGEMENT_KEY_CUSTOMER differs from the key that the rows in") as refused:
        keyed(tmp_path, employee="e" * 32, customer="d" * 32, social="s" * 32).keys()
    assert "c" * 32 not in str(refused.value)
    assert "c" * 32 not in (tmp_path / "pseudonym_keys.json").read_text()
