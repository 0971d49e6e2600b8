"""What does the ledger need of a database? Transactions, written once as generators and run by either kind of it.

A transaction is a generator that yields queries and is sent their rows: no I/O in it, so the same lines run in SQLite's
writer thread and on a PostgreSQL connection. Queries use ``?`` for parameters and these macros, which each dialect
spells in its own way:

* ``$gone(column)``: whether the process of this identity holds its lock no more;
* ``$for_update``: lock the rows read until the transaction ends;
* ``$serialise(parameter)``: let no other transaction of the same key run at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

__all__ = ["Database", "LedgerUnavailable", "Query", "Row", "Transaction"]

T = TypeVar("T")
Row = tuple[Any, ...]


class LedgerUnavailable(Exception):  # noqa: N818 - it says what the matter is
    """The ledger cannot be read or written now."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with its parameters.

    ``whole`` says of the first one of a transaction that it is the whole transaction, or has changed nothing where others
    follow: it needs no transaction around it, which spares two of three ways to a database that is elsewhere. Of a later
    one it says nothing.
    """

    sql: str
    parameters: tuple[Any, ...] = ()
    whole: bool = False


Transaction = Generator[Query, list[Row], T]
"""Yields queries, is sent their rows, returns its result; everything in it is committed or nothing."""


class Database(Protocol):
    """A database with the ledger's schema, and this process's identity in it."""

    async def identity(self) -> str:
        """Return this process's identity, whose lock is held; a new one if the lock fell."""

    async def run(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction; raises LedgerUnavailable where the database does not do it."""

    async def read(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction that only reads, also where nothing can be written; raises LedgerUnavailable."""

    async def close(self) -> None:
        """Finish what was begun and let the lock go."""
