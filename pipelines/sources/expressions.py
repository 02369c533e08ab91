"""JMESPath as it is used in connections.yaml: checked when the entry is read, searched in what a server sends."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator

from pipelines.sources.connection import SourceError

_PLAIN = re.compile(r'\s*((?:[A-Za-z_]\w*|"[^"]+")(?:\.(?:[A-Za-z_]\w*|"[^"]+"))*)')


def _checked(value: str) -> str:
    try:
        _compiled(value)
    except JMESPathError as error:
        raise ValueError(f"{value!r} is no JMESPath: {' '.join(str(error).split())}") from None
    return value


Path = Annotated[str, AfterValidator(_checked)]


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def first(expression: str, data: Any) -> Any:
    """What `expression` finds in `data`, None where it finds nothing; SourceError when it does not fit the data."""
    try:
        return _compiled(expression).search(data)
    except JMESPathError as error:
        raise SourceError(f"{expression!r} does not fit what the source sends: {' '.join(str(error).split())}") from None


def leading_names(expression: str) -> list[str]:
    """The names an expression begins with: `customer.email` for `customer.email | lower(@)`; none for a function or a list."""
    match = _PLAIN.match(expression)
    if match is None or expression[match.end() : match.end() + 1] == "(":
        return []
    return [name.strip('"') for name in re.findall(r'[A-Za-z_]\w*|"[^"]+"', match[1])]


def is_absent(expression: str, record: Any) -> bool:
    """Whether the record lacks the very field: a field that is there and null is not absent."""
    for name in leading_names(expression):
        if record is None:
            return False
        if not isinstance(record, dict):
            return False
        if name not in record:
            return True
        record = record[name]
    return False
