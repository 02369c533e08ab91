"""Secrets of live connections: named in connections.yaml, valued by the environment, shown to nobody.

A secret is written as the name of an environment variable (`secret: MY_SHOP_TOKEN`), never as its value. What a server hands
out in return (access tokens, session tokens) is a secret as well. `Secrets.redacted` takes all of them out of any text, in
plain, percent-encoded and Base64 spelling.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Protocol
from urllib.parse import quote, quote_plus

from pydantic import AfterValidator, BaseModel

from pipelines.sources.connection import SourceError

_SHORTEST = 4  # a shorter value would blank out half of every message


class SecretName(str):
    """Marks a field of an entry as the name of an environment variable that holds a secret."""


def _variable(value: str) -> SecretName:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,}", value):
        raise ValueError("names the environment variable that holds the secret (capitals, digits and _), never the secret itself")
    return SecretName(value)


Secret = Annotated[str, AfterValidator(_variable)]


class Tokens(Protocol):
    """Where a token lies from night to night that a server replaces at each use."""

    def load(self, name: str) -> str | None:
        """The token last saved under `name`."""

    def save(self, name: str, token: str) -> None:
        """Keep `token` under `name`."""


class NoTokens:
    """Keeps nothing."""

    def load(self, name: str) -> str | None:
        """Nothing is kept."""
        del name
        return None

    def save(self, name: str, token: str) -> None:
        """Nothing is kept."""
        del name, token


class Secrets:
    """The values of the variables that connections name."""

    def __init__(self, values: Mapping[str, str] | None = None, tokens: Tokens | None = None) -> None:
        self._values = {name: value.strip() for name, value in (values or {}).items() if value.strip()}
        self._hidden: tuple[str, ...] = ()
        self.tokens: Tokens = tokens or NoTokens()
        for value in self._values.values():
            self.learn(value)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"

    def of_one_pull(self) -> Secrets:
        """The same values, with what one pull learns kept apart from the others'."""
        return Secrets(self._values, self.tokens)

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            raise SourceError(f"the environment variable {name} is not set; it holds a secret of this connection")
        return self._values[name]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that have no value."""
        return [name for name in names if name not in self._values]

    def learn(self, value: str) -> None:
        """Hide `value` from now on, too."""
        if len(value) < _SHORTEST:
            return
        spellings = (value, quote(value, safe=""), quote_plus(value), base64.b64encode(value.encode()).decode())
        # The longest first: a secret that contains another is hidden whole.
        self._hidden = tuple(sorted({*self._hidden, *spellings}, key=len, reverse=True))

    def redacted(self, text: str) -> str:
        """`text` without any secret."""
        for value in self._hidden:
            text = text.replace(value, "***")
        return text


def secret_names(options: Any) -> list[str]:
    """The variables that an entry (or a part of one) names as secrets, each once."""
    if isinstance(options, SecretName):
        return [str(options)]
    if isinstance(options, BaseModel):
        parts: Iterable[Any] = (getattr(options, name) for name in type(options).model_fields)
    elif isinstance(options, Mapping):
        parts = options.values()
    elif isinstance(options, (list, tuple)):
        parts = options
    else:
        return []
    return list(dict.fromkeys(name for part in parts for name in secret_names(part)))
