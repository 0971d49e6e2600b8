"""How is the ledger kept in one file? One writer thread a process, and one fsync for all that wait together.

Several processes may share the file: SQLite lets one write at a time, the others wait. What a process was sending when it
died is found by its lock: each holds an flock on a file of its own beside the ledger, which the operating system drops
with the process, however it ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from gateway.ledger.database import LedgerUnavailable, Query, Row, Transaction

__all__ = ["SqliteDatabase"]

T = TypeVar("T")

_BATCH_LIMIT: Final = 256
_GATHER_S: Final = 0.002
"""How long the first of several transactions waits for the next ones, in seconds."""

_SIBLINGS: Final = 4
"""From how many transactions on, not written yet or last written together, others are waited for.

PostgreSQL has such a pair of settings, too: commit_delay and commit_siblings.
"""

_BUSY_TIMEOUT_S: Final = 10.0
_MACROS: Final = {
    "$gone": "process_is_gone",
    "$for_update": "",
    "$serialise": "quote",  # one transaction writes at a time anyway
    "$serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "$blob": "BLOB",
}


@dataclass(slots=True)
class _Job:
    """A transaction that waits for its turn, and who waits for it."""

    transaction: Callable[[], Transaction[Any]]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Stop:
    """The last thing in the queue."""

    done: threading.Event = field(default_factory=threading.Event)


class SqliteDatabase:
    """A ledger in a file."""

    def __init__(self, path: Path) -> None:
        # The locks lie beside the file: whoever opens it by another name has to find them.
        self._path = path.resolve()
        self._lock = _ProcessLock(self._path)
        self._jobs: queue.SimpleQueue[list[_Job] | _Stop] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Job] = []
        self._unwritten = 0
        self._together = 0
        self._spelled: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self.commits = 0

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the file; raises LedgerUnavailable where it cannot be used."""
        database = cls(path)
        try:
            connection = await asyncio.to_thread(database._connect)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"{path}: {error}") from error
        try:
            await asyncio.to_thread(database._lock.acquire)
        except OSError as error:
            connection.close()
            raise LedgerUnavailable(f"{path}: {error}") from error
        database._thread = threading.Thread(target=database._write, args=[connection], name="ledger", daemon=True)
        database._thread.start()
        return database

    async def identity(self) -> str:
        """Return this process's identity; its lock cannot fall while the process lives."""
        return self._lock.identity

    async def run(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction together with all others that wait at the same time."""
        if self._thread is None:
            raise LedgerUnavailable("the ledger is closed")
        job = _Job(transaction, self._loop.create_future())
        self._gather(job)
        result: T = await job.future
        return result

    def _gather(self, job: _Job) -> None:
        """Hand it over at once, or with those of the next moment: every round costs an fsync, and the loop its turn."""
        self._gathered.append(job)
        self._unwritten += 1
        if max(self._unwritten, self._together) < _SIBLINGS:
            self._hand_over()
        elif len(self._gathered) == 1:
            self._loop.call_later(_GATHER_S, self._hand_over)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._jobs.put(gathered)

    def _resolve(self, batch: Sequence[_Job]) -> None:
        self._unwritten -= len(batch)
        self._together = len(batch)
        for job in batch:
            if job.future.cancelled():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)

    async def read(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction that only reads, on a connection of its own that needs no lock."""
        try:
            return await asyncio.to_thread(self._read, transaction)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger cannot be read: {error}") from error

    def _read(self, transaction: Callable[[], Transaction[T]]) -> T:
        with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
            return self._drive(connection, transaction())

    async def close(self) -> None:
        """Finish what waits, and let the lock go."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._hand_over()
            self._jobs.put(_Stop())
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(self._lock.release)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.create_function("process_is_gone", 1, self._lock.is_gone)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _write(self, connection: sqlite3.Connection) -> None:
        """Take what waits, all of it in one transaction of the database, until told to stop."""
        try:
            while True:
                batch, stop = self._next_batch()
                if batch:
                    self._run_batch(connection, batch)
                    self._loop.call_soon_threadsafe(self._resolve, batch)
                if stop:
                    return
        finally:
            connection.close()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        batch: list[_Job] = []
        item = self._jobs.get()
        while True:
            if isinstance(item, _Stop):
                return batch, True
            batch += item
            if len(batch) >= _BATCH_LIMIT:
                return batch, False
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False

    def _run_batch(self, connection: sqlite3.Connection, batch: Sequence[_Job]) -> None:
        """Run all of them in one transaction; where one of them fails and not the database, each in one of its own."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                job.result = self._drive(connection, job.transaction())
            connection.execute("COMMIT")
            self.commits += 1
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for job in batch:
                if len(batch) == 1 or isinstance(error, sqlite3.OperationalError):
                    job.error = _told(error)
                else:
                    self._run_batch(connection, [job])

    def _drive(self, connection: sqlite3.Connection, transaction: Transaction[T]) -> T:
        rows: list[Row] = []
        try:
            query = next(transaction)
            while True:
                rows = connection.execute(self._spell(query), query.parameters).fetchall()
                query = transaction.send(rows)
        except StopIteration as end:
            result: T = end.value
            return result

    def _spell(self, query: Query) -> str:
        spelled = self._spelled.get(query.sql)
        if spelled is None:
            spelled = query.sql
            for macro, text in _MACROS.items():
                spelled = spelled.replace(macro, text)
            self._spelled[query.sql] = spelled
        return spelled


def _told(error: Exception) -> Exception:
    """Return what those are told who wait for a transaction."""
    return LedgerUnavailable(f"the ledger cannot be written: {error}") if isinstance(error, sqlite3.Error) else error


class _ProcessLock:
    """The proof that this process lives: an flock on a file named after its identity."""

    def __init__(self, ledger: Path) -> None:
        self.identity = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._ledger = ledger
        self._file: int | None = None

    def _path(self, identity: str) -> Path:
        return self._ledger.with_name(f"{self._ledger.name}.lock-{identity}")

    def acquire(self) -> None:
        """Take the lock; the file gets its name once it is locked, so nobody finds it free before."""
        self._sweep()
        made = self._path(f"{self.identity}.new")
        self._file = os.open(made, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made.rename(self._path(self.identity))

    def release(self) -> None:
        """Let the lock go and take the file away."""
        if self._file is not None:
            self._path(self.identity).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def is_gone(self, identity: str) -> bool:
        """Tell whether the process of this identity lives no more."""
        if identity == self.identity:
            return False
        try:
            file = os.open(self._path(identity), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError:
            return False  # not to be told: whoever may live is left alone
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(file)

    def _sweep(self) -> None:
        """Take away the files of processes that live no more."""
        prefix = f"{self._ledger.name}.lock-"
        for path in self._ledger.parent.glob(f"{prefix}*"):
            identity = path.name.removeprefix(prefix)
            if not identity.endswith(".new") and self.is_gone(identity):
                path.unlink(missing_ok=True)
