"""What a server says about its limits, and how long to wait for it. Pure functions of headers, bodies and the present instant.

Understood: `Retry-After` in seconds or as a date (RFC 9110); `X-RateLimit-Remaining` with `X-RateLimit-Reset` as an epoch or as
seconds to go; `RateLimit-Remaining` with `RateLimit-Reset`, and the later `RateLimit: "name";r=0;t=30` (IETF drafts);
SurveyMonkey's own names for the windows of a minute and of a day; the cost of a GraphQL query as Shopify states it in
`extensions.cost`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

# How headers begin that tell of a window; SurveyMonkey has two of them.
_WINDOWS = ("ratelimit", "x-ratelimit", "x-rate-limit", "x-ratelimit-app-global-minute", "x-ratelimit-app-global-day")
_EPOCH = 1_000_000_000  # as seconds to go, this would be 30 years


class Limits(BaseModel):
    """How much one pull of a connection may ask of its source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # at most so many requests a minute, together with the other connections of the same server and secrets
    per_minute: int | None = Field(default=None, ge=1)
    requests: int = Field(default=20_000, ge=1)  # at most so many in one pull
    wait_minutes: int = Field(default=60, ge=0)  # at most so long waiting for the source, all waits of a pull together
    attempts: int = Field(default=6, ge=1)  # of one request that fails for no fault of ours
    timeout: float = Field(default=60, gt=0)  # seconds without a byte


class Pace:
    """When the next request may go, of all connections whose requests the source counts together."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0.0

    def hold(self, until: float) -> None:
        """No request before this instant (seconds of the epoch)."""
        with self._lock:
            self._next = max(self._next, until)

    def turn(self, now: float, gap: float) -> float:
        """Take the next turn, `gap` seconds after the one before it: the seconds to wait for it."""
        with self._lock:
            turn = max(now, self._next)
            self._next = turn + gap
            return turn - now


class Paces:
    """The paces of one run: connections that ask the same server with the same secrets share one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._paces: dict[Hashable, Pace] = {}

    def of(self, *key: Hashable) -> Pace:
        """The pace of this server and these secrets."""
        with self._lock:
            return self._paces.setdefault(key, Pace())


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks us to stay away; None when it does not say."""
    given = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", given):
        return float(given)
    if given:
        try:
            moment = parsedate_to_datetime(given)
        except ValueError:
            return reset_after(headers, now)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    return reset_after(headers, now)


def reset_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the window of a rate limit begins anew; None when no header says so."""
    # Of several windows the longest that is used up counts.
    for window in (*reversed(_used_up(headers)), *_WINDOWS):
        given = headers.get(f"{window}-reset", "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", given):
            value = float(given)
            return max(0.0, value - now.timestamp()) if value >= _EPOCH else value
        if given:
            try:
                return max(0.0, datetime.fromisoformat(given).astimezone(UTC).timestamp() - now.timestamp())
            except ValueError:
                continue
    match = re.search(r"(?:^|[;,\s])(?:t|reset)=(\d+)", headers.get("ratelimit", ""))
    return float(match[1]) if match else None


def used_up(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait before the next request because this answer used the last one up; None when there are some left."""
    if _used_up(headers):
        return reset_after(headers, now)
    match = re.search(r"(?:^|[;,\s])(?:r|remaining)=(\d+)", headers.get("ratelimit", ""))
    return reset_after(headers, now) if match and match[1] == "0" else None


def _used_up(headers: Mapping[str, str]) -> list[str]:
    return [window for window in _WINDOWS if headers.get(f"{window}-remaining", "").strip() in ("0", "0.0")]


def query_cost(body: Any) -> float | None:
    """Seconds until the bucket of GraphQL query costs holds another query like this one; None when it does, or has no bucket."""
    cost = body.get("extensions", {}).get("cost") if isinstance(body, dict) and isinstance(body.get("extensions"), dict) else None
    status = cost.get("throttleStatus") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or not isinstance(status, dict):
        return None
    needed = float(cost.get("requestedQueryCost") or 0)
    missing = min(needed, float(status.get("maximumAvailable") or needed)) - float(status.get("currentlyAvailable") or 0)
    rate = float(status.get("restoreRate") or 0)
    return missing / rate if missing > 0 and rate > 0 else None


def is_throttled(errors: Any) -> bool:
    """Whether a GraphQL answer was refused for its cost or rate, which is no fault of the query."""
    codes = ("THROTTLED", "RATE_LIMITED", "TOO_MANY_REQUESTS")
    return isinstance(errors, list) and any(
        isinstance(error, dict) and str((error.get("extensions") or {}).get("code", "")).upper() in codes for error in errors
    )
