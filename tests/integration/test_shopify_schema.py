"""Every query we send to Shopify is valid in the three newest versions of Shopify's own Admin schema."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import graphql
import pytest

from pipelines.sources.ec import shopify as kind

VERSIONS = 3
DEAREST = 1000  # points of one query


@pytest.fixture(scope="module")
def schemas(shopify: Path) -> dict[str, graphql.GraphQLSchema]:
    """The newest versions of the schema, as the vendor ships them, by their names (2026-07)."""
    files = sorted(file for file in shopify.iterdir() if re.fullmatch(r"admin_\d{4}-\d{2}\.json\.gz", file.name))
    return {file.name[6:13]: _schema(file) for file in files[-VERSIONS:]}


def _schema(file: Path) -> graphql.GraphQLSchema:
    with gzip.open(file) as content:
        introspection = json.load(content)
    # Whether the vendor's schema is valid in itself takes a minute to check and is not the question.
    return graphql.build_client_schema(introspection.get("data", introspection), assume_valid=True)


@pytest.fixture(scope="module")
def queries() -> dict[str, str]:
    """Every GraphQL document among the constants of the Shopify kind, by name."""
    texts = {name: value for name, value in vars(kind).items() if isinstance(value, str) and not name.startswith("__")}
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


def points(schema: graphql.GraphQLSchema, of: graphql.GraphQLObjectType, fields: graphql.SelectionSetNode, page: int) -> int:
    """What the fields of a type cost at most: an object 1, a connection 2 and the records its `first` (else `page`) allows."""
    total = 0
    for field in fields.selections:
        if not isinstance(field, graphql.FieldNode) or field.selection_set is None or field.name.value == "pageInfo":
            continue
        kind = graphql.get_named_type(of.fields[field.name.value].type)
        assert isinstance(kind, graphql.GraphQLObjectType)
        inner = points(schema, kind, field.selection_set, page)
        if kind.name.endswith("Connection"):
            (size,) = [one.value for one in field.arguments if one.name.value == "first"]
            total += 2 + (int(size.value) if isinstance(size, graphql.IntValueNode) else page) * inner
        else:
            total += 1 + inner
    return total


@pytest.mark.parametrize(
    ("name", "page"),
    [("ORDERS", "ORDERS_A_PAGE"), ("CUSTOMERS", "CUSTOMERS_A_PAGE"), ("ITEMS", ""), ("SHIPPING", ""), ("REFUND", "")],
)
def test_no_query_costs_more_than_one_may(
    schemas: dict[str, graphql.GraphQLSchema], queries: dict[str, str], name: str, page: str
) -> None:
    size = vars(kind)[page] if page else 0
    (operation,) = graphql.parse(queries[name]).definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    for schema in schemas.values():
        assert schema.query_type is not None
        assert 1 < points(schema, schema.query_type, operation.selection_set, size) <= DEAREST
