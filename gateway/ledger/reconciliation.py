"""How does unknown become known? A worker that looks, repeats and discards until each answer is definite.

* A ticket created or reserved at the platform is never sent again. With ``correlate = "rtag"`` it is looked for in the
  ticket list by its request id; absence counts only after two looks that lie apart and each saw a complete list.
* What moves an existing ticket on (pay, and the PAM actions that credit) is repeated with the same ids. A refusal after an
  earlier try is evidence, not an answer.
* A ticket whose creation at the player account system was refused or is unknown owes a ``ticket_discard``, which is
  repeated until it is answered.
* What the gateway cannot find out waits for a person, with the evidence.

The platform call comes as an argument: this module decides, it does not know HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from betstack.pam.v1 import pam_service_pb2
from betstack.ticket.v1 import ticket_service_pb2
from gateway.contract.routes import CallClass, Contract, Route
from gateway.failure import Failure, Reason
from gateway.ledger import transactions
from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.judgement import unknown_failure
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import Operation, State
from gateway.ledger.transactions import Debt, Ending
from gateway.telemetry import Telemetry
from gateway.telemetry.catalogue import RECONCILED
from gateway.wire.attempt import Attempt, Stage

__all__ = ["CallPlatform", "Pace", "Reconciliation"]

LOG: Final = logging.getLogger("gateway.ledger")

CallPlatform = Callable[[Route, Message, str], Awaitable[Attempt]]
"""Makes one try of a route's request for an operator."""

_TICKETS: Final = "/betstack.ticket.v1.TicketService/"
_PAM: Final = "/betstack.pam.v1.PamService/"
_BATCH: Final = 32

_NO_ANSWER: Final = frozenset({Reason.OUTCOME_UNKNOWN, Reason.RATE_LIMITED})
"""What says nothing about the operation: it is tried again later."""

