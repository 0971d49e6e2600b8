"""What is an operator told, when, and what if it does not listen?

The life of a ticket puts webhooks into the outbox, in the transaction that changes the ticket; they are sent from there
as soon as they are due. One that is not accepted is repeated after 30 minutes; that is documented for
``ticket_discard``. Assumed: so is everything else but a one-time password, until 72 hours after it happened.

A ticket that has a result, or was refunded, is closed 24 hours later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final
from weakref import WeakValueDictionary

from gateway.sandbox import webhook_bodies
from gateway.sandbox.book import Book, Happening, LifeCycleEvent, Ticket
from gateway.sandbox.clock import SteerableClock
from gateway.sandbox.courier import Courier, Deliveries, Delivery, Targets
from gateway.sandbox.options import Clock, WebhookTargets
from gateway.sandbox.outbox import Item, Outbox, State, lane_of
from gateway.sandbox.store import Store
from gateway.sandbox.times import DAY, HOUR
from gateway.sandbox.webhook_bodies import Api, Webhook
from gateway.sandbox.webhook_chaos import Mishap, Mishaps, WebhookChaos

__all__ = ["Webhooks"]

_REPEATED_AFTER_S: Final = HOUR / 2
_GIVEN_UP_AFTER_S: Final = 3 * DAY
_CLOSED_AFTER_S: Final = DAY
# How many lanes are at work at a time.
_AT_ONCE: Final = 32
# How many tickets are closed before others get their turn.
_CLOSED_AT_ONCE: Final = 100
# What settles whether a create or reserve has to be undone.
_SETTLES: Final = frozenset({Happening.CREATED, Happening.RESERVED, Happening.PAID, Happening.CANCELLED})
# Assumed: one that comes late is of no use to anybody.
_TRIED_ONCE: Final = frozenset({"otp"})


class Webhooks:
    """Tells the operators what happens."""

    def __init__(
        self,
        *,
        book: Book,
        store: Store,
        targets: Targets,
        courier: Courier,
        mishaps: Mishaps,
        clock: SteerableClock,
        signing_clock: Clock,
    ) -> None:
        self._book = book
        self._store = store
        self._outbox = Outbox(store)
        self._targets = targets
        self._courier = courier
        self._mishaps = mishaps
        self._clock = clock
        self._signing_clock = signing_clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # The lanes that send by themselves; one that broke down stays here.
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._asked_for: set[asyncio.Task[None]] = set()
        self._something_new = asyncio.Event()
        book.listen(self._write, writes=True)
        clock.listen(self._something_new.set)

    @property
    def deliveries(self) -> Deliveries:
        """The latest that were sent, and what was answered."""
        return self._courier.deliveries

    @property
    def chaos(self) -> WebhookChaos | None:
        """What goes wrong at random."""
        return self._mishaps.chaos

    def set_chaos(self, chaos: WebhookChaos | None) -> None:
        """Let things go wrong at random from now on, or end that."""
        self._mishaps.chaos = chaos

    def set_targets(self, operator: str, targets: WebhookTargets) -> None:
        """Call an operator back there from now on; ValueError if there is no such operator."""
        self._targets.set(operator, targets)
        self._something_new.set()

    def knows(self, operator: str) -> bool:
        """Tell whether there is such an operator."""
        return self._targets.knows(operator)

    def sends(self, operator: str, api: Api) -> bool:
        """Tell whether an operator is called back."""
        return self._targets.url(operator, api) is not None

    def waiting(self, operator: str | None = None) -> int:
        """Return how many webhooks are to be sent, to one operator or to all."""
        return self._outbox.waiting(operator)

    def send_otp(self, operator: str, code: str, msisdn: str) -> None:
        """Send a player a one-time password, soon."""
        with self._store.transaction():
            self._add(webhook_bodies.otp(operator, code, msisdn))
        self._something_new.set()

    async def deliver(self) -> int:
        """Send all that is to be sent once, due or not, and return how many are left.

        What is behind one that fails is not sent.
        """
        more = True
        while more:
            more = self._close_some()
            await asyncio.sleep(0)
        with self._store.transaction():
            self._outbox.hurry(self._clock())
        task = asyncio.create_task(self._drain_all({*self._outbox.due_lanes(self._clock()), *self._busy}))
        self._asked_for.add(task)
        task.add_done_callback(self._asked_for.discard)
        # Whoever asked may go away; what is under way then is not lost.
        await asyncio.shield(task)
        self._something_new.set()
        return self.waiting()

    async def settled(self) -> None:
        """Wait until everything that is due has been tried."""
        while lanes := {*self._outbox.due_lanes(self._clock()), *self._busy}:
            await self._drain_all(lanes)
            await asyncio.sleep(0)
        await asyncio.gather(*self._asked_for)

    @asynccontextmanager
    async def lane(self, ticket: Ticket) -> AsyncIterator[None]:
        """Let the other actions of a ticket wait until the block ends."""
        async with self._lock(lane_of(Api.PAM, ticket.id)):
            yield

    @contextmanager
    def undone_unless_entered(self, ticket: Ticket) -> Iterator[None]:
        """Discard a ticket if it is not created, reserved or paid by the end of the block, or if the sandbox is killed."""
        with self._store.transaction():
            held = webhook_bodies.discard(ticket, "interrupted")
            self._outbox.add(held, self._clock(), self._clock(), State.HELD)
        try:
            yield
        except BaseException as error:
            with self._store.transaction():
                self._outbox.release_held(webhook_bodies.discard(ticket, str(error) or "interrupted"), self._clock())
            self._something_new.set()
            raise

    async def call(self, webhook: Webhook) -> Delivery:
        """Send a webhook whose answer somebody waits for, once."""
        url = self._targets.url(webhook.operator, webhook.api) or ""
        mishap = self._mishaps.of(webhook, url)
        with self._store.transaction():
            sealed = self._courier.seal(webhook, self._stamp(webhook))
        if mishap.stuck_s is None:
            delivery = await self._courier.send(webhook, sealed, answer_lost=mishap.answer_lost)
        else:
            delivery = Delivery(webhook, url, sealed, self._clock(), None, b"")
        with self._store.transaction():
            self._add_copies(delivery, mishap)
            if _is_signed_again(delivery, mishap):
                self._add(webhook, mishap.copy_after_s, State.COPY)
        self._something_new.set()
        return delivery

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Send what is due until the block ends."""
        with self._store.transaction():
            self._outbox.release_all_held(self._clock())
        async with self._courier.on_duty():
            watch = asyncio.create_task(self._watch())
            try:
                yield
            finally:
                tasks = [watch, *self._busy.values(), *self._asked_for]
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _watch(self) -> None:
        while True:
            self._something_new.clear()
            idle_s = 0 if self._close_some() else self._idle_s()
            self._start_lanes()
            with suppress(TimeoutError):
                async with asyncio.timeout(idle_s):
                    await self._something_new.wait()

    def _close_some(self) -> bool:
        """Close tickets whose time has come; return whether there may be more."""
        for operator in self._targets.operators():
            for _ in range(_CLOSED_AT_ONCE):
                ticket = self._book.longest_ended(operator)
                if ticket is None or ticket.updated + _CLOSED_AFTER_S > self._clock():
                    break
                self._book.close(ticket.id)
            else:
                return True
        return False

    def _idle_s(self) -> float | None:
        """Return how long nothing is to be done, as far as is known; None for ever."""
        now = self._clock()
        ended = (self._book.longest_ended(operator) for operator in self._targets.operators())
        times = [ticket.updated + _CLOSED_AFTER_S for ticket in ended if ticket is not None]
        due = self._outbox.next_due(now)
        if due is not None:
            times.append(due)
        return max(0, min(times) - now) if times else None

    def _start_lanes(self) -> None:
        for lane in self._outbox.due_lanes(self._clock(), _AT_ONCE + len(self._busy)):
            if len(self._busy) < _AT_ONCE and lane not in self._busy:
                task = self._busy[lane] = asyncio.create_task(self._drain(lane))
                task.add_done_callback(lambda task, lane=lane: self._lane_ended(lane, task))  # type: ignore[misc]

    def _lane_ended(self, lane: str, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            del self._busy[lane]
            self._something_new.set()

    async def _drain_all(self, lanes: Iterable[str]) -> None:
        left = iter(lanes)

        async def work() -> None:
            for lane in left:
                await self._drain(lane)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))

    async def _drain(self, lane: str) -> None:
        async with self._lock(lane):
            while (item := self._outbox.head(lane)) is not None and item.due <= self._clock():
                await self._send(item)

    def _lock(self, lane: str) -> asyncio.Lock:
        return self._locks.setdefault(lane, asyncio.Lock())

    async def _send(self, item: Item) -> None:
        webhook = item.webhook
        url = self._targets.url(webhook.operator, webhook.api) or ""
        copy = item.state is State.COPY
        mishap = Mishap() if copy else self._mishaps.of(webhook, url, item.tries)
        with self._store.transaction():
            sealed = item.sealed or self._courier.seal(webhook, self._stamp(webhook, item.stamp))
        delivery = await self._courier.send(webhook, sealed, copy=copy, answer_lost=mishap.answer_lost)
        with self._store.transaction():
            self._settle(item, delivery, mishap)

    def _settle(self, item: Item, delivery: Delivery, mishap: Mishap) -> None:
        now = self._clock()
        self._add_copies(delivery, mishap)
        if _is_signed_again(delivery, mishap):
            self._outbox.copy(item, now + (mishap.copy_after_s or 0))
        elif delivery.accepted or _is_given_up(item, now):
            self._outbox.remove(item)
        else:
            self._outbox.repeat(item, now + _REPEATED_AFTER_S, delivery.sealed.timestamp)

    def _write(self, event: LifeCycleEvent) -> None:
        """Put what an event is to tell into the outbox; the event's transaction is open."""
        if event.happening in _SETTLES:
            self._outbox.drop_held(event.ticket.id)
        for webhook in (webhook_bodies.action_of(event), webhook_bodies.status_of(event)):
            if webhook is not None and self.sends(webhook.operator, webhook.api):
                self._add(webhook, self._mishaps.delay_s(webhook))
        self._something_new.set()

    def _add(self, webhook: Webhook, after_s: float | None = 0, state: State = State.WAITING) -> None:
        now = self._clock()
        self._outbox.add(webhook, now, now + (after_s or 0), state)

    def _add_copies(self, delivery: Delivery, mishap: Mishap) -> None:
        """Let the same bytes arrive once more, or later than they should have; they wait for nothing."""
        now = self._clock()
        after_s = None if mishap.resigned else mishap.copy_after_s
        for later_s in (mishap.stuck_s, after_s):
            if later_s is not None:
                self._outbox.add(delivery.webhook, now, now + later_s, State.COPY, delivery.sealed)

    def _stamp(self, webhook: Webhook, first: int | None = None) -> int:
        now = int(self._signing_clock())
        return now if webhook.ticket_id is None else self._outbox.stamp(webhook.ticket_id, now, first)


def _is_signed_again(delivery: Delivery, mishap: Mishap) -> bool:
    """Tell whether a webhook goes out a second time under a timestamp of its own; one that failed is repeated anyway."""
    return delivery.accepted and mishap.resigned and mishap.copy_after_s is not None


def _is_given_up(item: Item, now: float) -> bool:
    return item.state is State.COPY or item.webhook.kind in _TRIED_ONCE or now - item.since >= _GIVEN_UP_AFTER_S
