"""Is what was written there, once, and for as long as it has to be?"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.failure import Reason
from gateway.ledger import sqlite
from gateway.ledger.database import LedgerUnavailable, Query, Row, Transaction
from gateway.ledger.ledger import Ledger, open_database
from gateway.ledger.operation import NewOperation, State
from gateway.ledger.schema import MIGRATIONS, migrate
from gateway.ledger.sqlite import SqliteDatabase
from gateway.ledger.transactions import Ending, find_debt, purge
from gateway.wire.attempt import Attempt, Stage
from tests.harness import failing
from tests.ledger.rows import (
    ANSWERED,
    DONE,
    TICKET_ID,
    Clock,
    Sender,
    action,
    bet,
    ledger_at,
    never_sent,
    payment,
    perform,
    plain_refusal,
    refusal,
    row,
    unknown,
)

DAY_S: Final = 86_400


def statement(sql: str, *parameters: Any) -> Callable[[], Transaction[list[Row]]]:
    """Return a transaction of one statement."""

    def transaction() -> Transaction[list[Row]]:
        return (yield Query(sql, parameters))

    return transaction


# ----------------------------------------------------------------------------------------------------- the schema


async def test_an_empty_database_gets_the_schema_once(ledger_url: str) -> None:
    """The first start makes the tables, the second one finds them."""
    database = await open_database(ledger_url)

    assert await database.run(lambda: migrate(0)) == len(MIGRATIONS)
    assert await database.run(lambda: migrate(0)) == 0
    assert await database.run(statement("SELECT version FROM schema_versions")) == [
        (number,) for number in range(1, len(MIGRATIONS) + 1)
    ]
    await database.close()


async def test_gateways_that_start_together_make_one_schema(ledger_url: str, clock: Clock) -> None:
    """Who starts at the same moment waits, and nobody fails."""
    ledgers = await asyncio.gather(*(Ledger.open(ledger_url, settle_s=35, clock=clock) for _ in range(5)))

    versions = await ledgers[0].run(statement("SELECT COUNT(*) FROM schema_versions"))
    assert versions == [(len(MIGRATIONS),)]
    for ledger in ledgers:
        await ledger.close()


async def test_rows_outlive_a_restart(ledger_url: str, clock: Clock) -> None:
    """What one start of a gateway wrote, the next one answers from."""
    async with ledger_at(ledger_url, clock) as before:
        written = (await perform(before, bet(), ANSWERED)).operation

    async with ledger_at(ledger_url, clock) as after:
        assert await row(after, bet()) == written


async def test_a_schema_of_a_later_gateway_is_refused(ledger_url: str, clock: Clock) -> None:
    """A gateway that does not know the tables does not touch them, and says which version it found."""
    async with ledger_at(ledger_url, clock) as ledger:
        await ledger.run(statement("INSERT INTO schema_versions VALUES (99, 0)"))

    with pytest.raises(LedgerUnavailable, match="version 99"):
        await Ledger.open(ledger_url, settle_s=35, clock=clock)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/ledger.db", "sqlite:////tmp", "postgresql://nobody@127.0.0.1:1/ledger"]
)
async def test_a_ledger_that_cannot_be_used_is_refused_at_start(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a ledger there is no gateway; what is wrong is said without the password."""
    monkeypatch.setattr("gateway.ledger.postgresql._WAIT_S", 0.5)
    with pytest.raises(LedgerUnavailable):
        await Ledger.open(url, settle_s=35, clock=clock)


