"""Dagster's SQLite event log with its connections kept open.

Dagster's own class makes a new engine and a new connection for each event of each run; SQLite then folds the whole
write-ahead log back into the file and waits for the disk each time the last connection closes. A night has some 3,000
events: that was more than half of its time outside dbt. Tables that are there are not looked for again either.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData


class KeptOpenEventLogStorage(SqliteEventLogStorage):
    """The event log in the same files, read and written through one open connection to the index and one to a run."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "KeptOpenEventLogStorage":
        """Made by Dagster from the block `event_log_storage` of dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    @cached_property
    def _open(self) -> dict[str, sa.Connection]:
        return {}

    @cached_property
    def _tables(self) -> set[str]:
        return set()

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table. Dagster asks before each event of a check, over a connection of its own."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass  # makes the file and its tables
        with self._db_lock:
            connection = self._connection(shard)
            with connection.begin():
                yield connection

    def _connection(self, shard: str) -> sa.Connection:
        if shard not in self._open:
            for other in self._open.keys() - {INDEX_SHARD_NAME}:
                self._open.pop(other).close()
            # Threads share the connection: the lock lets one of them in at a time.
            arguments = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
            engine = sa.create_engine(self.conn_string_for_shard(shard), poolclass=sa.NullPool, connect_args=arguments)
            sa.event.listen(engine, "connect", _commit_without_waiting)
            self._open[shard] = engine.connect()
        return self._open[shard]


def _commit_without_waiting(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
    # Safe when a process is killed; a power cut may lose the last events, never the database.
    connection.execute("pragma synchronous = normal")
