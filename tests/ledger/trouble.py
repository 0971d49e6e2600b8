"""How does a ledger fail? A database that fails where it is told to, and one that only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateway.ledger.database import Database, LedgerUnavailable, Query, Transaction
from gateway.ledger.sqlite import SqliteDatabase

T = TypeVar("T")


class Troubled:
    """A real database, some of whose transactions fail: before they are run, or after they were committed."""

    def __init__(self, real: Database) -> None:
        self._real = real
        self.fails: set[str] = set()
        self.fails_late: set[str] = set()
        self.is_unreadable = False
        self.has_identity = True

    async def identity(self) -> str:
        """Return the real one's."""
        if not self.has_identity:
            raise LedgerUnavailable("nobody answers")
        return await self._real.identity()

    async def run(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction unless it is to fail."""
        name = getattr(transaction(), "__name__", "")
        if name in self.fails:
            raise LedgerUnavailable(f"{name} does not work")
        result = await self._real.run(transaction)
        if name in self.fails_late:
            self.fails_late.discard(name)
            raise LedgerUnavailable(f"nobody knows whether {name} worked")
        return result

    async def read(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Read unless that is to fail."""
        if self.is_unreadable:
            raise LedgerUnavailable("nothing can be read")
        return await self._real.read(transaction)

    async def close(self) -> None:
        """Close the real one."""
        await self._real.close()


def read_only(database: Database) -> Callable[[], Transaction[None]]:
    """Return what makes the connection of a database read-only."""
    pragma = "PRAGMA query_only = ON"
    characteristics = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"

    def transaction() -> Transaction[None]:
        yield Query(pragma if isinstance(database, SqliteDatabase) else characteristics)

    return transaction
