"""Where does the sandbox keep tickets and money, and how does it change both at once?

One SQLite database: a file in the directory given, or memory. Every change happens inside ``transaction()``. The calls
are short and the sandbox is one event loop, so they run in the loop: a handler that does not wait inside a transaction
cannot be interrupted by another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

__all__ = ["Store"]

Values = Sequence[object] | Mapping[str, object]

_FILE: Final = "sandbox.sqlite3"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Store:
    """The database of one sandbox."""

    def __init__(self, directory: Path | None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if directory is None else str(directory / _FILE)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A sandbox may lose its last moments in a power cut, but not its consistency.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self.define(_SCHEMA)

    def define(self, schema: str) -> None:
        """Create the tables of one part of the sandbox, where they do not exist yet."""
        self._connection.executescript(schema)

    def close(self) -> None:
        """Release the database."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the changes inside happen all or not at all."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def change(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run a statement that writes; inside ``transaction()`` only."""
        if not self._connection.in_transaction:
            raise RuntimeError("a change outside of a transaction")
        self._connection.execute(statement, values)

    def row(self, query: str, values: Values = ()) -> Any:  # noqa: ANN401 - a column may hold anything
        """Return the first row of a query, or None."""
        return self._connection.execute(query, values).fetchone()

    def rows(self, query: str, values: Values = ()) -> list[Any]:
        """Return all rows of a query."""
        return self._connection.execute(query, values).fetchall()

    def next_number(self, name: str) -> int:
        """Return 1, 2, 3, … for a name, never the same twice in the life of the database."""
        self.change("INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", (name,))
        value: int = self.row("SELECT value FROM counters WHERE name = ?", (name,))["value"]
        return value

    def settled(self, name: str, value: str) -> str:
        """Return what was stored under a name the first time, which is ``value`` if this is the first time."""
        with self.transaction():
            self.change("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value))
        stored: str = self.row("SELECT value FROM facts WHERE name = ?", (name,))["value"]
        return stored
