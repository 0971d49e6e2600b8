"""What happens in the life of a ticket, and to the money?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.sandbox import (
    HOUSE,
    Happening,
    IllegalTransition,
    LifeCycleEvent,
    Result,
    Sandbox,
    Status,
    Ticket,
    UnknownTicket,
)
from gateway.sandbox.book import Book, Draft
from gateway.sandbox.calculator import Rates, finance

# Price 1000, stake 889, gross payout 1778, net payout 1600.
FINANCE = finance(1000, [2.0], Rates())


def _draft(platform: Sandbox, player: str = "demo") -> Draft:
    return Draft(
        operator="site",
        player=platform.wallet.player_of(player),
        psp=None,
        atag=None,
        rtag=None,
        source="mobile",
        type="quicktip",
        finance=FINANCE,
        content={"events": [], "odds": 2.0},
    )


STEPS: dict[str, Callable[[Book, str], Ticket]] = {
    "pay": lambda book, ticket: book.pay(ticket),
    "calculate": lambda book, ticket: book.calculate(ticket),
    "won": lambda book, ticket: book.result(ticket, Result.WON),
    "lost": lambda book, ticket: book.result(ticket, Result.LOST),
    "void": lambda book, ticket: book.result(ticket, Result.VOID),
    "rollback": lambda book, ticket: book.rollback(ticket, "a mistake"),
    "refund": lambda book, ticket: book.refund(ticket, "declined"),
    "cancel": lambda book, ticket: book.cancel(ticket, "not paid"),
    "close": lambda book, ticket: book.close(ticket),
}

LIVES = [
    # how it begins, what is done, status and result at the end, and what the player has won or lost by then
    ("create", "", Status.OPEN, Result.PENDING, -1000),
    ("reserve", "", Status.RESERVED, Result.PENDING, 0),
    ("reserve", "pay", Status.OPEN, Result.PENDING, -1000),
    ("reserve", "cancel", Status.CANCELLED, Result.PENDING, 0),
    ("create", "calculate", Status.CALCULATING, Result.PENDING, -1000),
    ("create", "calculate won", Status.RESULTED, Result.WON, 600),
    ("create", "calculate lost", Status.RESULTED, Result.LOST, -1000),
    ("create", "calculate void", Status.RESULTED, Result.VOID, 0),
    ("reserve", "pay calculate won close", Status.CLOSED, Result.WON, 600),
    ("create", "calculate won rollback", Status.OPEN, Result.PENDING, -1000),
    ("create", "calculate void rollback", Status.OPEN, Result.PENDING, -1000),
    ("create", "calculate lost rollback", Status.OPEN, Result.PENDING, -1000),
    ("create", "calculate won rollback calculate lost close", Status.CLOSED, Result.LOST, -1000),
    ("create", "refund", Status.CANCELLED, Result.PENDING, 0),
    ("create", "calculate refund close", Status.CLOSED, Result.PENDING, 0),
]


def _lived(platform: Sandbox, beginning: str, steps: str) -> Ticket:
    ticket = getattr(platform.book, beginning)(_draft(platform))
    for step in steps.split():
        ticket = STEPS[step](platform.book, ticket.id)
    assert isinstance(ticket, Ticket)
    return ticket


@pytest.mark.parametrize(("beginning", "steps", "status", "result", "won"), LIVES)
async def test_a_ticket_lives_and_the_money_follows(
    platform: Sandbox, beginning: str, steps: str, status: Status, result: Result, won: int
) -> None:
    """Every step moves what it should, and every movement adds up with the house's."""
    house = platform.wallet.balance(HOUSE)

    ticket = _lived(platform, beginning, steps)

    assert (ticket.status, ticket.result) == (status, result)
    assert platform.book.get(ticket.id) == platform.book.get(ticket.code) == ticket
    assert platform.wallet.balance(ticket.player_id) == 100_000 + won
    assert platform.wallet.balance(HOUSE) == house - won
    assert platform.wallet.total() == 0


ALLOWED = {
    ("create", ""): {"calculate", "refund"},
    ("reserve", ""): {"pay", "cancel"},
    ("reserve", "cancel"): set[str](),
    ("create", "calculate"): {"won", "lost", "void", "refund"},
    ("create", "calculate won"): {"rollback", "close"},
    ("create", "refund"): {"close"},
    ("create", "calculate lost close"): set[str](),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("beginning", "steps"), ALLOWED)
async def test_a_ticket_cannot_do_everything_at_any_time(
    platform: Sandbox, beginning: str, steps: str, step: str
) -> None:
    """A step that the ticket is not ready for is refused, and nothing moves."""
    ticket = _lived(platform, beginning, steps)
    before = platform.wallet.entries()

    if step in ALLOWED[beginning, steps]:
        STEPS[step](platform.book, ticket.id)
    else:
        with pytest.raises(IllegalTransition):
            STEPS[step](platform.book, ticket.id)
        assert platform.book.get(ticket.id) == ticket
        assert platform.wallet.entries() == before


async def test_a_rollback_takes_back_what_is_spent(platform: Sandbox) -> None:
    """A player who has spent the win owes it."""
    player = platform.wallet.add_player("spender", 1000)
    ticket = platform.book.create(_draft(platform, "spender"))
    platform.book.calculate(ticket.id)
    platform.book.result(ticket.id, Result.WON)
    platform.book.create(_draft(platform, "spender"))

    platform.book.rollback(ticket.id, "a mistake")

    assert platform.wallet.balance(player.id) == -1000


async def test_pending_is_no_result(platform: Sandbox) -> None:
    """A ticket gets back to pending by a rollback only."""
    ticket = _lived(platform, "create", "calculate")

    with pytest.raises(ValueError, match="rollback"):
        platform.book.result(ticket.id, Result.PENDING)


async def test_a_ticket_that_is_not_there_cannot_be_advanced(platform: Sandbox) -> None:
    """The book says which one it does not know."""
    with pytest.raises(UnknownTicket, match="ABCDEF"):
        platform.book.calculate("ABCDEF")


async def test_the_book_tells_what_happened(platform: Sandbox) -> None:
    """A listener hears of each step after it is stored, with the ticket after it, until it stops listening."""
    heard: list[LifeCycleEvent] = []

    def listener(event: LifeCycleEvent) -> None:
        assert platform.book.get(event.ticket.id) == event.ticket
        heard.append(event)

    stop = platform.book.listen(listener)
    ticket = _lived(platform, "reserve", "pay calculate won rollback refund")
    stop()
    platform.book.close(ticket.id)

    assert [(event.happening, event.reason) for event in heard] == [
        (Happening.RESERVED, None),
        (Happening.PAID, None),
        (Happening.CALCULATING, None),
        (Happening.WON, None),
        (Happening.ROLLED_BACK, "a mistake"),
        (Happening.REFUNDED, "declined"),
    ]
    assert {event.ticket.id for event in heard} == {ticket.id}


async def test_what_was_refused_is_not_told(platform: Sandbox) -> None:
    """Nothing happened, so there is nothing to tell."""
    heard: list[LifeCycleEvent] = []
    ticket = _lived(platform, "create", "")
    platform.book.listen(heard.append)

    with pytest.raises(IllegalTransition):
        platform.book.close(ticket.id)

    assert heard == []
