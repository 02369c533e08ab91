"""DuckDB for SQLAlchemy as Great Expectations needs it: rows stay fetchable after the transaction ends.

GX 1.24 fetches results after it has left the connection's block; the commit or rollback that duckdb-engine then sends discards
them ("list index out of range"). The gates only read, so transactions can be left out. Drop when GX fetches inside the block.
"""

from typing import Any

from duckdb_engine import Dialect as DuckDBDialect


class Dialect(DuckDBDialect):
    """duckdb-engine's dialect without transactions, and without primary keys: no table here has one, and GX asks for each."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing: read-only."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing: read-only."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing: read-only."""

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kwargs: Any) -> Any:
        """None."""
        return {"constrained_columns": [], "name": None, "comment": None}
