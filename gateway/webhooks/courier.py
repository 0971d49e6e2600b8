"""How is a ticket action passed on, once and in order? Written down, tried, answered, and tried again until it is definite.

A create or reserve is passed on once: without a definite answer it is answered 500, and the platform's discard follows.
Everything else is durable before it is tried; it is answered when the first try ended or after two seconds, and tried on.
On one ticket one call is out at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from gateway.ledger.bell import Bell
from gateway.ledger.database import Database, LedgerUnavailable, Transaction
from gateway.ledger.events import forget_events
from gateway.settings import Webhooks
from gateway.telemetry import Telemetry
from gateway.webhooks import facts
from gateway.webhooks.answers import OK, Ending, Reply, Said, ending_of, error, reply_to
from gateway.webhooks.dispatch import Dispatch
from gateway.webhooks.facts import Answered, Begun, Delivery, Joined, Row, State
from gateway.webhooks.ticket import OPENINGS
from gateway.wire.inbound import Inbound

__all__ = ["Courier"]

LOG: Final = logging.getLogger("gateway.webhooks")
T = TypeVar("T")

_POLL_S: Final = 0.1
_WORKER_POLL_S: Final = 0.2
_BATCH: Final = 64
_FORGET_EVERY_S: Final = 600


class Courier:
    """Passes ticket actions on to the operators' PamServices."""

    def __init__(
        self,
        database: Database,
        dispatch: Dispatch,
        actions: Mapping[str, Inbound],
        settings: Webhooks,
        telemetry: Telemetry,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._dispatch = dispatch
        self._actions = actions
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._bell = Bell()
        self._tasks: set[asyncio.Task[Reply]] = set()
        self._forget_at = 0.0

    def serves(self, operator: str, api: str) -> bool:
        """Tell whether the operator has a service for this API."""
        return self._dispatch.has(operator, api)

    # ------------------------------------------------------------------------------------------ a delivery

    async def deliver(self, delivery: Delivery) -> Reply:
        """Answer one verified delivery; raises LedgerUnavailable."""
        owner = await self._database.identity()
        admission = await self._run(lambda: facts.accept(delivery, owner, self._clock()))
        match admission:
            case Answered(reply):
                self._telemetry.webhook("repeated")
                return reply
            case Joined(row):
                self._telemetry.webhook("repeated")
                return await self._joined(row, owner)
            case Begun(row):
                return await self._begin(row, owner)
            case facts.Misplaced(why):
                self._telemetry.alert(
                    "webhook_out_of_place", operator=delivery.operator, action=delivery.action, why=why
                )
                return error(400, self._settings.other_code, why)

    async def _begin(self, row: Row, owner: str) -> Reply:
        task = asyncio.create_task(self._first_try(row, owner))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if row.action in OPENINGS:
            return await asyncio.shield(task)
        await asyncio.wait({task}, timeout=self._settings.answer_after_s)
        if task.done():
            return task.result()
        await self._run(lambda: facts.answer_early(row, row.request, self._clock()))
        self._ring(row)
        return OK

    async def _joined(self, row: Row, owner: str) -> Reply:
        """Wait for the answer of the same action that is on its way."""
        patience_s = self._settings.patience_s if row.action in OPENINGS else self._settings.answer_after_s
        ends = asyncio.get_running_loop().time() + patience_s + _POLL_S
        while asyncio.get_running_loop().time() < ends:
            await self._bell.heard(row.key, _POLL_S)
            now = await self._run(lambda: facts.row_of(row.key, owner, self._clock()))
            if now is None:
                return error(500, self._settings.other_code, "the delivery was refused; deliver it again")
            if now.reply is not None:
                return now.reply
        return error(500, self._settings.other_code, "the delivery is still on its way")

    # ------------------------------------------------------------------------------------------------ tries

    async def _first_try(self, row: Row, owner: str) -> Reply:
        try:
            return await self._first_try_in_turn(row, owner)
        except asyncio.CancelledError:
            if row.action not in OPENINGS:
                await asyncio.shield(self._keep(row))
            raise
        finally:
            self._ring(row)

    async def _first_try_in_turn(self, row: Row, owner: str) -> Reply:
        is_opening = row.action in OPENINGS
        if not await self._turn(row, owner):
            if is_opening:
                await self._run(lambda: facts.refuse(row))
                return error(500, self._settings.other_code, "an earlier action on the ticket is still on its way")
            await self._keep(row)
            return OK
        said = await self._call(row)
        ending = ending_of(row.action, said.code, is_opening=is_opening)
        reply = reply_to(row.action, said, self._settings.other_code)
        if ending is Ending.DONE:
            self._telemetry.webhook("accepted")
            return await self._run(lambda: facts.finish(row, reply, State.DONE, row.request, self._clock()))
        if ending is Ending.REFUSED:
            return await self._refused(row, reply)
        if is_opening:
            self._telemetry.alert("webhook_lost", operator=row.operator, action=row.action, ticket_id=row.ticket_id)
            return await self._run(lambda: facts.finish(row, reply, State.LOST, None, self._clock()))
        await self._keep(row)
        return OK

    async def _refused(self, row: Row, reply: Reply) -> Reply:
        """Let a refusal in the first try go out, unless the platform has been told otherwise by then."""
        if await self._run(lambda: facts.refuse(row)):
            self._telemetry.webhook("refused")
            return reply
        await self._needs_human(row, reply)
        return OK

    async def _needs_human(self, row: Row, reply: Reply) -> None:
        self._telemetry.alert("webhook_needs_human", operator=row.operator, action=row.action, ticket_id=row.ticket_id)
        await self._run(lambda: facts.finish(row, reply, State.NEEDS_HUMAN, row.request, self._clock()))

    async def _keep(self, row: Row) -> None:
        """Keep an action for a later try."""
        delays = self._settings.repeat_s
        next_at = self._clock() + delays[min(row.tries, len(delays) - 1)]
        await self._run(lambda: facts.fail_again(row, next_at, row.request, self._clock()))

    async def _call(self, row: Row) -> Said:
        inbound = self._actions[row.action]
        request = inbound.route.request.message.FromString(row.request)
        request.request_id = row.key  # type: ignore[attr-defined]
        metadata = {"idempotency-key": row.key, "x-request-id": row.key, "x-operator": row.operator}
        return await self._dispatch.call(
            inbound.route, row.operator, request, timeout_s=self._settings.patience_s, metadata=metadata
        )

    async def _turn(self, row: Row, owner: str) -> bool:
        """Wait until no earlier action on the ticket is out; False where that takes too long."""
        ends = asyncio.get_running_loop().time() + self._settings.patience_s
        while await self._run(lambda: facts.earlier_open(row, owner, self._clock())):
            if asyncio.get_running_loop().time() >= ends:
                return False
            await self._bell.heard((row.operator, row.ticket_id), _POLL_S)
        return True

    # ------------------------------------------------------------------------------------------- later tries

    async def run(self) -> None:
        """Try what is due, until cancelled."""
        while True:
            try:
                worked = await self.work()
            except LedgerUnavailable as problem:
                LOG.warning("webhooks wait: %s", problem)
                worked = False
            except Exception:
                LOG.exception("passing webhooks on failed unexpectedly")
                worked = False
            if not worked:
                await asyncio.sleep(_WORKER_POLL_S)

    async def work(self) -> bool:
        """Make the later tries that are due; tells whether there were any."""
        owner = await self._database.identity()
        rows = await self._run(lambda: facts.due(owner, self._clock(), _BATCH))
        await asyncio.gather(*map(self._later_try, rows))
        await self._forget()
        return bool(rows)

    async def _forget(self) -> None:
        """Remove what is older than the settings keep, once in a while."""
        now = self._clock()
        if now < self._forget_at:
            return
        self._forget_at = now + _FORGET_EVERY_S
        before = now - self._settings.keep_days * 86_400
        await self._run(lambda: facts.forget(before))
        await self._run(lambda: forget_events(before))

    async def _later_try(self, row: Row) -> None:
        until = self._clock() + 2 * self._settings.patience_s
        leased = await self._run(lambda: facts.lease(row, until))
        if leased is None:
            return
        said = await self._call(leased)
        reply = reply_to(leased.action, said, self._settings.other_code)
        ending = ending_of(leased.action, said.code, is_opening=False)
        is_over = self._clock() - leased.received >= self._settings.give_up_s
        if ending is Ending.DONE:
            await self._run(lambda: facts.finish(leased, OK, State.DONE, leased.request, self._clock()))
        elif ending is Ending.REFUSED or is_over:
            await self._needs_human(leased, reply)
        else:
            await self._keep(leased)
        self._ring(leased)

    async def close(self) -> None:
        """Wait for the tries that are under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ring(self, row: Row) -> None:
        self._bell.ring(row.key)
        self._bell.ring((row.operator, row.ticket_id))

    async def _run(self, transaction: Callable[[], Transaction[T]]) -> T:
        return await self._database.run(transaction)
