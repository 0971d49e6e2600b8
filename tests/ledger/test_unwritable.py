"""What is said of a money call when the ledger itself does not work?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest

from gateway.failure import Reason
from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.ledger import Ledger, open_database
from gateway.ledger.operation import State
from gateway.ledger.schema import migrate
from gateway.wire.attempt import Attempt
from tests.harness import failing
from tests.ledger.rows import (
    ANSWERED,
    DONE,
    Clock,
    Sender,
    action,
    begun,
    bet,
    ledger_at,
    never_sent,
    perform,
    refusal,
    state,
    unknown,
    until_state,
)
from tests.ledger.trouble import Troubled, read_only

WIN: Final = action("WinTicket")
CLOSE: Final = action("CloseTicket")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what could not be written."""
    monkeypatch.setattr("gateway.ledger.ledger._FINAL_WRITE_TRIES_S", (0.01,))


@pytest.fixture
async def database(ledger_url: str) -> Troubled:
    """Return a database of each kind that can be told to fail."""
    real = await open_database(ledger_url)
    await real.run(lambda: migrate(0))
    return Troubled(real)


@pytest.fixture
async def troubled(database: Troubled, clock: Clock) -> AsyncIterator[Ledger]:
    """Return a ledger on it."""
    ledger = Ledger(database, settle_s=35, clock=clock)
    yield ledger
    await ledger.close()


# ------------------------------------------------------------------------------------- what cannot be written is not sent


async def test_with_a_read_only_ledger_nothing_is_sent(ledger_url: str, clock: Clock) -> None:
    """A new request id is GATEWAY_FAULT and not executed; one that has a row is answered from it."""
    sender, refused, lost = Sender(), bet("refused"), bet("lost")
    async with ledger_at(ledger_url, clock) as ledger:
        await perform(ledger, bet("placed"), ANSWERED)
        await perform(ledger, refused, refusal())
        await perform(ledger, lost, unknown())
        await perform(ledger, bet("free"), never_sent())
        await ledger.run(read_only(ledger._database))

        for new in (bet("new"), bet("free")):
            with failing(Reason.GATEWAY_FAULT, execution="NOT_EXECUTED"):
                await perform(ledger, new, sender)

        assert (await perform(ledger, bet("placed"), sender)).failure() is None
        for new, reason in ((refused, Reason.PLAYER_NOT_FOUND), (lost, Reason.OUTCOME_UNKNOWN)):
            for answer in (await perform(ledger, new, sender), await ledger.known(new)):
                assert answer is not None
                assert getattr(answer.failure(), "reason", None) is reason
        with failing(Reason.REQUEST_ID_REUSED):
            await perform(ledger, bet("placed", price=1), sender)
    assert sender.tries == 0


async def test_a_call_in_flight_is_unknown_to_who_cannot_join_it(
    troubled: Ledger, database: Troubled, ledger_url: str, clock: Clock
) -> None:
    """Its row says that it is being sent, and there is no telling how that will end."""
    sender = Sender(waits=True)
    async with ledger_at(ledger_url, clock) as neighbour:
        call = asyncio.ensure_future(perform(neighbour, bet(), sender))
        await sender.begun.wait()
        database.fails = {"claim"}

        with failing(Reason.GATEWAY_FAULT, execution="UNKNOWN"):
            await perform(troubled, bet(), Sender())
        sender.go.set()
        await call


@pytest.mark.parametrize("what", ["transactions", "identity"])
async def test_with_a_ledger_that_cannot_be_reached_nothing_is_known(
    troubled: Ledger, database: Troubled, what: str
) -> None:
    """Nothing is sent, but whether an earlier try of the request id was executed is not to be told either."""
    database.is_unreadable = True
    database.has_identity = what != "identity"
    database.fails = {"claim", "find"}
    sender = Sender()

    with failing(Reason.GATEWAY_FAULT, execution="UNKNOWN"):
        await perform(troubled, bet(), sender)
    with pytest.raises(LedgerUnavailable):
        await troubled.known(bet())
    assert sender.tries == 0


@pytest.mark.usefixtures("at_once")
async def test_a_claim_that_may_have_been_written_is_taken_back(troubled: Ledger, database: Troubled) -> None:
    """The database committed and said otherwise: the row is freed as soon as it can be, because nothing was sent."""
    sender = Sender()
    database.fails_late = {"claim"}
    with failing(Reason.GATEWAY_FAULT):
        await perform(troubled, bet(), sender)

    released = await until_state(troubled, bet(), State.NOT_SENT)

    assert released.free
    assert (await perform(troubled, bet(), sender)).operation.state is State.SUCCEEDED
    assert sender.tries == 1