_OPEN_OR_LATER: Final = frozenset(
    {
        ticket_service_pb2.TICKET_STATUS_OPEN,
        ticket_service_pb2.TICKET_STATUS_CALCULATING,
        ticket_service_pb2.TICKET_STATUS_RESULTED,
        ticket_service_pb2.TICKET_STATUS_CLOSED,
    }
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the worker waits; all in seconds.

    ``poll_s`` lies between two rounds; ``repeat_s`` before each repeat of an action, the last one before all later ones;
    ``discard_s`` between two tries of an owed discard; ``give_up_s`` after its receipt a person takes over an action.
    ``first_absence_s`` after its send a ticket may first be found absent, ``between_looks_s`` before the second look;
    ``clock_tolerance_s`` the platform's clock may be off. ``list_limit`` tickets are asked for in a look. ``lease_s`` a
    row is one gateway's while it works on it.
    """

    poll_s: float
    repeat_s: tuple[float, ...]
    discard_s: float
    give_up_s: float
    first_absence_s: float
    between_looks_s: float
    clock_tolerance_s: float
    list_limit: int
    lease_s: float


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at the ticket list found."""

    tickets: tuple[Any, ...]
    is_complete: bool


class Reconciliation:
    """The worker. ``correlated`` tells which operators' tickets carry their request id."""

    def __init__(
        self,
        ledger: Ledger,
        contract: Contract,
        call: CallPlatform,
        pace: Pace,
        *,
        correlated: Mapping[str, bool],
        keep_s: float,
        telemetry: Telemetry,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._contract = contract
        self._call = call
        self._pace = pace
        self._correlated = correlated
        self._keep_s = keep_s
        self._telemetry = telemetry
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                worked = await self.work()
            except (LedgerUnavailable, Failure) as error:
                LOG.warning("reconciliation waits: %s", error)
                worked = False
            except Exception:
                LOG.exception("reconciliation failed unexpectedly")
                worked = False
            if not worked:
                await asyncio.sleep(self._pace.poll_s)

    async def work(self) -> bool:
        """Do what is due now; tells whether there was anything."""
        await self._ledger.take_over()
        now = self._clock()
        debts = await self._ledger.run(lambda: transactions.due_debts(now, _BATCH))
        operations = await self._ledger.run(lambda: transactions.due_operations(now, _BATCH))
        worked = await asyncio.gather(*map(self._discard, debts), *map(self._find_out, operations))
        await self._ledger.run(lambda: transactions.purge(now - self._keep_s))
        return any(worked)

    async def repeat(self, operation: Operation) -> None:
        """Try at once to find out about an operation that keeps a later one waiting.

        Not while the call itself may still be on its way, its gateway having died or lost its lock.
        """
        if self._ledger.may_be_live(operation):
            return
        if self._route(operation).call_class is CallClass.CREDIT:
            await self._find_out(operation)
            return
        ticket_id = operation.ticket_id or ""
        debt = await self._ledger.run(lambda: transactions.find_debt(operation.operator, ticket_id))
        if debt is not None and debt.next_at is not None:
            await self._discard(debt)

    def _route(self, operation: Operation) -> Route:
        return self._contract.routes[f"/{operation.method}"]

    async def _find_out(self, operation: Operation) -> bool:
        """Find out about an operation; tells whether it was this gateway's turn."""
        route = self._route(operation)
        if operation.ticket_id is not None and route.call_class is not CallClass.CREDIT:
            await self._await_discard(operation)
            return True
        now = self._clock()
        leased = await self._ledger.run(lambda: transactions.lease_operation(operation, now, now + self._pace.lease_s))
        if leased is None:
            return False
        if route.call_class is CallClass.CREDIT:
            await self._repeat(route, leased)
        elif self._is_correlated(route, leased):
            await self._look_for_ticket(route, leased)
        else:
            await self._give_up(leased, "nothing correlates the ticket with its request id")
        return True

    async def _decide(self, operation: Operation, ending: Ending, **added: int) -> None:
        """Write what was found out, and count it where that is the end."""
        decided = await self._ledger.decide(operation, ending, **added)
        if ending.state is not State.UNKNOWN and decided.state is ending.state:
            self._telemetry.measured(RECONCILED, (ending.state.lower(),))

    async def _settle_debt(self, debt: Debt, state: str, note: str, next_at: float | None) -> None:
        """Write what became of a try to discard, and count it where that is the end."""
        await self._ledger.settle_debt(debt, state, note, next_at)
        if state != "OWED":
            self._telemetry.measured(RECONCILED, ("discarded" if state == "SETTLED" else "needs_human",))

    # ------------------------------------------------------------------------------------- repeating

    async def _repeat(self, route: Route, operation: Operation) -> None:
        attempt = await self._call(route, route.request.message.FromString(operation.request), operation.operator)
        failure = attempt.failure
        if failure is None:
            response = attempt.response.SerializeToString() if attempt.response is not None else b""
            ending = Ending(
                State.SUCCEEDED,
                attempt.stage,
                response=response,
                note="a repeat succeeded",
                settles_discard=route.method == "DiscardTicket",
            )
        elif attempt.stage is Stage.NEVER_SENT or failure.reason in _NO_ANSWER:
            await self._later(operation, attempt)
            return
        elif route.rpc == f"{_TICKETS}PayTicket":
            await self._read_paid_ticket(operation, failure)
            return
        elif route.method == "DiscardTicket" and failure.reason is Reason.TICKET_NOT_FOUND:
            ending = Ending(
                State.SUCCEEDED,
                attempt.stage,
                response=b"",
                note="a repeat found nothing to discard",
                settles_discard=True,
            )
        else:
            await self._give_up(operation, f"a repeat was refused: {failure.message}", attempts=1)
            return
        await self._decide(operation, ending, attempts=1, tries=1)

    async def _later(self, operation: Operation, attempt: Attempt) -> None:
        """Come back for an operation that is still unknown, until it has taken too long."""
        now = self._clock()
        if now - operation.received >= self._pace.give_up_s:
            await self._give_up(operation, "no definite answer in all this time")
            return
        delays = self._pace.repeat_s
        delay = delays[min(operation.tries + 1, len(delays) - 1)]
        ending = Ending(
            State.UNKNOWN,
            max(operation.stage, attempt.stage, key=list(Stage).index),
            failure=operation.failure or unknown_failure("no definite answer came"),
            next_at=now + delay,
        )
        await self._decide(operation, ending, attempts=int(attempt.stage is not Stage.NEVER_SENT), tries=1)

    async def _read_paid_ticket(self, operation: Operation, refusal: Failure) -> None:
        """Look at a ticket whose payment was refused after an earlier try: ``open`` or later means that it was paid."""
        paid = ticket_service_pb2.PayTicketRequest.FromString(operation.request)
        request = ticket_service_pb2.GetTicketRequest(operator=operation.operator, identifier=paid.identifier)
        attempt = await self._call(self._contract.routes[f"{_TICKETS}GetTicket"], request, operation.operator)
        if attempt.failure is not None or attempt.response is None:
            await self._later(operation, attempt)
            return
        ticket = ticket_service_pb2.GetTicketResponse.FromString(attempt.response.SerializeToString()).ticket
        if ticket.status in _OPEN_OR_LATER:
            response = ticket_service_pb2.PayTicketResponse(ticket=ticket).SerializeToString()
            note = f"the ticket is {ticket_service_pb2.TicketStatus.Name(ticket.status)}"
            ending = Ending(State.SUCCEEDED, Stage.ANSWERED, response=response, note=note)
            await self._decide(operation, ending, attempts=1, tries=1)
        else:
            await self._give_up(
                operation, f"paying was refused and the ticket is not open: {refusal.message}", attempts=1
            )

    async def _give_up(self, operation: Operation, evidence: str, attempts: int = 0) -> None:
        """Leave an operation to a person, with what is known."""
        note = f"{evidence}; wire stage {operation.stage}, attempts {operation.attempts + attempts}"
        failure = operation.failure or unknown_failure(evidence)
        ending = Ending(State.NEEDS_HUMAN, operation.stage, failure=failure, note=note)
        about = {"operator": operation.operator, "request_id": operation.request_id}
        LOG.error("an operation needs a person", extra=about)
        await self._decide(operation, ending, attempts=attempts, tries=1)

    # ------------------------------------------------------------------------------- looking for a ticket

    def _is_correlated(self, route: Route, operation: Operation) -> bool:
        if not self._correlated.get(operation.operator, False):
            return False
        return bool(_asked(route, operation).rtag == operation.request_id)

    async def _look_for_ticket(self, route: Route, operation: Operation) -> None:
        began = self._clock()
        look = await self._look(operation)
        if look is None:
            await self._look_again(operation, operation.looks)
            return
        hits = [ticket for ticket in look.tickets if ticket.rtag == operation.request_id]
        if len(hits) == 1 and _agrees(hits[0], _asked(route, operation)):
            response = route.response.message(ticket=hits[0]).SerializeToString()
            ending = Ending(
                State.SUCCEEDED, operation.stage, response=response, note="the ticket was found by its rtag"
            )
            await self._decide(operation, ending, looks=1)
        elif hits:
            found = ", ".join(ticket.id for ticket in hits)
            await self._give_up(operation, f"tickets that carry the request id and do not fit or are too many: {found}")
        else:
            await self._not_found(operation, began, is_complete=look.is_complete)

    async def _not_found(self, operation: Operation, began: float, *, is_complete: bool) -> None:
        """Believe in absence after two looks that lie apart, the first one late enough, both at complete lists."""
        if began - (operation.sent or operation.received) < self._pace.first_absence_s:
            await self._look_again(operation, 0)
        elif not is_complete:
            await self._give_up(operation, "the ticket list may not be complete, so it cannot prove absence")
        elif operation.looks == 0:
            await self._look_again(operation, 1)
        else:
            note = "two looks at complete ticket lists did not find it: it was not executed"
            failure = Failure(Reason.UPSTREAM_UNREACHABLE, "the platform never received it")
            ending = Ending(State.REJECTED, operation.stage, free=True, failure=failure, note=note)
            await self._decide(operation, ending, looks=1)

    async def _look_again(self, operation: Operation, looks: int) -> None:
        now = self._clock()
        if now - operation.received >= self._pace.give_up_s:
            await self._give_up(operation, "the ticket list could not be read in all this time")
            return
        late_enough = (operation.sent or operation.received) + self._pace.first_absence_s
        next_at = now + self._pace.between_looks_s if looks else max(late_enough, now + self._pace.repeat_s[0])
        ending = Ending(State.UNKNOWN, operation.stage, failure=operation.failure, next_at=next_at)
        await self._decide(operation, ending, looks=looks - operation.looks, tries=1)

    async def _look(self, operation: Operation) -> _Look | None:
        limit = self._pace.list_limit
        request = ticket_service_pb2.ListTicketsRequest(operator=operation.operator, limit=limit)
        attempt = await self._call(self._contract.routes[f"{_TICKETS}ListTickets"], request, operation.operator)
        if attempt.failure is not None or attempt.response is None:
            return None
        listed = ticket_service_pb2.ListTicketsResponse.FromString(attempt.response.SerializeToString()).tickets
        first_byte = (operation.sent or operation.received) - self._pace.clock_tolerance_s
        is_complete = len(listed) < limit or _reaches_back(listed, first_byte)
        return _Look(tuple(listed), is_complete)

    # ---------------------------------------------------------------------------------------- discarding

    async def _await_discard(self, operation: Operation) -> None:
        """Wait for the discard that a PAM create or reserve owes; it decides the row, and has a time of its own."""
        ending = Ending(
            State.UNKNOWN, operation.stage, failure=operation.failure, next_at=self._clock() + self._pace.discard_s
        )
        await self._decide(operation, ending)

    async def _discard(self, debt: Debt) -> bool:
        """Try to discard; tells whether it was this gateway's turn."""
        now = self._clock()
        leased = await self._ledger.run(lambda: transactions.lease_debt(debt, now, now + self._pace.lease_s))
        if leased is None:
            return False
        request = pam_service_pb2.DiscardTicketRequest(
            operator=leased.operator, ticket_id=leased.ticket_id, reason=leased.reason
        )
        attempt = await self._call(self._contract.routes[f"{_PAM}DiscardTicket"], request, leased.operator)
        failure = attempt.failure
        if failure is None:
            await self._settle_debt(leased, "SETTLED", "the ticket was discarded", None)
        elif failure.reason is Reason.TICKET_NOT_FOUND:
            await self._settle_debt(leased, "SETTLED", "there was nothing to discard", None)
        elif attempt.stage is Stage.NEVER_SENT or failure.reason in _NO_ANSWER:
            next_at = self._clock() + self._pace.discard_s
            await self._settle_debt(leased, "OWED", f"discarding: {failure.message}", next_at)
        else:
            about = {"operator": leased.operator, "ticket_id": leased.ticket_id}
            LOG.error("a discard needs a person", extra=about)
            await self._settle_debt(leased, "NEEDS_HUMAN", f"discarding was refused: {failure.message}", None)
        return True


def _asked(route: Route, operation: Operation) -> Any:  # noqa: ANN401 - a create or reserve request
    return route.request.message.FromString(operation.request)


def _agrees(ticket: Any, asked: Any) -> bool:  # noqa: ANN401 - a ticket and the request that made it
    kind = ticket_service_pb2.TicketType.Name(ticket.type).removeprefix("TICKET_TYPE_").lower()
    facts = (kind, ticket.price, ticket.currency)
    return facts == (asked.WhichOneof("selection"), asked.price, asked.currency)


def _reaches_back(tickets: Any, first_byte: float) -> bool:  # noqa: ANN401 - a repeated field of tickets
    """Tell whether a list in falling order of ``created`` ends before anything that was sent could have been made."""
    if not all(ticket.HasField("created") for ticket in tickets):
        return False
    times = [ticket.created.seconds + ticket.created.nanos / 1e9 for ticket in tickets]
    return times == sorted(times, reverse=True) and times[-1] < first_byte
