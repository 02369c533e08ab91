"""Asking a server without any kit: what it holds is told by itself, not by the kinds under test."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any


def get(url: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Status, body (JSON, else text) and headers of one GET."""
    return _answer(urllib.request.Request(url, headers=headers))


def post(url: str, body: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """As `get`, of one POST of JSON."""
    return _answer(urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"} | headers))


def rows(database: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a query on a server's own SQLite database."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql, parameters).fetchall()


def _answer(request: urllib.request.Request) -> tuple[int, Any, dict[str, str]]:
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, text, headers = response.status, response.read().decode(), dict(response.headers)
    except urllib.error.HTTPError as error:
        status, text, headers = error.code, error.read().decode(), dict(error.headers)
    try:
        return status, json.loads(text), headers
    except ValueError:
        return status, text, headers
