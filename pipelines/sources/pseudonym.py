"""Keyed hashes for persons. One normalisation and one key class per identifier, so that the same person meets across sources.

HMAC-SHA-256 (RFC 2104), cut to 128 bits: short enough for a BI tool, far beyond guessing or collision. The three key classes
never share a key, so an employee and a customer with the same mail address have unrelated pseudonyms.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

import phonenumbers

from pipelines.sources.connection import Person
from pipelines.sources.schema import KeyClass

PID_LENGTH = 32
KNOWN = 100_000  # persons remembered: most come again soon, and a long pull meets millions


class Pseudonymiser:
    """Turns `Person` values into pseudonyms; holds the keys and shows them to nobody."""

    def __init__(self, keys: Mapping[KeyClass, bytes]) -> None:
        self._keys = dict(keys)
        self._known = lru_cache(KNOWN)(self._hashed)

    def __repr__(self) -> str:
        return f"Pseudonymiser({', '.join(sorted(self._keys))})"

    def fingerprints(self) -> dict[KeyClass, str]:
        """A keyed hash of a constant for each key: tells keys apart without telling them."""
        return {name: hmac.digest(key, b"engagement key fingerprint", "sha256").hex() for name, key in self._keys.items()}

    def mark(self, pid: str) -> str:
        """What is remembered of an erased pseudonym: tells whether a pseudonym is the one, and cannot be turned back into it."""
        return self._of_all_keys(f"erased\x1f{pid}")

    def renewed(self, pid: str) -> str:
        """A new pseudonym for one whose person is not known any more: nobody without these keys can tell which it was."""
        return self._of_all_keys(f"renewed\x1f{pid}")[:PID_LENGTH]

    def _of_all_keys(self, message: str) -> str:
        return hmac.digest(b"\x1f".join(self._keys[name] for name in sorted(self._keys)), message.encode(), "sha256").hex()

    def pid(self, person: Person) -> str | None:
        """The pseudonym of `person`: 32 hexadecimal digits, or None when its value is blank."""
        return self._known(person)

    def _hashed(self, person: Person) -> str | None:
        value = normalise(person)
        message = f"{person.kind}\x1f{person.scope}\x1f{value}".encode()
        return hmac.digest(self._keys[person.key], message, "sha256").hex()[:PID_LENGTH] if value else None


def normalise(person: Person) -> str:
    """The one spelling of an identifier: NFKC; mail and handle in lower case; a phone number as E.164, Japan assumed."""
    value = unicodedata.normalize("NFKC", person.value).strip()
    if person.kind == "mail":
        return value.lower()
    if person.kind == "handle":
        return value.lower().lstrip("@")
    if person.kind == "phone" and value:
        try:
            number = phonenumbers.parse(value, "JP")
        except phonenumbers.NumberParseException:
            return value
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return value
