"""How is a gateway that died told from one that lives, and does a lock that fell do harm?"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.failure import Reason
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import State
from gateway.ledger.postgresql import PostgresqlDatabase
from gateway.ledger.sqlite import SqliteDatabase
from tests.harness import failing
from tests.ledger.postgresql import Server
from tests.ledger.rows import DONE, Clock, Sender, action, bet, ledger_at, perform, row, state


def locks(path: Path) -> list[str]:
    """Return the lock files beside a ledger."""
    return [found.name for found in path.parent.glob("*.lock-*")]


async def test_each_gateway_locks_a_file_of_its_own(tmp_path: Path, clock: Clock) -> None:
    """It is there while the gateway runs and away afterwards; one that a dead gateway left is swept at the next start."""
    path = tmp_path / "ledger.db"
    async with ledger_at(f"sqlite:///{path}", clock), ledger_at(f"sqlite:///{path}", clock):
        assert len(locks(path)) == 2
        left = tmp_path / "ledger.db.lock-somebody"
        left.touch()
        async with ledger_at(f"sqlite:///{path}", clock):
            assert len(locks(path)) == 3
        assert not left.exists()
    assert locks(path) == []


async def test_a_lock_that_cannot_be_looked_at_is_held(tmp_path: Path, clock: Clock) -> None:
    """Whoever may live is left alone: only a lock that is free is proof of a death."""
    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        database = ledger._database
        assert isinstance(database, SqliteDatabase)
        (tmp_path / "ledger.db.lock-odd").mkdir()

        assert not database._lock.is_gone("odd")
        assert not database._lock.is_gone(database._lock.identity)
        assert database._lock.is_gone("nobody")


async def test_a_lock_does_not_pass_to_a_program_that_was_started(tmp_path: Path, clock: Clock) -> None:
    """What a gateway starts does not keep it alive in the eyes of others."""
    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        database = ledger._database
        assert isinstance(database, SqliteDatabase)
        assert database._lock._file is not None
        assert not os.get_inheritable(database._lock._file)


@pytest.fixture
def postgresql_url(postgresql: Server) -> Any:
    """Return the URL of an empty PostgreSQL ledger."""
    with postgresql.database() as url:
        yield url


async def lose_the_lock(ledger: Ledger) -> None:
    """Let the database end the connection that holds a gateway's lock, and wait until the gateway has seen it."""
    database = ledger._database
    assert isinstance(database, PostgresqlDatabase)
    assert database._lock is not None
    assert database._watch is not None
    pid = database._lock.info.backend_pid
    async with await psycopg.AsyncConnection.connect(database._url, autocommit=True) as connection:
        await connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    async with asyncio.timeout(5):
        await asyncio.wait({database._watch})


async def end_connections(url: str, *spared: int) -> None:
    """Let the database end every connection but those of some processes, and wait until it has."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)",
            [list(spared)],
        )
        ended = await cursor.fetchall()
    assert ended
    assert all(gone for (gone,) in ended)


async def test_the_lock_has_a_connection_of_its_own(postgresql_url: str, clock: Clock) -> None:
    """It is none of the pool's, which come and go; it falls with its connection and with nothing else."""
    async with ledger_at(postgresql_url, clock) as ledger:
        database = ledger._database
        assert isinstance(database, PostgresqlDatabase)
        assert database._lock is not None
        await end_connections(postgresql_url, database._lock.info.backend_pid)
        before = await database.identity()

        await perform(ledger, bet(), DONE)

        assert await database.identity() == before
        assert (await row(ledger, bet())).owner == before


async def test_a_gateway_whose_lock_fell_takes_a_new_identity_before_it_sends(
    postgresql_url: str, clock: Clock
) -> None:
    """Its old rows are anybody's to judge, and so is what it was sending; what it sends from now on is its own again."""
    async with ledger_at(postgresql_url, clock) as ledger, ledger_at(postgresql_url, clock) as neighbour:
        sender = Sender(waits=True)
        call = asyncio.ensure_future(perform(ledger, bet("before"), sender))
        await sender.begun.wait()
        old = (await row(ledger, "before")).owner
        assert await neighbour.take_over() == []

        await lose_the_lock(ledger)
        later = Sender(DONE, waits=True)
        next_call = asyncio.ensure_future(perform(ledger, action("WinTicket"), later))
        await later.begun.wait()

        new = (await row(ledger, "WinTicket")).owner
        assert new not in {old, (await row(neighbour, "before")).owner} - {new}
        assert new != old
        [judged] = await neighbour.take_over() or [await row(neighbour, "before")]
        assert (judged.request_id, judged.state) == ("before", State.UNKNOWN)
        assert await state(neighbour, "WinTicket") is State.SENDING
        later.go.set()
        assert (await next_call).operation.state is State.SUCCEEDED
        sender.go.set()
        failure = (await call).failure()
        assert getattr(failure, "reason", None) is Reason.OUTCOME_UNKNOWN


async def test_without_a_lock_nothing_is_sent(postgresql_url: str, clock: Clock, monkeypatch: Any) -> None:
    """A gateway that lost its lock and cannot take a new one has no identity to send under."""
    async with ledger_at(postgresql_url, clock) as ledger:
        await lose_the_lock(ledger)
        database, sender = ledger._database, Sender()
        assert isinstance(database, PostgresqlDatabase)
        with monkeypatch.context() as patch:
            patch.setattr(database, "_url", "postgresql://nobody@127.0.0.1:1/ledger")
            with failing(Reason.GATEWAY_FAULT, execution="NOT_EXECUTED"):
                await perform(ledger, bet(), sender)
        assert sender.tries == 0

        assert (await perform(ledger, bet(), sender)).operation.state is State.SUCCEEDED


async def test_a_database_that_comes_back_is_used_again(postgresql_url: str, clock: Clock) -> None:
    """Every connection ended by the database at once costs at most the calls of that moment."""
    async with ledger_at(postgresql_url, clock) as ledger:
        await perform(ledger, bet("before"), DONE)
        await end_connections(postgresql_url)

        assert (await perform(ledger, bet("after"), DONE)).operation.state is State.SUCCEEDED
        assert (await perform(ledger, bet("before"), DONE)).is_replay
