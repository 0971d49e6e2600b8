"""How do several gateways share one ledger? PostgreSQL, with a connection pool and a lock on a connection of its own.

The lock is a session advisory lock: the database drops it with the connection, however the process ends. It does not sit
in the pool, because the pool renews its connections. Where that connection breaks, the process lives on without its lock,
so that others may take its rows for abandoned; it takes a new identity before it sends again.

Nothing that waits for the database is ever cancelled: psycopg waits by ``asyncio.wait_for``, which loses a cancellation
that comes together with the answer (Python 3.11), and whoever was to end would go on.
"""

from __future__ import annotations

import asyncio
import re
import select
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, Final, Self, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool

from gateway.ledger.database import LedgerUnavailable, Query, Row, Transaction

__all__ = ["PostgresqlDatabase"]

T = TypeVar("T")

_POOL_SIZE: Final = 8
_WAIT_S: Final = 10.0
_MACRO: Final = re.compile(r"\$(gone|serialise)\(([^)]*)\)|\$(for_update|serial|blob)|\?")
_PLAIN: Final = {"for_update": "FOR UPDATE", "serial": "BIGSERIAL PRIMARY KEY", "blob": "BYTEA"}
_LOCKS: Final = {"gone": "pg_try_advisory_xact_lock", "serialise": "pg_advisory_xact_lock"}


class PostgresqlDatabase:
    """A ledger that several gateways write."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=_POOL_SIZE,
            timeout=_WAIT_S,
            open=False,
            kwargs={"autocommit": True},
            check=_check,
        )
        self._spelled: dict[str, str] = {}
        self._identity = ""
        self._lock: psycopg.AsyncConnection[Any] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._taking = asyncio.Lock()
        self._work: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect; raises LedgerUnavailable where that is not possible."""
        database = cls(url)
        try:
            await database._pool.open(wait=True, timeout=_WAIT_S)
            await database.identity()
        except (psycopg.Error, LedgerUnavailable) as error:
            await database.close()
            raise LedgerUnavailable(f"the ledger cannot be reached: {type(error).__name__}") from error
        return database

    async def identity(self) -> str:
        """Return this process's identity, whose lock is held; a new one if the lock fell."""
        if self._watch is not None and not self._watch.done():
            return self._identity
        return await self._uncancelled(self._renewed_identity())

    async def _renewed_identity(self) -> str:
        async with self._taking:
            if self._watch is None or self._watch.done():
                await self._take_identity()
            return self._identity

    async def _take_identity(self) -> None:
        await self._drop_lock()
        identity = uuid.uuid4().hex
        try:
            connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=int(_WAIT_S))
            self._lock = connection
            await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (identity,))
        except psycopg.Error as error:
            raise LedgerUnavailable("the ledger's lock cannot be taken") from error
        self._identity = identity
        self._watch = asyncio.create_task(_until_broken(connection))

    async def run(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction on a connection of the pool, to its end even if this wait is cancelled."""
        return await self._uncancelled(self._run(transaction))

    async def _uncancelled(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, so that what nobody waits for any more is not reported as lost

    async def _run(self, transaction: Callable[[], Transaction[T]]) -> T:
        try:
            async with self._pool.connection() as connection:
                return await self._drive(connection, transaction())
        except psycopg.Error as error:
            raise LedgerUnavailable(f"the ledger cannot be written: {type(error).__name__}") from error

    async def read(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction that only reads."""
        return await self.run(transaction)

    async def _drive(self, connection: psycopg.AsyncConnection[Any], transaction: Transaction[T]) -> T:
        result: T
        try:
            query = next(transaction)
            if query.whole:
                query = transaction.send(await self._execute(connection, query))
        except StopIteration as end:
            result = end.value
            return result
        async with connection.transaction():
            try:
                while True:
                    query = transaction.send(await self._execute(connection, query))
            except StopIteration as end:
                result = end.value
                return result

    async def _execute(self, connection: psycopg.AsyncConnection[Any], query: Query) -> list[Row]:
        cursor = await connection.execute(self._spell(query.sql), query.parameters)
        result = cursor.pgresult  # the cursor's own description is made anew at every look
        return await cursor.fetchall() if result is not None and result.nfields else []

    def _spell(self, sql: str) -> bytes:
        if sql not in self._spelled:
            self._spelled[sql] = _MACRO.sub(_spelled, sql)
        return self._spelled[sql].encode()

    async def close(self) -> None:
        """Finish what was begun, close the pool and let the lock go."""
        while self._work:
            await asyncio.wait(self._work)
        await self._pool.close()
        await self._drop_lock()

    async def _drop_lock(self) -> None:
        watch, self._watch = self._watch, None
        while watch is not None and not watch.done():
            watch.cancel()
            await asyncio.wait({watch}, timeout=1)
        lock, self._lock = self._lock, None
        if lock is not None:
            await lock.close()


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise an error where the server has closed a connection; one on which nothing has come in is as it was."""
    arrivals = select.poll()
    arrivals.register(connection.fileno(), select.POLLIN)
    if arrivals.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def _spelled(macro: re.Match[str]) -> str:
    lock, argument, plain = macro.groups()
    if lock:
        return f"{_LOCKS[lock]}(hashtextextended({argument.replace('?', '%s')}, 0))"
    return _PLAIN[plain] if plain else "%s"


async def _until_broken(connection: psycopg.AsyncConnection[Any]) -> None:
    """Listen on the connection, which ends when it breaks; nothing is ever said on it."""
    try:
        async for _ in connection.notifies():
            pass
    except psycopg.Error:
        return
