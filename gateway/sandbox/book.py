"""Which tickets are there, what became of them, and what did that do to the players' money?

Each step of a ticket's life, and the money that moves with it:

    create                                      → open          the player pays the price
    reserve                                     → reserved
    pay         reserved                        → open          the player pays the price
    cancel      reserved                        → cancelled
    calculate   open                            → calculating
    result      calculating                     → resulted      won: the net payout; void: the price; lost: nothing
    rollback    resulted                        → open          the player gives back what the result paid
    refund      open, calculating               → cancelled     the player gets the price back
    close       resulted, cancelled by refund   → closed
    update      open, jackpots only             → open          other payouts

A step and its money are one transaction. The money of an operator with a player account system of its own is there: the
book keeps the tickets and moves nothing. What happened is told to whoever listens, after it is stored or together with
that; the book does not know them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from gateway.sandbox.calculator import Finance, paying
from gateway.sandbox.errors import IllegalTransition, UnknownTicket
from gateway.sandbox.identities import Identities
from gateway.sandbox.options import Clock
from gateway.sandbox.store import Store
from gateway.sandbox.wallet import Player, Wallet

__all__ = ["Book", "Draft", "Happening", "LifeCycleEvent", "Listener", "Result", "Status", "Ticket", "TicketFacts"]


class Status(StrEnum):
    """Where a ticket is in its life. The platform also knows ``new``, which no ticket here is ever seen in."""

    RESERVED = "reserved"
    OPEN = "open"
    CALCULATING = "calculating"
    RESULTED = "resulted"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Result(StrEnum):
    """How the bet ended."""

    PENDING = "pending"
    WON = "won"
    LOST = "lost"
    VOID = "void"


class Happening(StrEnum):
    """What can happen to a ticket."""

    CREATED = "created"
    RESERVED = "reserved"
    PAID = "paid"
    CALCULATING = "calculating"
    WON = "won"
    LOST = "lost"
    VOIDED = "voided"
    ROLLED_BACK = "rolled-back"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket before the platform has taken it."""

    operator: str
    player: Player
    psp: str | None
    atag: str | None
    rtag: str | None
    source: str
    type: str
    finance: Finance
    # `events` and `odds`, or `event` and `bets`: what the ticket object ends with.
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is now."""

    id: str
    code: str
    operator: str
    player_id: str
    currency: str
    psp: str | None
    atag: str | None
    rtag: str | None
    source: str
    type: str
    finance: Finance
    content: Mapping[str, object]
    status: Status
    result: Result
    # Whether the player's money was taken at some time.
    taken: bool
    created: float
    updated: float


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What a ledger can be compared with."""

    id: str
    code: str
    operator: str
    status: str
    result: str
    type: str
    price: int
    currency: str
    rtag: str | None
    player_id: str


@dataclass(frozen=True, slots=True)
class LifeCycleEvent:
    """Something that happened to a ticket, and the ticket after it."""

    happening: Happening
    ticket: Ticket
    reason: str | None = None


Listener = Callable[[LifeCycleEvent], None]


@dataclass(frozen=True, slots=True)
class _Step:
    before: frozenset[Status]
    after: Status
    result: Result | None = Result.PENDING
    # What the player gets, negative for what they pay.
    money: Callable[[Ticket], int] = field(default=lambda _: 0)


def _price(ticket: Ticket) -> int:
    return ticket.finance.price


def _net_payout(ticket: Ticket) -> int:
    return ticket.finance.net_payout


def _paid_for_result(ticket: Ticket) -> int:
    return {Result.WON: _net_payout(ticket), Result.VOID: _price(ticket)}.get(ticket.result, 0)


