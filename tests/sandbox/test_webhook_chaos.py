"""Do webhooks go wrong as they are told to, and never in a way that an operator could not put right?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from starlette.responses import Response

from gateway.sandbox import (
    Fault,
    FaultKind,
    IllegalTransition,
    Result,
    Sandbox,
    SandboxOptions,
    Status,
    Ticket,
    WebhookChaos,
    sandbox,
)
from tests.sandbox.client import NOON, Client, Clock, order, plain_http
from tests.sandbox.receiver import Received, Receiver, refused

DUPLICATE = FaultKind.DUPLICATE_WEBHOOK


@pytest.fixture
def options(options: SandboxOptions, operator: Receiver) -> SandboxOptions:
    """Set up a sandbox that calls the operator `site` back."""
    return replace(options, webhooks={"site": operator.targets()})


async def _made(client: Client, platform: Sandbox, beginning: str = "") -> list[str]:
    """Return the id of the new ticket, if there is one."""
    answer = await client.post(f"/be/tickets{beginning}", order(platform))
    return [answer.json()["id"]] if answer.status_code == 200 else []


async def _make(client: Client, platform: Sandbox, beginning: str = "") -> Ticket:
    (made,) = await _made(client, platform, beginning)
    return platform.book.get(made)


def _win(platform: Sandbox, ticket: Ticket) -> None:
    platform.book.calculate(ticket.id)
    platform.book.result(ticket.id, Result.WON)


def _sealed(received: list[Received]) -> list[tuple[int, str]]:
    return [(each.timestamp, each.signature) for each in received]


async def test_a_webhook_comes_twice(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """The very same bytes, as much later as the fault says, though others about the ticket came between."""
    ticket = await _make(client, platform)
    platform.faults.add(Fault(DUPLICATE, action="ticket_win", seconds=60))
    _win(platform, ticket)
    await platform.webhooks.settled()
    platform.book.rollback(ticket.id, "a mistake")
    platform.clock.advance(59)
    await platform.webhooks.settled()
    assert len(operator.about("ticket_win")) == 1

    platform.clock.advance(1)
    await platform.webhooks.settled()

    first, second = _sealed(operator.about("ticket_win"))
    assert first == second
    assert operator.told[-2:] == ["ticket_rollback", "ticket_win"]
    assert [each.copy for each in platform.webhooks.deliveries][-1]
    assert platform.faults.counts == {DUPLICATE: 1}
    assert platform.webhooks.waiting() == 0


async def test_a_webhook_comes_twice_with_two_signatures(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """Then it comes before anything else about the ticket, or nobody could tell it from a new one."""
    ticket = await _make(client, platform)
    platform.faults.add(Fault(DUPLICATE, action="ticket_win", resigned=True))
    _win(platform, ticket)
    platform.book.rollback(ticket.id, "a mistake")
    await platform.webhooks.settled()
    assert operator.about("ticket_rollback") == []

    platform.clock.advance(1)
    await platform.webhooks.settled()

    actions = [each for each in operator.received if each.path.startswith("/pam")][2:]
    assert [each.kind for each in actions] == ["ticket_win", "ticket_win", "ticket_rollback"]
    assert [each.timestamp for each in actions] == sorted({each.timestamp for each in actions})


@pytest.mark.parametrize("resigned", [False, True])
@pytest.mark.parametrize("beginning", ["", "/reserve"])
async def test_what_is_waited_for_comes_twice(
    client: Client, platform: Sandbox, operator: Receiver, beginning: str, resigned: bool
) -> None:
    """Whoever waits does not wait for the repeat."""
    platform.faults.add(Fault(DUPLICATE, action=f"ticket_{beginning.strip('/') or 'create'}", resigned=resigned))
    await _make(client, platform, beginning)
    assert len(operator.told) == 1

    platform.clock.advance(1)
    await platform.webhooks.settled()

    first, second = operator.received[1:]
    assert first.data == second.data
    assert (first.timestamp != second.timestamp) == (first.signature != second.signature) == resigned


async def test_a_fault_finds_its_webhook(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """By address and by action, as often as it says, and in line."""
    for fault in (
        Fault(DUPLICATE, path="/pam/acme"),
        Fault(DUPLICATE, path="/sms", seconds=0),
        Fault(DUPLICATE, path="/pam/site", action="ticket_win", times=2, seconds=0),
    ):
        platform.faults.add(fault)
    for _ in range(3):
        _win(platform, await _make(client, platform))
    await platform.webhooks.settled()

    assert Counter(operator.kinds) == {"identify": 3, "ticket_create": 3, "ticket_win": 5, "ticket_status": 4}
    assert [fault.path for fault in platform.faults.pending] == ["/pam/acme"]


@pytest.mark.parametrize(("resigned", "wins"), [(True, 2), (False, 3)])
async def test_the_repeat_of_what_failed(
    client: Client, platform: Sandbox, operator: Receiver, resigned: bool, wins: int
) -> None:
    """What failed is repeated anyway, with a signature of its own; the same bytes come again besides, and once."""
    ticket = await _make(client, platform)
    operator.answers["ticket_win"] = [Response(status_code=500), Response(status_code=500)]
    platform.faults.add(Fault(DUPLICATE, action="ticket_win", resigned=resigned))
    _win(platform, ticket)
    await platform.webhooks.settled()
    if not resigned:
        platform.clock.advance(1)
        await platform.webhooks.settled()
        assert platform.webhooks.waiting() == 1
    operator.answers.clear()
    await platform.webhooks.deliver()

    assert len(operator.about("ticket_win")) == wins
    assert platform.webhooks.waiting() == 0


async def test_an_answer_gets_lost(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """What the operator has done, the platform does not know, and tells it again."""
    ticket = await _make(client, platform)
    platform.webhooks.set_chaos(WebhookChaos(answer_lost=1))
    _win(platform, ticket)
    await platform.webhooks.settled()
    await operator.until_told(3)
    assert [each.status for each in platform.webhooks.deliveries][-2:] == [None, None]

    platform.webhooks.set_chaos(None)
    assert await platform.webhooks.deliver() == 0
    assert len(operator.about("ticket_win")) == 2


async def test_an_answer_to_a_create_gets_lost(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """There is no ticket, and what the operator took for it goes back."""
    platform.webhooks.set_chaos(WebhookChaos(answer_lost=0.4, seed=3))
    made = [ticket for _ in range(30) for ticket in await _made(client, platform)]
    platform.webhooks.set_chaos(None)
    await platform.webhooks.deliver()
    await operator.idle()

    assert 0 < len(made) < 30
    assert {ticket.id for ticket in platform.book.tickets()} == set(made)
    asked = {each.data["ticket_id"] for each in operator.about("ticket_create")}
    assert {each.data["ticket_id"] for each in operator.about("ticket_discard")} == asked - set(made)


async def test_a_create_comes_after_its_discard(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """It was signed before, and got stuck on the way."""
    platform.webhooks.set_chaos(WebhookChaos(overtaken=1, longest_delay_s=10))
    answer = await client.post("/be/tickets", order(platform))
    await platform.webhooks.settled()
    platform.clock.advance(10)
    await platform.webhooks.settled()

    assert answer.json()["code"] == 120
    assert operator.told == ["ticket_discard", "ticket_create"]
    discard, create = operator.received[1:]
    assert create.timestamp < discard.timestamp
    assert platform.book.tickets() == []


async def test_webhooks_come_late(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """As late as chance will have it, and in order; nobody is kept waiting for a ticket."""
    platform.webhooks.set_chaos(WebhookChaos(delay=1, longest_delay_s=100, seed=1))
    ticket = await _make(client, platform)
    _win(platform, ticket)
    platform.book.rollback(ticket.id, "a mistake")
    await platform.webhooks.settled()
    assert operator.told == ["ticket_create"]

    platform.clock.advance(100)
    await platform.webhooks.settled()
    assert [each.kind for each in operator.received if each.path == "/pam/site"][2:] == [
        "ticket_win",
        "ticket_rollback",
    ]


async def test_late_is_soon_by_itself(options: SandboxOptions, operator: Receiver) -> None:
    """Nobody has to move the clock if it goes."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    running = replace(options, clock=lambda: NOON + loop.time() - began)
    async with sandbox(running) as platform, plain_http(platform.url) as http:
        client = Client(http, Clock())
        platform.faults.add(Fault(DUPLICATE, action="ticket_create", seconds=0.05))
        await _make(client, platform)

        await operator.until_told(2)
        assert loop.time() - began >= 0.05


