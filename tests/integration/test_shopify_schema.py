"""Every query we send to Shopify is valid in the three newest versions of Shopify's own Admin schema."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from pathlib import Path

import graphql
import pytest

from tests.integration.install import Missing, installed

KIND = "pipelines.sources.ec.shopify"
VERSIONS = 3


@pytest.fixture(scope="module")
def schemas() -> dict[str, graphql.GraphQLSchema]:
    """The newest versions of the schema, as the vendor ships them, by their names (2026-07)."""
    try:
        folder = installed("shopify")
    except Missing as missing:
        pytest.skip(str(missing))
    files = sorted(file for file in folder.iterdir() if re.fullmatch(r"admin_\d{4}-\d{2}\.json\.gz", file.name))
    return {file.name[6:13]: _schema(file) for file in files[-VERSIONS:]}


def _schema(file: Path) -> graphql.GraphQLSchema:
    with gzip.open(file) as content:
        introspection = json.load(content)
    # Whether the vendor's schema is valid in itself takes a minute to check and is not the question.
    return graphql.build_client_schema(introspection.get("data", introspection), assume_valid=True)


@pytest.fixture(scope="module")
def queries() -> dict[str, str]:
    """Every GraphQL document among the constants of the Shopify kind, by name."""
    if importlib.util.find_spec(KIND) is None:
        pytest.skip("no kind of ours asks Shopify's API yet")
    module = vars(importlib.import_module(KIND))
    texts = {name: value for name, value in module.items() if isinstance(value, str) and not name.startswith("__")}
    return {name: text for name, text in texts.items() if re.match(r"\s*(query|mutation|fragment|\{)", text)}


def test_every_query_is_valid_in_the_newest_versions(schemas: dict[str, graphql.GraphQLSchema], queries: dict[str, str]) -> None:
    assert len(schemas) == VERSIONS
    assert queries
    wrong = [
        f"{version} {name}: {error.message}"
        for version, schema in schemas.items()
        for name, text in queries.items()
        for error in graphql.validate(schema, graphql.parse(text))
    ]
    assert wrong == []


def test_a_misspelt_field_is_found(schemas: dict[str, graphql.GraphQLSchema]) -> None:
    query = graphql.parse("{orders(first: 1) {nodes {id processed_at}}}")
    assert all("processed_at" in graphql.validate(schema, query)[0].message for schema in schemas.values())
