"""Would the checks of a chaos run notice? One planted untruth each; without it, everything agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

import pytest

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Failure, Reason
from gateway.ledger.operation import Note, Operation, State
from gateway.ledger.transactions import Debt
from gateway.sandbox import AccountTicket
from gateway.sandbox.accounts import State as Account
from gateway.sandbox.accounts import Terms
from gateway.wire.attempt import Stage
from tests.chaos.diary import Deed, Diary, Intent, Told, Word
from tests.chaos.facts import OPERATOR, Facts
from tests.chaos.verdict import Verdict, judged

PLAYER = "1"
PRICE = 200
PAYOUT = 500


@dataclass(slots=True)
class World:
    """One bet placed, one reserved and paid, one taken and won; each was asked for at 10 and sent at 11."""

    intents: dict[str, Intent] = field(default_factory=dict)
    rows: dict[str, Operation] = field(default_factory=dict)
    tickets: dict[str, pb.TicketFacts] = field(default_factory=dict)
    accounts: dict[str, AccountTicket] = field(default_factory=dict)
    more: list[pb.TicketFacts] = field(default_factory=list)
    owed: list[Debt] = field(default_factory=list)
    balance: int = 10_000 - 3 * PRICE + PAYOUT
    total: int = 0

    def verdict(self) -> Verdict:
        """Judge it."""
        diary = Diary()
        for intent in self.intents.values():
            diary.note(intent)
        facts = Facts(
            rows={row.request_id: row for row in self.rows.values()},
            owed=self.owed,
            tickets=[*self.tickets.values(), *self.more],
            accounts=self.accounts,
            opening={PLAYER: 10_000},
            balances={PLAYER: self.balance},
            total=self.total,
        )
        return judged(diary, facts)

    def say(self, name: str, told: Told) -> None:
        """Let a caller be told something more."""
        self.intents[name].told.append(told)

    def change(self, name: str, **changes: object) -> None:
        """Let a row be otherwise."""
        self.rows[name] = replace(self.rows[name], **changes)  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    """Return a world in which everything agrees."""
    made = World()
    for name, deed, request, status in (
        ("create", Deed.CREATE, ticket.CreateTicketRequest, "open"),
        ("reserve", Deed.RESERVE, ticket.ReserveTicketRequest, "open"),
    ):
        asked = request(request_id=name, token="a", price=PRICE, currency="KES", quicktip=ticket.Quicktip())
        made.tickets[name] = facts_of(f"T-{name}", name, status)
        answer = ticket.Ticket(id=f"T-{name}", type=ticket.TICKET_TYPE_QUICKTIP)
        _add(made, Intent(deed, asked, PLAYER), ticket.CreateTicketResponse(ticket=answer).SerializeToString())
        made.say(name, Told(Word.OK, 10, 12, ticket_id=f"T-{name}"))
    paid = ticket.PayTicketResponse(ticket=ticket.Ticket(id="T-reserve")).SerializeToString()
    _add(made, Intent(Deed.PAY, ticket.PayTicketRequest(request_id="pay", identifier="T-reserve"), PLAYER), paid)
    take = pam.CreateTicketRequest(request_id="take", ticket_id="A", price=PRICE, net_payout=PAYOUT)
    _add(made, Intent(Deed.TAKE, take, PLAYER), ticket_id="A")
    _add(made, Intent(Deed.WIN, pam.WinTicketRequest(request_id="win", ticket_id="A"), PLAYER), ticket_id="A")
    made.accounts["A"] = AccountTicket(OPERATOR, "A", Terms(PLAYER, PRICE, PAYOUT, "quicktip"), Account.WON)
    return made


def _add(world: World, intent: Intent, response: bytes = b"", ticket_id: str | None = None) -> None:
    world.intents[intent.request_id] = intent
    world.rows[intent.request_id] = row_of(intent, response, ticket_id)


def facts_of(ticket_id: str, rtag: str, status: str = "open") -> pb.TicketFacts:
    """Return a ticket as the platform knows it."""
    return pb.TicketFacts(
        id=ticket_id,
        operator=OPERATOR,
        status=status,
        type="quicktip",
        price=PRICE,
        currency="KES",
        rtag=rtag,
        user_id=PLAYER,
    )


def row_of(intent: Intent, response: bytes, ticket_id: str | None) -> Operation:
    """Return the row of an intent that succeeded; columns that the checks do not read are empty."""
    known = {
        "operator": OPERATOR,
        "request_id": intent.request_id,
        "method": str(intent.deed),
        "ticket_id": ticket_id,
        "state": State.SUCCEEDED,
        "stage": Stage.ANSWERED,
        "attempts": 1,
        "response": response,
        "notes": (),
        "sent": 11.0,
    }
    return Operation(**{each.name: known.get(each.name) for each in fields(Operation)})  # type: ignore[arg-type]


def denied(begun: float, ended: float) -> Told:
    """Return an answer that says that nothing was executed."""
    return Told(Word.REFUSED, begun, ended, reason="UPSTREAM_UNREACHABLE", execution="NOT_EXECUTED")


def test_agreement(world: World) -> None:
    """Nothing is found where nothing is wrong."""
    assert world.verdict() == Verdict((), (), (), (), ())


def _second_ticket(world: World) -> None:
    world.more.append(facts_of("T-more", "create"))
    world.balance -= PRICE


def _ticket_of_nobody(world: World) -> None:
    world.more.append(facts_of("T-more", ""))
    world.balance -= PRICE


def _row_unlike_ticket(world: World) -> None:
    world.tickets["create"].id = "T-other"


def _paid_but_reserved(world: World) -> None:
    world.tickets["reserve"].status = "reserved"
    world.balance += PRICE


def _won_but_open(world: World) -> None:
    world.accounts["A"] = replace(world.accounts["A"], state=Account.OPEN)
    world.balance -= PAYOUT


def _undone_but_open(world: World) -> None:
    _won_but_open(world)
    del world.rows["win"]
    world.change("take", state=State.REVERSED)


def _asked_by_nobody(world: World) -> None:
    world.rows["x"] = replace(world.rows["take"], request_id="x")


def _told_of_another_ticket(world: World) -> None:
    world.say("create", Told(Word.OK, 13, 14, ticket_id="T-other"))


def _told_without_execution(world: World) -> None:
    world.say("create", Told(Word.REFUSED, 13, 14, reason="CONFLICT"))


def _told_of_a_failure(world: World) -> None:
    world.say("create", Told(Word.REFUSED, 13, 14, reason="GATEWAY_FAULT", execution="UNKNOWN"))


def _ok_for_what_was_refused(world: World) -> None:
    del world.tickets["create"]
    world.change("create", state=State.REJECTED)
    world.balance += PRICE


def _denied_afterwards(world: World) -> None:
    world.say("create", denied(13, 14))


def _denied_without_another_try(world: World) -> None:
    world.intents["create"].told[:] = [denied(10, 12)]


def _needs_human(world: World, name: str, note: str) -> None:
    failure = Failure(Reason.OUTCOME_UNKNOWN, "unknown")
    world.change(name, state=State.NEEDS_HUMAN, failure=failure, notes=(Note(1, note),))


def _gave_up_early(world: World) -> None:
    _needs_human(world, "pay", "paying was refused")


def _gave_up_without_reason(world: World) -> None:
    _needs_human(world, "win", "no idea")


def _still_unknown(world: World) -> None:
    world.change("win", state=State.UNKNOWN)


def _still_owed(world: World) -> None:
    world.owed.append(Debt(OPERATOR, "A", "take", "OWED", "", (), 1, 1, 1, 1))


def _money_missing(world: World) -> None:
    world.balance -= 1


def _money_made(world: World) -> None:
    world.total = 1


@pytest.mark.parametrize(
    ("untruth", "expected"),
    [
        (_second_ticket, {"doubles": 1}),
        (_ticket_of_nobody, {"lost": 1}),
        (
            lambda world: world.change("create", state=State.UNKNOWN, response=None),
            {"lost": 1, "wrong": 1, "broken": 1},
        ),
        (_row_unlike_ticket, {"wrong": 1}),
        (_paid_but_reserved, {"wrong": 1}),
        (_won_but_open, {"wrong": 1}),
        (_undone_but_open, {"wrong": 1}),
        (_asked_by_nobody, {"wrong": 1}),
        (_told_of_another_ticket, {"wrong": 1}),
        (_told_without_execution, {"wrong": 1}),
        (_told_of_a_failure, {"wrong": 1}),
        (_ok_for_what_was_refused, {"wrong": 1}),
        (_denied_afterwards, {"wrong": 1}),
        (_denied_without_another_try, {"wrong": 1}),
        (_gave_up_early, {"needs_human": 1, "broken": 1}),
        (_gave_up_without_reason, {"needs_human": 1, "broken": 1}),
        (_still_unknown, {"broken": 1}),
        (_still_owed, {"broken": 1}),
        (_money_missing, {"broken": 1}),
        (_money_made, {"broken": 1}),
    ],
)
def test_an_untruth_is_noticed(world: World, untruth: Callable[[World], None], expected: Mapping[str, int]) -> None:
    """Each is counted where it belongs."""
    untruth(world)
    verdict = world.verdict()
    found = {each.name: len(getattr(verdict, each.name)) for each in fields(Verdict)}
    assert {name: count for name, count in found.items() if count} == expected, verdict


@pytest.mark.parametrize(
    "tries",
    [
        [denied(8, 9), Told(Word.OK, 10, 12, ticket_id="T-create")],
        [denied(10, 10.5), Told(Word.OK, 10, 12, ticket_id="T-create")],
        [Told(Word.NOTHING, 8, 9, reason="CANCELLED"), denied(10, 10.5)],
    ],
    ids=["before it was asked for again", "while it was asked for twice", "while an abandoned try was on its way"],
)
def test_a_denial_that_was_true_at_its_time_is_none(world: World, tries: list[Told]) -> None:
    """NOT_EXECUTED speaks of what was sent until then."""
    world.intents["create"].told[:] = tries
    assert world.verdict().wrong == ()


def test_refused_repeats_are_for_a_person(world: World) -> None:
    """What was refused after an earlier try needs a person, and that is no mistake."""
    _needs_human(world, "win", "a repeat was refused: no")
    verdict = world.verdict()
    assert len(verdict.needs_human) == 1
    assert verdict.problems == ()
