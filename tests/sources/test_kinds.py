"""Every kind of connection shows a worked entry of connections.yaml, and that entry is valid."""

from __future__ import annotations

import inspect
import re
import sys

import pytest
import yaml

from pipelines.sources import KINDS
from pipelines.sources.connection import Connection
from pipelines.sources.contract import sources, table


def test_every_source_of_the_contract_has_a_kind() -> None:
    assert {source for source, _ in KINDS} == set(sources())


@pytest.mark.parametrize(("source", "kind"), sorted(KINDS))
def test_the_entry_in_a_kinds_docstring_is_valid(source: str, kind: str) -> None:
    model = KINDS[source, kind]
    documentation = inspect.cleandoc(sys.modules[model.__module__].__doc__ or "")
    example = re.search(r"^    [a-z_]+:\n(?: {6,}.*\n?)+", documentation, re.MULTILINE)
    assert example is not None, f"{model.__module__} shows no entry of connections.yaml"
    ((name, entry),) = yaml.safe_load(example[0]).items()
    assert (entry.pop("source"), entry["kind"]) == (source, kind)
    assert isinstance(model.model_validate({**entry, "name": name}), Connection)


@pytest.mark.parametrize(("source", "kind"), sorted(KINDS))
def test_a_kind_lands_tables_of_its_source_alone(source: str, kind: str) -> None:
    model = KINDS[source, kind]
    assert model.source == source
    assert all(table(source, name) for name in model.tables)