async def test_a_file_that_is_no_ledger_is_refused_at_start(tmp_path: Path, clock: Clock) -> None:
    """A file of something else is left as it is."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear customer, " * 1000, encoding="ascii")

    with pytest.raises(LedgerUnavailable):
        await Ledger.open(f"sqlite:///{path}", settle_s=35, clock=clock)
    assert path.read_text("ascii").startswith("Dear customer")


# --------------------------------------------------------------------------------------------------- one file


async def test_claims_that_come_together_share_a_commit(tmp_path: Path, clock: Clock) -> None:
    """Fifty bets at once wait for a few writes to the disk, not for fifty."""
    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        database = ledger._database
        assert isinstance(database, SqliteDatabase)
        senders = [Sender(waits=True) for _ in range(50)]
        before = database.commits

        calls = [asyncio.ensure_future(perform(ledger, bet(f"bet-{i}"), sender)) for i, sender in enumerate(senders)]
        await asyncio.gather(*(sender.begun.wait() for sender in senders))

        assert database.commits - before <= 10
        for sender in senders:
            sender.go.set()
        answers = await asyncio.gather(*calls)
        assert {answer.operation.state for answer in answers} == {State.SUCCEEDED}
        assert database.commits - before <= 20


async def test_bets_that_come_one_after_the_other_share_commits(tmp_path: Path, clock: Clock) -> None:
    """Of many that are on their way, each at another point, the first waits for the next ones."""
    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        database = ledger._database
        assert isinstance(database, SqliteDatabase)
        before = database.commits

        async def player(number: int) -> None:
            for bets in range(10):
                for _ in range(number):  # so that they do not come in step
                    await asyncio.sleep(0)
                await perform(ledger, bet(f"{number}-{bets}"), ANSWERED)

        await asyncio.gather(*map(player, range(20)))

        assert database.commits - before <= 200, "of four hundred transactions"


async def test_a_bet_that_is_alone_waits_for_nobody(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its two transactions are written at once, however long others would be waited for."""
    monkeypatch.setattr(sqlite, "_GATHER_S", 3600)
    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        answer = await perform(ledger, bet(), ANSWERED)
        assert answer.operation.state is State.SUCCEEDED


