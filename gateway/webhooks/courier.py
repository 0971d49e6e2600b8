"""How is a ticket action passed on, once and in order? Written down, tried, answered, and tried again until it is definite.

A create or reserve is passed on once: without a definite answer it is answered 500, and the platform's discard follows.
Everything else is durable before it is tried; it is answered when the first try ended or after two seconds, and tried on.
On one ticket one call is out at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from gateway.ledger.bell import Bell
from gateway.ledger.database import Database, LedgerUnavailable, Transaction
from gateway.ledger.events import forget_events
from gateway.settings import Webhooks
from gateway.telemetry import Telemetry
from gateway.webhooks import facts
from gateway.webhooks.answers import OK, Ending, Numbers, Reply, Said, ending_of, error, reply_to
from gateway.webhooks.dispatch import Dispatch
from gateway.webhooks.facts import Answered, Begun, Delivery, Here, Joined, Row, State
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
        numbers: Numbers,
        telemetry: Telemetry,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._dispatch = dispatch
        self._actions = actions
        self._settings = settings
        self._numbers = numbers
        self._telemetry = telemetry
        self._clock = clock
        self._bell = Bell()
        self._tasks: set[asyncio.Task[Reply]] = set()
        self._answers: dict[str, asyncio.Task[Reply]] = {}
        self._unsettled: list[Row] = []
        self._lost = error(500, numbers.other, "nobody knows whether it was carried out")
        self._forget_at = 0.0

    def serves(self, operator: str, api: str) -> bool:
        """Tell whether the operator has a service for this API."""
        return self._dispatch.has(operator, api)

    # ------------------------------------------------------------------------------------------ a delivery

    async def deliver(self, delivery: Delivery) -> Reply:
        """Answer one verified delivery; raises LedgerUnavailable."""
        owner = await self._database.identity()
        admission = await self._run(lambda: facts.accept(delivery, self._here(owner)))
        match admission:
            case Answered(reply, key):
                self._telemetry.named(key)
                self._telemetry.webhook("repeated")
                return reply
            case Joined(row):
                self._telemetry.named(row.key)
                self._telemetry.webhook("repeated")
                return await self._joined(row, owner)
            case Begun(row):
                self._telemetry.named(row.key)
                return await self._begin(row, owner)
            case facts.Misplaced(why):
                self._telemetry.alert(
                    "webhook_out_of_place",
                    operator=delivery.operator,
                    action=delivery.action,
                    ticket_id=delivery.ticket_id,
                    why=why,
                )
                return error(400, self._numbers.other, why)

    async def _begin(self, row: Row, owner: str) -> Reply:
        answer = self._answers[row.key] = self._task(self._answer(row, owner))
        answer.add_done_callback(partial(self._answered, row.key))
        return await asyncio.shield(answer)

    def _answered(self, key: str, answer: asyncio.Task[Reply]) -> None:
        if self._answers.get(key) is answer:
            del self._answers[key]

    def _task(self, work: Coroutine[Any, Any, Reply]) -> asyncio.Task[Reply]:
        """Start what goes on although the platform hangs up."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer(self, row: Row, owner: str) -> Reply:
        """Try an action for the first time; what is tried on is answered after a while."""
        task = self._task(self._first_try(row, owner))
        if row.action not in OPENINGS:
            await asyncio.wait({task}, timeout=self._settings.answer_after_s)
            if not task.done() and await self._run(lambda: facts.answer_early(row, row.request, self._clock())):
                self._ring(row)
                return OK
        return await task

    async def _joined(self, row: Row, owner: str) -> Reply:
        """Wait for the answer of the same action that is on its way, here or in another gateway."""
        if row.key in self._answers:
            return await asyncio.shield(self._answers[row.key])
        patience_s = self._settings.patience_s if row.action in OPENINGS else self._settings.answer_after_s
        ends = asyncio.get_running_loop().time() + patience_s + _POLL_S
        while asyncio.get_running_loop().time() < ends:
            await self._bell.heard(row.key, _POLL_S)
            now = await self._run(lambda: facts.row_of(row, self._here(owner)))
            if now is None:
                return error(500, self._numbers.other, "the delivery was refused; deliver it again")
            if now.reply is not None:
                return now.reply
        return error(500, self._numbers.other, "the delivery is still on its way")

    # ------------------------------------------------------------------------------------------------ tries

    async def _first_try(self, row: Row, owner: str) -> Reply:
        try:
            return await self._first_try_in_turn(row, owner)
        except BaseException:
            # Its end could not be written down; ``work`` does that as soon as it can be.
            self._unsettled.append(row)
            raise
        finally:
            self._ring(row)

    async def _first_try_in_turn(self, row: Row, owner: str) -> Reply:
        is_opening = row.action in OPENINGS
        ends = asyncio.get_running_loop().time() + self._settings.call_timeout_s
        if not await self._turn(row, owner, ends):
            if is_opening:
                await self._run(lambda: facts.refuse(row))
                return error(500, self._numbers.other, "an earlier action on the ticket is still on its way")
            await self._keep(row)
            return OK
        # The platform waits for the whole of a create or reserve, and for nothing else.
        timeout_s = ends - asyncio.get_running_loop().time() if is_opening else self._settings.call_timeout_s
        said = await self._call(row, timeout_s)
        ending = ending_of(row.action, said.code, is_opening=is_opening)
        reply = reply_to(row.action, said, self._numbers)
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
        again = self._clock() + delays[min(row.tries, len(delays) - 1)]
        next_at = min(again, row.received + self._settings.give_up_s)
        await self._run(lambda: facts.fail_again(row, next_at, row.request, self._clock()))

    async def _call(self, row: Row, timeout_s: float) -> Said:
        inbound = self._actions[row.action]
        request = inbound.route.request.message.FromString(row.request)
        request.request_id = row.key  # type: ignore[attr-defined]
        return await self._dispatch.call(inbound.route, row.operator, request, timeout_s=timeout_s, request_id=row.key)

    async def _turn(self, row: Row, owner: str, ends: float) -> bool:
        """Wait until no earlier action on the ticket is out; False where that takes until ``ends``."""
        while await self._run(lambda: facts.earlier_open(row, self._here(owner))):
            left_s = ends - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            await self._bell.heard((row.operator, row.ticket_id), min(_POLL_S, left_s))
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
        await self._settle(owner)
        rows = await self._run(lambda: facts.due(self._here(owner), _BATCH))
        await asyncio.gather(*map(self._later_try, rows))
        await self._forget()
        return bool(rows)

    async def _settle(self, owner: str) -> None:
        """Write down what becomes of first tries that ended without that."""
        for row in tuple(self._unsettled):
            await self._run(partial(facts.settle, row, self._here(owner)))
            self._unsettled.remove(row)
            self._ring(row)

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
        said = await self._call(leased, self._settings.call_timeout_s)
        reply = reply_to(leased.action, said, self._numbers)
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

    def _here(self, owner: str) -> Here:
        return Here(owner, self._clock(), self._lost)

    def _ring(self, row: Row) -> None:
        self._bell.ring(row.key)
        self._bell.ring((row.operator, row.ticket_id))

    async def _run(self, transaction: Callable[[], Transaction[T]]) -> T:
        return await self._database.run(transaction)