_UNDECIDED: Final = frozenset({Status.OPEN, Status.CALCULATING})
_STEPS: Final[Mapping[Happening, _Step]] = {
    Happening.PAID: _Step(frozenset({Status.RESERVED}), Status.OPEN, money=lambda ticket: -_price(ticket)),
    Happening.CALCULATING: _Step(frozenset({Status.OPEN}), Status.CALCULATING),
    Happening.WON: _Step(frozenset({Status.CALCULATING}), Status.RESULTED, Result.WON, _net_payout),
    Happening.LOST: _Step(frozenset({Status.CALCULATING}), Status.RESULTED, Result.LOST),
    Happening.VOIDED: _Step(frozenset({Status.CALCULATING}), Status.RESULTED, Result.VOID, _price),
    Happening.ROLLED_BACK: _Step(
        frozenset({Status.RESULTED}), Status.OPEN, money=lambda ticket: -_paid_for_result(ticket)
    ),
    Happening.REFUNDED: _Step(_UNDECIDED, Status.CANCELLED, money=_price),
    Happening.CANCELLED: _Step(frozenset({Status.RESERVED}), Status.CANCELLED),
    Happening.CLOSED: _Step(frozenset({Status.RESULTED, Status.CANCELLED}), Status.CLOSED, result=None),
    Happening.UPDATED: _Step(frozenset({Status.OPEN}), Status.OPEN),
}
_BEGINNINGS: Final = {Status.OPEN: Happening.CREATED, Status.RESERVED: Happening.RESERVED}
_RESULTS: Final = {Result.WON: Happening.WON, Result.LOST: Happening.LOST, Result.VOID: Happening.VOIDED}

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tickets (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, code TEXT NOT NULL UNIQUE, operator TEXT NOT NULL,
    player_id TEXT NOT NULL, currency TEXT NOT NULL, psp TEXT, atag TEXT, rtag TEXT, source TEXT NOT NULL,
    type TEXT NOT NULL, finance TEXT NOT NULL, content TEXT NOT NULL, status TEXT NOT NULL, result TEXT NOT NULL,
    taken INTEGER NOT NULL, created REAL NOT NULL, updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS tickets_by_operator ON tickets (operator, number);
CREATE INDEX IF NOT EXISTS tickets_ended ON tickets (operator, updated)
    WHERE taken AND status IN ('resulted', 'cancelled');
"""


class Book:
    """The platform's tickets."""

    def __init__(
        self,
        store: Store,
        wallet: Wallet,
        identities: Identities,
        clock: Clock,
        money_is_elsewhere: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._store = store
        self._wallet = wallet
        self._identities = identities
        self._clock = clock
        # Tells by an operator's name whether its players have their money there.
        self._money_is_elsewhere = money_is_elsewhere
        self._listeners: list[Listener] = []
        self._writers: list[Listener] = []
        store.define(_SCHEMA)

    def listen(self, listener: Listener, *, writes: bool = False) -> Callable[[], None]:
        """Call ``listener`` with everything that happens from now on; returns what ends that.

        It is called after the change is stored and before the caller of the book goes on. One that ``writes`` is called
        inside the transaction of the change: what it writes is stored with it or not at all. It must not wait or raise.
        """
        listeners = self._writers if writes else self._listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def create(self, draft: Draft) -> Ticket:
        """Take the player's money and open a ticket."""
        return self._enter(lambda: self._new(draft, Status.OPEN))

    def reserve(self, draft: Draft) -> Ticket:
        """Keep a ticket until it is paid."""
        return self._enter(lambda: self._new(draft, Status.RESERVED))

    def plan(self, draft: Draft, status: Status) -> Ticket:
        """Give a ticket its id and code and nothing else; ``enter`` makes it a ticket of this book."""
        with self._store.transaction():
            return self._new(draft, status)

    def enter(self, ticket: Ticket) -> Ticket:
        """Take a ticket that was planned into the book: create or reserve it, as its status says."""
        return self._enter(lambda: ticket)

    def pay(self, identifier: str, operator: str | None = None) -> Ticket:
        """Take the player's money for a reserved ticket and open it."""
        return self._advance(identifier, Happening.PAID, operator=operator)

    def calculate(self, identifier: str) -> Ticket:
        """Begin to work out the result of an open ticket."""
        return self._advance(identifier, Happening.CALCULATING)

    def result(self, identifier: str, result: Result) -> Ticket:
        """Decide a ticket that is calculating: won, lost or void."""
        if result is Result.PENDING:
            raise ValueError("pending is what a ticket is before it has a result; use rollback")
        return self._advance(identifier, _RESULTS[result])

    def rollback(self, identifier: str, reason: str) -> Ticket:
        """Take a result back, and the money it paid; the ticket is open again."""
        return self._advance(identifier, Happening.ROLLED_BACK, reason)

    def refund(self, identifier: str, reason: str) -> Ticket:
        """Decline a ticket after its money was taken, and give that back."""
        return self._advance(identifier, Happening.REFUNDED, reason)

    def cancel(self, identifier: str, reason: str) -> Ticket:
        """Give up a reserved ticket that nobody paid."""
        return self._advance(identifier, Happening.CANCELLED, reason)

    def close(self, identifier: str) -> Ticket:
        """End a ticket that has a result or was refunded; the platform does this after 24 hours."""
        return self._advance(identifier, Happening.CLOSED)

    def update(self, identifier: str, gross_payout: int) -> Ticket:
        """Give an open jackpot ticket another payout."""
        return self._advance(identifier, Happening.UPDATED, gross_payout=gross_payout)

    def longest_ended(self, operator: str) -> Ticket | None:
        """Return the operator's ticket that has waited longest to be closed, None if there is nothing to close."""
        row = self._store.row(
            "SELECT * FROM tickets WHERE taken AND status IN ('resulted', 'cancelled') AND operator = ?"
            " ORDER BY updated LIMIT 1",
            (operator,),
        )
        return None if row is None else _ticket(row)

    def get(self, identifier: str, operator: str | None = None) -> Ticket:
        """Return the ticket with this id or code (of this operator, if one is given), or raise UnknownTicket."""
        row = self._store.row(
            "SELECT * FROM tickets WHERE (id = :identifier OR code = :identifier)"
            " AND (:operator IS NULL OR operator = :operator)",
            {"identifier": identifier, "operator": operator},
        )
        if row is None:
            raise UnknownTicket(identifier)
        return _ticket(row)

    def tickets(
        self,
        operator: str | None = None,
        user_id: str | None = None,
        skip_types: Collection[str] = (),
        limit: int | None = None,
    ) -> list[Ticket]:
        """Return tickets, newest first."""
        rows = self._store.rows(
            "SELECT * FROM tickets WHERE (:operator IS NULL OR operator = :operator)"
            " AND (:user_id IS NULL OR player_id = :user_id)"
            " AND type NOT IN (SELECT value FROM json_each(:skip_types))"
            " ORDER BY number DESC LIMIT :limit",
            {
                "operator": operator,
                "user_id": user_id,
                "skip_types": json.dumps(list(skip_types)),
                # SQLite's word for no limit.
                "limit": -1 if limit is None else limit,
            },
        )
        return [_ticket(row) for row in rows]

    def facts(self, operator: str | None = None) -> list[TicketFacts]:
        """Return the facts of all tickets, oldest first; what they hold is not read, so there may be many."""
        rows = self._store.rows(
            "SELECT id, code, operator, status, result, type, json_extract(finance, '$.price') AS price, currency,"
            " rtag, player_id FROM tickets WHERE :operator IS NULL OR operator = :operator ORDER BY number",
            {"operator": operator},
        )
        return [TicketFacts(*row) for row in rows]

    def count(self) -> int:
        """Return how many tickets there are."""
        count: int = self._store.row("SELECT COUNT(*) AS count FROM tickets")["count"]
        return count

    def _new(self, draft: Draft, status: Status) -> Ticket:
        now = self._clock()
        ticket_id, code = self._identities.ticket()
        return Ticket(
            id=ticket_id,
            code=code,
            operator=draft.operator,
            player_id=draft.player.id,
            currency=draft.player.currency,
            psp=draft.psp,
            atag=draft.atag,
            rtag=draft.rtag,
            source=draft.source,
            type=draft.type,
            finance=draft.finance,
            content=draft.content,
            status=status,
            result=Result.PENDING,
            taken=status is Status.OPEN,
            created=now,
            updated=now,
        )

    def _enter(self, make: Callable[[], Ticket]) -> Ticket:
        with self._store.transaction():
            ticket = make()
            event = LifeCycleEvent(_BEGINNINGS[ticket.status], ticket)
            if ticket.taken:
                self._move(ticket, -_price(ticket), event.happening)
            self._insert(ticket)
            self._tell(self._writers, event)
        self._tell(self._listeners, event)
        return ticket

    def _advance(
        self,
        identifier: str,
        happening: Happening,
        reason: str | None = None,
        operator: str | None = None,
        gross_payout: int | None = None,
    ) -> Ticket:
        step = _STEPS[happening]
        with self._store.transaction():
            before = self.get(identifier, operator)
            if before.status not in step.before or not _may(before, happening):
                raise IllegalTransition(before.id, before.status, happening)
            ticket = replace(
                before,
                status=step.after,
                result=before.result if step.result is None else step.result,
                finance=before.finance if gross_payout is None else paying(before.finance, gross_payout),
                taken=before.taken or happening is Happening.PAID,
                updated=self._clock(),
            )
            event = LifeCycleEvent(happening, ticket, reason)
            self._move(before, step.money(before), happening)
            self._store.change(
                "UPDATE tickets SET status = ?, result = ?, finance = ?, taken = ?, updated = ? WHERE id = ?",
                (ticket.status, ticket.result, _spelled(ticket.finance), ticket.taken, ticket.updated, ticket.id),
            )
            self._tell(self._writers, event)
        self._tell(self._listeners, event)
        return ticket

    def _move(self, ticket: Ticket, amount: int, happening: Happening) -> None:
        """Give the player an amount, or take a negative one, if their money is here."""
        if amount and not self._money_is_elsewhere(ticket.operator):
            player = self._wallet.player(ticket.player_id)
            self._wallet.move(player, amount, happening, ticket.id, overdraft=happening is Happening.ROLLED_BACK)

    def _insert(self, ticket: Ticket) -> None:
        values = {
            "id": ticket.id,
            "code": ticket.code,
            "operator": ticket.operator,
            "player_id": ticket.player_id,
            "currency": ticket.currency,
            "psp": ticket.psp,
            "atag": ticket.atag,
            "rtag": ticket.rtag,
            "source": ticket.source,
            "type": ticket.type,
            "finance": _spelled(ticket.finance),
            "content": json.dumps(ticket.content),
            "status": ticket.status,
            "result": ticket.result,
            "taken": ticket.taken,
            "created": ticket.created,
            "updated": ticket.updated,
        }
        marks = ", ".join("?" for _ in values)
        self._store.change(
            f"INSERT INTO tickets ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 - names from above
            list(values.values()),
        )

    def _tell(self, listeners: list[Listener], event: LifeCycleEvent) -> None:
        for listener in tuple(listeners):
            listener(event)


def _may(ticket: Ticket, happening: Happening) -> bool:
    """Tell whether something can happen to a ticket in the right status."""
    match happening:
        case Happening.CLOSED:
            # Nothing was paid for a cancelled reservation, so there is nothing to close either.
            return ticket.taken
        case Happening.UPDATED:
            return ticket.type == "jackpot"
        case _:
            return True


def _spelled(finance: Finance) -> str:
    return json.dumps(asdict(finance))


def _ticket(row: Any) -> Ticket:  # noqa: ANN401 - a row of the database
    return Ticket(
        id=row["id"],
        code=row["code"],
        operator=row["operator"],
        player_id=row["player_id"],
        currency=row["currency"],
        psp=row["psp"],
        atag=row["atag"],
        rtag=row["rtag"],
        source=row["source"],
        type=row["type"],
        finance=Finance(**json.loads(row["finance"])),
        content=json.loads(row["content"]),
        status=Status(row["status"]),
        result=Result(row["result"]),
        taken=bool(row["taken"]),
        created=row["created"],
        updated=row["updated"],
    )