async def test_the_same_seed_does_the_same(options: SandboxOptions, clock: Clock) -> None:
    """To the same tickets; another seed does something else."""

    async def run(seed: int) -> list[tuple[str, str | None, int | None, bool]]:
        async with sandbox(options) as platform, plain_http(platform.url) as http:
            chaos = WebhookChaos(duplicate=0.4, answer_lost=0.3, delay=0.5, overtaken=0.2, seed=seed)
            platform.webhooks.set_chaos(chaos)
            client = Client(http, clock)
            for _ in range(12):
                for ticket in await _made(client, platform):
                    _win(platform, platform.book.get(ticket))
            await platform.webhooks.deliver()
            return sorted(
                (each.webhook.kind, each.webhook.ticket_id or "", each.status or 0, each.copy)
                for each in platform.webhooks.deliveries
            )

    assert await run(1) == await run(1)
    assert await run(1) != await run(2)


@pytest.mark.parametrize(
    "changes", [{"duplicate": 1.1}, {"resigned": -0.1}, {"answer_lost": float("nan")}, {"longest_delay_s": -1}]
)
def test_chaos_has_its_limits(changes: dict[str, Any]) -> None:
    """A share is a share, and nothing is early."""
    with pytest.raises(ValueError, match=r"share|earlier"):
        WebhookChaos(**changes)


@dataclass(slots=True)
class Account:
    """What an operator that reads its webhooks well knows of a ticket."""

    price: int = 0
    net_payout: int = 0
    state: str = "unseen"
    # Rollbacks accepted, by timestamp.
    rollbacks: list[int] = field(default_factory=list)
    # What was accepted: action and how many rollbacks came before it.
    facts: set[tuple[str, int]] = field(default_factory=set)
    paid: int = 0


