"""The same person has one pseudonym however they are written; persons of different key classes and scopes never meet."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from shops import KEYS

from pipelines.sources.connection import Person
from pipelines.sources.pseudonym import Pseudonymiser, normalise

MAKE = Pseudonymiser(KEYS)


@pytest.mark.parametrize(
    ("kind", "spellings", "one"),
    [
        ("mail", ["hanako@example.jp", " Hanako@Example.JP ", "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ"], "hanako@example.jp"),
        (
            "phone",
            ["090-1234-5678", "09012345678", "０９０－１２３４－５６７８", "+81 90-1234-5678", "(090) 1234 5678", "9012345678"],
            "+819012345678",
        ),
        ("phone", ["03-1234-5678", "+81-3-1234-5678", "０３（１２３４）５６７８"], "+81312345678"),
        ("phone", ["+1 650-253-0000", "+16502530000"], "+16502530000"),
        ("handle", ["@Hanako", "hanako", "＠ＨＡＮＡＫＯ", " hanako "], "hanako"),
        ("id", ["12", "１２", " 12 "], "12"),
    ],
)
def test_one_person_over_all_spellings(kind: Any, spellings: list[str], one: str) -> None:
    assert {normalise(Person("customer", kind, spelling)) for spelling in spellings} == {one}
    assert len({MAKE.pid(Person("customer", kind, spelling)) for spelling in spellings}) == 1


def test_numbers_of_a_system_keep_their_case_and_leading_zeros() -> None:
    values = ["012", "12", "a12", "A12"]
    assert len({MAKE.pid(Person("customer", "id", value)) for value in values}) == 4


def test_an_employee_and_a_customer_with_the_same_mail_never_meet() -> None:
    pids = {MAKE.pid(Person(key, "mail", "hanako@example.jp")) for key in KEYS}
    assert len(pids) == 3


def test_customer_12_of_one_shop_is_not_customer_12_of_another() -> None:
    assert MAKE.pid(Person("customer", "id", "12", "shop_a")) != MAKE.pid(Person("customer", "id", "12", "shop_b"))


def test_a_phone_number_is_no_customer_number() -> None:
    assert MAKE.pid(Person("customer", "phone", "+819012345678")) != MAKE.pid(Person("customer", "id", "+819012345678"))


def test_scope_and_value_cannot_be_shifted_into_each_other() -> None:
    assert MAKE.pid(Person("customer", "id", "b12", "a")) != MAKE.pid(Person("customer", "id", "12", "ab"))


@pytest.mark.parametrize(("kind", "value"), [("mail", ""), ("mail", " \u3000"), ("handle", "@"), ("phone", " "), ("id", "")])
def test_nobody_has_no_pseudonym(kind: Any, value: str) -> None:
    assert MAKE.pid(Person("social", kind, value)) is None


def test_what_is_no_phone_number_is_still_hashed_as_it_stands() -> None:
    pid = MAKE.pid(Person("customer", "phone", "ask reception"))
    assert pid is not None
    assert "ask" not in pid


def test_the_pseudonym_is_hmac_sha256_cut_to_128_bits() -> None:
    expected = hmac.new(KEYS["customer"], b"mail\x1f\x1fhanako@example.jp", hashlib.sha256).hexdigest()[:32]
    assert MAKE.pid(Person("customer", "mail", "Hanako@example.jp")) == expected


def test_another_key_gives_unrelated_pseudonyms() -> None:
    other = Pseudonymiser({**KEYS, "customer": b"d" * 32})
    person = Person("customer", "mail", "hanako@example.jp")
    assert other.pid(person) != MAKE.pid(person)


def test_the_keys_and_the_persons_seen_are_shown_to_nobody() -> None:
    make = Pseudonymiser(KEYS)
    make.pid(Person("customer", "mail", "hanako@example.jp"))
    shown = f"{make!r} {make}"
    assert "hanako" not in shown
    assert not any(key.decode() in shown for key in KEYS.values())
