"""How does a test write rows without a gateway? Ledgers on one database, calls that end as told, a clock that is moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from google.protobuf.message import Message

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import load_contract
from gateway.failure import Failure, Reason
from gateway.ledger.database import Query, Transaction
from gateway.ledger.ledger import Answer, Ledger, Repeat
from gateway.ledger.operation import NewOperation, Operation, State, new_operation
from gateway.ledger.postgresql import PostgresqlDatabase
from gateway.ledger.sqlite import SqliteDatabase
from gateway.wire.attempt import Attempt, Stage

CONTRACT: Final = load_contract()
SETTLE_S: Final = 35.0
TICKET_ID: Final = "668ef666333180bba97f0c93"

_PAM: Final = "/betstack.pam.v1.PamService/"
_TICKETS: Final = "/betstack.ticket.v1.TicketService/"


class Clock:
    """Unix seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds


@asynccontextmanager
async def ledger_at(url: str, clock: Callable[[], float]) -> AsyncIterator[Ledger]:
    """Open a ledger as one process has it."""
    ledger = await Ledger.open(url, settle_s=SETTLE_S, clock=clock)
    try:
        yield ledger
    finally:
        await ledger.close()


async def die(ledger: Ledger) -> None:
    """Let a process's lock go as its death would, and nothing else."""
    database = ledger._database
    if isinstance(database, SqliteDatabase):
        database._lock.release()
    else:
        assert isinstance(database, PostgresqlDatabase)
        assert database._lock is not None
        session = database._lock.info.backend_pid
        await database._lock.close()
        await until(lambda: _is_over(ledger, session))


async def _is_over(ledger: Ledger, session: int) -> bool:
    """Tell whether the server has noticed that a session ended, which is when its locks fall."""

    def transaction() -> Transaction[bool]:
        rows = yield Query("SELECT 1 FROM pg_stat_activity WHERE pid = ?", (session,))
        return not rows

    return await ledger.run(transaction)


def operation_of(rpc: str, request: Message) -> NewOperation:
    """Describe a call to any RPC that moves money."""
    named: Any = request
    named.operator = named.operator or "site"
    return new_operation(CONTRACT.routes[rpc], request, named.operator, named.request_id)


def bet(request_id: str = "bet-1", **fields: Any) -> NewOperation:
    """Describe a ticket to create."""
    return operation_of(f"{_TICKETS}CreateTicket", bet_request(request_id, **fields))


def bet_request(request_id: str = "bet-1", **fields: Any) -> ticket.CreateTicketRequest:
    """Return the request of a ticket to create."""
    selection = ticket.Superbet(event=100001, bets=[101, 102])
    given = {"token": "demo", "price": 2000, "currency": "KES", "superbet": selection, **fields}
    return ticket.CreateTicketRequest(request_id=request_id, operator="site", **given)


def payment(request_id: str = "pay-1", identifier: str = "AB12CD") -> NewOperation:
    """Describe a payment."""
    return operation_of(f"{_TICKETS}PayTicket", ticket.PayTicketRequest(request_id=request_id, identifier=identifier))


def action(method: str, request_id: str | None = None, ticket_id: str = TICKET_ID, **fields: Any) -> NewOperation:
    """Describe a PAM action on a ticket; its request id is its method unless another is given."""
    route = CONTRACT.routes[f"{_PAM}{method}"]
    request = route.request.message(request_id=request_id or method, ticket_id=ticket_id, **fields)
    return operation_of(route.rpc, request)


BET_ANSWER: Final = ticket.CreateTicketResponse(ticket=ticket.Ticket(id=TICKET_ID, code="AB12CD"))
WIN_ANSWER: Final = pam.WinTicketResponse()

ANSWERED: Final = Attempt(Stage.ANSWERED, response=BET_ANSWER)
DONE: Final = Attempt(Stage.ANSWERED, response=WIN_ANSWER)


def unknown(stage: Stage = Stage.SENT_NO_ANSWER) -> Attempt:
    """Return a try that may have been executed."""
    return Attempt(stage, failure=Failure(Reason.OUTCOME_UNKNOWN, "the outcome is unknown: nothing came"))


def never_sent() -> Attempt:
    """Return a try that did not leave the gateway."""
    return Attempt(Stage.NEVER_SENT, failure=Failure(Reason.UPSTREAM_UNREACHABLE, "nobody listens"))


def refusal(code: int | None = 101, reason: Reason = Reason.PLAYER_NOT_FOUND) -> Attempt:
    """Return a definite refusal, with the platform's code or without."""
    metadata = {} if code is None else {"platform_code": str(code), "platform_message": "No"}
    return Attempt(Stage.ANSWERED, failure=Failure(reason, "the platform said no", metadata=metadata))


def plain_refusal() -> Attempt:
    """Return a definite refusal that has no platform code."""
    return refusal(None, Reason.ACCESS_DENIED)


@dataclass(slots=True)
class Sender:
    """Makes tries that end as told, and counts them; where it is told to, each waits until ``go``."""

    end: Attempt = ANSWERED
    waits: bool = False
    tries: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> Attempt:
        """Make one try."""
        self.tries += 1
        self.begun.set()
        if self.waits:
            await self.go.wait()
        return self.end


async def no_repeat(operation: Operation) -> None:
    """Find out nothing."""


async def perform(ledger: Ledger, new: NewOperation, end: Attempt | Sender, repeat: Repeat = no_repeat) -> Answer:
    """Send an operation that ends as told."""
    return await ledger.perform(new, end if isinstance(end, Sender) else Sender(end), repeat)


async def row(ledger: Ledger, new: NewOperation | str) -> Operation:
    """Return the row of an operation, by its request id."""
    found = await ledger.find("site", new if isinstance(new, str) else new.request_id)
    assert found is not None
    return found


def facts(operation: Operation) -> Operation:
    """Return what can be compared of a row; failures cannot."""
    return replace(operation, failure=None)


async def state(ledger: Ledger, new: NewOperation | str) -> State:
    """Return where an operation is."""
    return (await row(ledger, new)).state


async def until_state(ledger: Ledger, new: NewOperation | str, *states: State) -> Operation:
    """Wait until an operation has one of these states."""
    async with asyncio.timeout(10):
        found = await row(ledger, new)
        while found.state not in states:
            found = await ledger.changed(found)
        return found


async def begun(ledger: Ledger, new: NewOperation | str) -> Operation:
    """Wait until an operation has a row."""
    request_id = new if isinstance(new, str) else new.request_id

    async def has_row() -> bool:
        return await ledger.find("site", request_id) is not None

    await until(has_row)
    return await row(ledger, request_id)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for something to come true, not for ever."""
    async with asyncio.timeout(10):
        while not (found if isinstance(found := condition(), bool) else await found):  # noqa: ASYNC110 - short turns
            await asyncio.sleep(0.001)