async def test_what_is_gathered_is_written_before_the_ledger_closes(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever closes it does not have to wait until the moment is over."""
    monkeypatch.setattr(sqlite, "_GATHER_S", 3600)
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/ledger.db", settle_s=35, clock=clock)
    waiting = [
        asyncio.ensure_future(ledger.run(statement("INSERT INTO schema_versions VALUES (?, 0)", 60 + number)))
        for number in range(20)
    ]
    await asyncio.sleep(0)

    await ledger.close()

    assert await asyncio.gather(*waiting) == [[]] * 20


async def test_a_write_that_fails_leaves_those_beside_it_alone(tmp_path: Path, clock: Clock) -> None:
    """Of transactions that share a commit, one that breaks off is undone alone."""

    def broken() -> Transaction[None]:
        yield Query("INSERT INTO schema_versions VALUES (50, 0)")
        raise ZeroDivisionError

    def forbidden() -> Transaction[None]:
        yield Query("INSERT INTO schema_versions VALUES (1, 0)")

    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        before, first, second, after = await asyncio.gather(
            ledger.run(statement("INSERT INTO schema_versions VALUES (60, 0)")),
            ledger.run(broken),
            ledger.run(forbidden),
            ledger.run(statement("INSERT INTO schema_versions VALUES (70, 0)")),
            return_exceptions=True,
        )

        assert (before, after) == ([], [])
        assert isinstance(first, ZeroDivisionError)
        assert isinstance(second, LedgerUnavailable)
        versions = await ledger.run(statement("SELECT version FROM schema_versions WHERE version > 10"))
        assert versions == [(60,), (70,)]


async def test_a_neighbour_that_writes_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    """Another process that holds the file for a moment delays a bet and does not fail it."""
    path = tmp_path / "ledger.db"
    async with ledger_at(f"sqlite:///{path}", clock) as ledger:
        sender = Sender()
        with closing(sqlite3.connect(path, isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")
            call = asyncio.ensure_future(perform(ledger, bet(), sender))
            await asyncio.wait({call}, timeout=0.1)
            assert sender.tries == 0
            busy.execute("COMMIT")

            assert (await call).operation.state is State.SUCCEEDED


async def test_a_neighbour_that_never_ends_stops_a_bet_before_it_is_sent(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is not sent; once the file is free the same request id is."""
    monkeypatch.setattr(sqlite, "_BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "ledger.db"
    async with ledger_at(f"sqlite:///{path}", clock) as ledger:
        sender = Sender()
        with closing(sqlite3.connect(path, isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")
            with failing(Reason.GATEWAY_FAULT, execution="NOT_EXECUTED"):
                await perform(ledger, bet(), sender)
            busy.execute("COMMIT")
        assert sender.tries == 0

        assert (await perform(ledger, bet(), sender)).operation.state is State.SUCCEEDED


async def test_a_ledger_is_the_same_by_every_name(tmp_path: Path, clock: Clock) -> None:
    """A process that opened the file by a link finds the locks of one that did not."""
    (tmp_path / "link.db").symlink_to(tmp_path / "ledger.db")
    sender = Sender(waits=True)
    async with (
        ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger,
        ledger_at(f"sqlite:///{tmp_path}/link.db", clock) as other,
    ):
        call = asyncio.ensure_future(perform(ledger, bet(), sender))
        await sender.begun.wait()

        assert await other.take_over() == []
        sender.go.set()
        assert (await call).operation.state is State.SUCCEEDED


# --------------------------------------------------------------------------------------------------- retention


ENDS: Final[dict[str, tuple[NewOperation, Attempt, bool]]] = {
    "a success": (bet("kept-1"), ANSWERED, True),
    "a refusal": (bet("kept-2"), refusal(), True),
    "what was never sent": (bet("kept-3"), never_sent(), True),
    "a refusal without a code": (payment("kept-4"), plain_refusal(), True),
    "an action": (action("WinTicket", "kept-5", "a" * 24), DONE, True),
    "an unknown bet": (bet("kept-6"), unknown(), False),
    "an unknown action": (action("WinTicket", "kept-7", "b" * 24), unknown(), False),
    "a refused take that owes a discard": (action("CreateTicket", "kept-8", "c" * 24), refusal(), False),
    "an unknown hold that owes a discard": (action("ReserveTicket", "kept-9", "d" * 24), unknown(), False),
}
"""What became of a call, and whether its row may go."""


async def test_only_what_is_over_is_removed(ledger: Ledger, clock: Clock) -> None:
    """After 120 days a known outcome goes; what is unknown or owes a discard stays for ever."""
    for new, end, _ in ENDS.values():
        await perform(ledger, new, end)

    assert await ledger.run(lambda: purge(clock() - 120 * DAY_S)) == 0
    clock.advance(120 * DAY_S + 1)
    await ledger.run(lambda: purge(clock() - 120 * DAY_S))

    for name, (new, _, goes) in ENDS.items():
        assert (await ledger.find("site", new.request_id) is None) == goes, name


async def test_what_waits_for_a_person_is_not_removed(ledger: Ledger, clock: Clock) -> None:
    """NEEDS_HUMAN stays until somebody has looked at it, however long that takes."""
    operation = (await perform(ledger, bet(), unknown())).operation
    await ledger.decide(operation, Ending(State.NEEDS_HUMAN, Stage.MAYBE_SENT))

    clock.advance(1000 * DAY_S)
    assert await ledger.run(lambda: purge(clock())) == 0
    assert (await row(ledger, bet())).state is State.NEEDS_HUMAN


async def test_a_discard_that_was_made_is_forgotten_with_its_row(ledger: Ledger, clock: Clock) -> None:
    """Once it is settled, row and debt are kept as long as any other outcome, and go together."""
    await perform(ledger, action("CreateTicket"), refusal())
    await perform(ledger, action("DiscardTicket"), DONE)

    clock.advance(120 * DAY_S)
    await ledger.run(lambda: purge(clock() - 120 * DAY_S))
    assert await ledger.find("site", "CreateTicket") is not None
    clock.advance(1)
    assert await ledger.run(lambda: purge(clock() - 120 * DAY_S)) == 2

    assert await ledger.find("site", "CreateTicket") is None
    assert await ledger.run(lambda: find_debt("site", TICKET_ID)) is None
