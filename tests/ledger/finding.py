"""How is it found out, in a test, what became of a call? A worker, and a platform that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract.routes import Route
from gateway.failure import Failure, Reason
from gateway.ledger.ledger import Ledger
from gateway.ledger.reconciliation import Pace, Reconciliation
from gateway.telemetry import Telemetry
from gateway.wire.attempt import Attempt, Stage
from tests.ledger.rows import CONTRACT, TICKET_ID, Clock

DAY_S: Final = 86_400.0
PACE: Final = Pace(
    poll_s=3600,
    repeat_s=(5, 30, 120),
    discard_s=1800,
    give_up_s=3 * DAY_S,
    first_absence_s=60,
    between_looks_s=30,
    clock_tolerance_s=300,
    list_limit=3,
    lease_s=70,
)

Answers = Attempt | Callable[[], Attempt]


@dataclass(slots=True)
class Told:
    """A platform that answers each RPC as told, in order; the last answer is repeated."""

    answers: dict[str, list[Answers]] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    waits: bool = False
    go: asyncio.Event = field(default_factory=asyncio.Event)
    now: int = 0
    most: int = 0

    def says(self, method: str, *answers: Answers) -> None:
        """Say what an RPC is answered with from now on."""
        self.answers[method] = list(answers)

    @property
    def methods(self) -> list[str]:
        """The RPCs that were made."""
        return [method for method, _ in self.calls]

    async def __call__(self, route: Route, request: Message, operator: str) -> Attempt:
        """Make one call."""
        assert operator == "site"
        assert isinstance(request, route.request.message)
        self.calls.append((route.method, request))
        self.now, self.most = self.now + 1, max(self.most, self.now + 1)
        if self.waits:
            await self.go.wait()
        await asyncio.sleep(0)
        self.now -= 1
        answers = self.answers[route.method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer() if callable(answer) else answer


def worker(ledger: Ledger, told: Told, clock: Clock, *, correlated: bool = True, **pace: Any) -> Reconciliation:
    """Return a worker that does one round when told."""
    return Reconciliation(
        ledger,
        CONTRACT,
        told,
        replace(PACE, **pace),
        correlated={"site": correlated},
        keep_s=120 * DAY_S,
        telemetry=Telemetry(),
        clock=clock,
    )


def a_ticket(clock: Clock, *, age_s: float | None = 0, **fields: Any) -> ticket.Ticket:
    """Return the ticket of the bet ``bet-1``, created so long ago; None leaves that out."""
    given = {
        "id": TICKET_ID,
        "code": "AB12CD",
        "type": ticket.TICKET_TYPE_SUPERBET,
        "price": 2000,
        "currency": "KES",
        "rtag": "bet-1",
        **fields,
    }
    found = ticket.Ticket(**given)
    if age_s is not None:
        created = Timestamp()
        created.FromNanoseconds(int((clock() - age_s) * 1e9))
        found.created.CopyFrom(created)
    return found


def listing(*tickets: ticket.Ticket) -> Attempt:
    """Return the answer of a ticket list."""
    return Attempt(Stage.ANSWERED, response=ticket.ListTicketsResponse(tickets=tickets))


def unavailable() -> Attempt:
    """Return the end of a read that found the platform unavailable."""
    return Attempt(Stage.ANSWERED, failure=Failure(Reason.UPSTREAM_UNAVAILABLE, "503"))


def rate_limited() -> Attempt:
    """Return the end of a call that came too soon."""
    return Attempt(Stage.ANSWERED, failure=Failure(Reason.RATE_LIMITED, "429", retry_after_s=1))