@pytest.mark.usefixtures("at_once")
async def test_a_claim_is_not_taken_back_from_who_came_after(
    troubled: Ledger, database: Troubled, clock: Clock
) -> None:
    """A repeat that is already on its way when the doubtful claim is cleared up keeps its row."""
    database.fails = {"claim"}
    with failing(Reason.GATEWAY_FAULT, execution="NOT_EXECUTED"):
        await perform(troubled, bet(), Sender())
    database.fails = set()
    clock.advance(0.001)
    sender = Sender(waits=True)
    call = asyncio.ensure_future(perform(troubled, bet(), sender))
    await sender.begun.wait()

    async with asyncio.timeout(5):
        await asyncio.gather(*troubled._writing)

    assert await state(troubled, bet()) is State.SENDING
    sender.go.set()
    assert (await call).operation.state is State.SUCCEEDED


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("late", [False, True], ids=["not written", "written unseen"])
async def test_an_action_whose_turn_cannot_be_written_is_not_sent(
    troubled: Ledger, database: Troubled, late: bool
) -> None:
    """It is GATEWAY_FAULT and not executed, and its id is free again."""
    first, second = Sender(DONE, waits=True), Sender(DONE)
    call = asyncio.ensure_future(perform(troubled, WIN, first))
    await first.begun.wait()
    waits = asyncio.ensure_future(perform(troubled, CLOSE, second))
    assert (await begun(troubled, CLOSE)).state is State.RECEIVED

    if late:
        first.go.set()
        await call
    (database.fails_late if late else database.fails).add("advance")
    with failing(Reason.GATEWAY_FAULT, execution="NOT_EXECUTED"):
        await waits
    first.go.set()
    await call

    database.fails = set()
    assert (await until_state(troubled, CLOSE, State.NOT_SENT)).free
    assert (await perform(troubled, CLOSE, second)).operation.state is State.SUCCEEDED
    assert second.tries == 1


# -------------------------------------------------------------------------------- what was sent and cannot be written


ENDS: Final[list[tuple[Attempt, Reason, dict[str, str], State]]] = [
    (ANSWERED, Reason.GATEWAY_FAULT, {"execution": "EXECUTED"}, State.SUCCEEDED),
    (refusal(), Reason.PLAYER_NOT_FOUND, {}, State.REJECTED),
    (unknown(), Reason.OUTCOME_UNKNOWN, {}, State.UNKNOWN),
    (never_sent(), Reason.UPSTREAM_UNREACHABLE, {}, State.NOT_SENT),
]
"""How a try ended, what the caller hears, and what the row will say."""


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("case", ENDS, ids=[case[3] for case in ENDS])
async def test_an_end_that_cannot_be_written_is_told_and_written_later(
    troubled: Ledger, database: Troubled, case: tuple[Attempt, Reason, dict[str, str], State]
) -> None:
    """The caller hears what is certain: EXECUTED where a 2xx came. The row has it once the ledger works again."""
    end, reason, told, after = case
    database.fails = {"end"}
    with failing(reason, **told):
        await perform(troubled, bet(), end)
    assert await state(troubled, bet()) is State.SENDING
    database.fails = set()

    written = await until_state(troubled, bet(), after)

    assert written.stage is end.stage
    if after is State.SUCCEEDED:
        replay = await perform(troubled, bet(), Sender())
        assert replay.failure() is None
        assert replay.is_replay


@pytest.mark.usefixtures("at_once")
async def test_an_end_that_was_written_unseen_stays(troubled: Ledger, database: Troubled) -> None:
    """Writing it once more changes nothing."""
    database.fails_late = {"end"}
    with failing(Reason.GATEWAY_FAULT, execution="EXECUTED"):
        await perform(troubled, bet(), ANSWERED)
    async with asyncio.timeout(5):
        await asyncio.gather(*troubled._writing)

    assert await state(troubled, bet()) is State.SUCCEEDED


async def test_closing_writes_what_is_still_unwritten(database: Troubled, ledger_url: str, clock: Clock) -> None:
    """A gateway that goes away takes the last chance to say what it knows."""
    leaving = Ledger(database, settle_s=35, clock=clock)
    database.fails = {"end"}
    with failing(Reason.GATEWAY_FAULT, execution="EXECUTED"):
        await perform(leaving, bet(), ANSWERED)
    database.fails = set()

    await leaving.close()

    async with ledger_at(ledger_url, clock) as ledger:
        assert await state(ledger, bet()) is State.SUCCEEDED