class Operator:
    """An operator that debits and credits each fact once, whatever comes how often."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.sealed: set[tuple[int, str]] = set()
        self.balance = 0
        self.problems: list[str] = []

    def judge(self, webhook: Received) -> Response | None:
        """Do what an action says, once; the tombstone of a discard refuses what comes late."""
        action, data = webhook.kind.removeprefix("ticket_"), webhook.data
        if webhook.path.startswith("/sms") or action == "identify":
            return None
        seal = (webhook.timestamp, webhook.signature)
        if seal in self.sealed:
            return Response()
        account = self.accounts.setdefault(data["ticket_id"], Account())
        epoch = sum(stamp <= webhook.timestamp for stamp in account.rollbacks)
        if action in {"create", "reserve", "discard", "refund"}:
            epoch = 0
        if action == "rollback":
            epoch = len(account.rollbacks)
            if account.state == "open" and account.rollbacks:
                epoch -= 1
        if (action, epoch) not in account.facts:
            if not self._apply(account, action, data):
                return refused(116, f"{action} of a ticket that is {account.state}")
            account.facts.add((action, epoch))
            if action == "rollback":
                account.rollbacks.append(webhook.timestamp)
        self.sealed.add(seal)
        return Response()

    def _apply(self, account: Account, action: str, data: dict[str, Any]) -> bool:
        match action, account.state:
            case ("create" | "reserve", "unseen"):
                account.price, account.net_payout, account.state = data["price"], data["net_payout"], "open"
                self.balance -= account.price
            case "create", "open":
                pass
            case "discard", "unseen" | "open":
                self.balance += account.price if account.state == "open" else 0
                account.state = "discarded"
            case (("win" | "lost" | "void" | "refund"), "open"):
                amounts = {"win": account.net_payout, "void": account.price, "refund": account.price}
                account.paid, account.state = amounts.get(action, 0), action
                self.balance += account.paid
            case "rollback", "win" | "lost" | "void":
                self.balance -= account.paid
                account.state = "open"
            case "closed", "win" | "lost" | "void" | "refund":
                account.state = "closed"
            case _, "discarded":
                return False
            case _:
                self.problems.append(f"{action} of {account.state}")
                return False
        return True


def _lives(chance: Random) -> Iterator[Callable[[Sandbox, str], Ticket]]:
    """Yield what happens to a ticket, for ever; most of it will not fit."""
    steps: list[Callable[[Sandbox, str], Ticket]] = [
        lambda platform, ticket: platform.book.calculate(ticket),
        lambda platform, ticket: platform.book.result(ticket, chance.choice(list(Result)[1:])),
        lambda platform, ticket: platform.book.rollback(ticket, "a mistake"),
        lambda platform, ticket: platform.book.refund(ticket, "declined"),
        lambda platform, ticket: platform.book.cancel(ticket, "not paid"),
    ]
    while True:
        yield chance.choices(steps, [8, 8, 4, 1, 1])[0]


def _worth(ticket: Ticket) -> int:
    """Return what a ticket has brought its player so far."""
    refunded = ticket.status is Status.CANCELLED or (ticket.status is Status.CLOSED and ticket.result is Result.PENDING)
    if refunded or ticket.result is Result.VOID:
        return 0
    return -ticket.finance.price + (ticket.finance.net_payout if ticket.result is Result.WON else 0)


@pytest.mark.parametrize("seed", range(6))
async def test_an_operator_that_reads_well_has_the_right_balances(
    client: Client, platform: Sandbox, operator: Receiver, seed: int
) -> None:
    """Duplicates, lost answers, delays, failures and creates after their discards: in the end all of it adds up."""
    chance, site = Random(seed), Operator()
    operator.judge = site.judge
    platform.webhooks.set_chaos(
        WebhookChaos(duplicate=0.3, answer_lost=0.15, delay=0.3, overtaken=0.1, longest_delay_s=5, seed=seed)
    )
    lives, tickets = _lives(chance), list[str]()
    for _ in range(250):
        if chance.random() < 0.2 or not tickets:
            tickets += await _made(client, platform, chance.choice(["", "/reserve"]))
            continue
        ticket = chance.choice(tickets)
        if chance.random() < 0.2:
            await client.post(f"/be/tickets/{ticket}/paid")
        try:
            next(lives)(platform, ticket)
        except IllegalTransition:
            continue
        if chance.random() < 0.3:
            client.clock.now += chance.choice([1, 1, 60, 1_800, 86_400])
            await platform.webhooks.settled()
    for chaos in (platform.webhooks.chaos, None):
        platform.webhooks.set_chaos(chaos)
        for _ in range(40):
            await platform.webhooks.deliver()
    await operator.idle()

    assert (site.problems, platform.webhooks.waiting()) == ([], 0)
    assert site.balance == sum(_worth(ticket) for ticket in platform.book.tickets())
    assert any(each.copy for each in platform.webhooks.deliveries)
    assert platform.wallet.total() == 0
