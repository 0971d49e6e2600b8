"""What survives a restart?"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import grpc.aio
import httpx
import pytest
from starlette.responses import Response

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from gateway.sandbox import Result, Sandbox, SandboxOptions, WebhookTargets, sandbox
from gateway.sandbox.book import Book
from tests.sandbox.client import NOON, Client, Clock, account_ticket, code, order, plain_http
from tests.sandbox.receiver import Receiver
from tests.sandbox.steering import stub


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A sandbox in a process of its own."""

    process: asyncio.subprocess.Process
    url: str
    control: str

    async def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        assert await self.process.wait() == -signal.SIGKILL


@asynccontextmanager
async def _elsewhere(data: Path, variant: str = "good", operator: str = "") -> AsyncIterator[Elsewhere]:
    command = (sys.executable, "-c", f"from {__name__} import serve; serve({str(data)!r}, {variant!r}, {operator!r})")
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(*command, cwd=root, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        url, control = (await process.stdout.readline()).decode().split()
        yield Elsewhere(process, url, control)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def serve(data: str, variant: str, operator: str) -> None:
    """Be a sandbox until somebody ends the process; it may do so itself in the middle of a transaction.

    If it has a URL, the operator is called back.
    """
    if variant == "dies":
        Book._insert = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]

    async def run() -> None:
        options = SandboxOptions(
            listen="127.0.0.1:0",
            control="127.0.0.1:0",
            data=Path(data),
            clock=lambda: NOON,
            webhooks={"site": WebhookTargets(operator)} if operator else {},
        )
        async with sandbox(options) as running:
            print(running.url, running.control_target, flush=True)
            await asyncio.Event().wait()

    asyncio.run(run())


@pytest.fixture
def lasting(options: SandboxOptions, tmp_path: Path) -> SandboxOptions:
    """Set up a sandbox with a directory for its database."""
    return replace(options, data=tmp_path / "sandbox" / "data")


async def test_tickets_and_money_survive_a_restart(lasting: SandboxOptions, clock: Clock) -> None:
    """Tickets, balances and what the player account system knows are there again."""
    async with sandbox(lasting) as first, plain_http(first.url) as http:
        client = Client(http, clock)
        ticket = (await client.post("/be/tickets", order(first))).json()
        reserved = (await client.post("/be/tickets/reserve", order(first, "superbet"))).json()
        await client.pam("ticket_create", **account_ticket())
        entries, players = first.wallet.entries(), first.wallet.players()

    async with sandbox(lasting) as second, plain_http(second.url) as http:
        client = Client(http, clock)
        assert (await client.get(f"/be/tickets/{ticket['code']}")).json() == ticket
        assert (await client.get("/be/tickets")).json() == [reserved, ticket]
        assert (second.wallet.entries(), second.wallet.players()) == (entries, players)
        assert (await client.pam("ticket_create", **account_ticket())).status_code == 200
        assert second.wallet.entries() == entries
        assert (await client.post(f"/be/tickets/{reserved['id']}/paid")).json()["status"] == "open"


async def test_what_was_answered_survives_a_kill(lasting: SandboxOptions, platform: Sandbox, clock: Clock) -> None:
    """A process that is killed while it is busy has lost nothing that anybody was told, and its money adds up."""
    assert lasting.data is not None
    async with _elsewhere(lasting.data) as other, plain_http(other.url) as http:
        async with grpc.aio.insecure_channel(other.control) as channel:
            await stub(channel).FundPlayer(pb.FundPlayerRequest(token="rich", amount=1_000_000))
        client = Client(http, clock)
        asked = [asyncio.ensure_future(client.post("/be/tickets", order(platform, token="rich"))) for _ in range(60)]
        for _, done in zip(range(20), asyncio.as_completed(asked), strict=False):
            await done
        await other.kill()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    answers = [each.json() for each in outcomes if isinstance(each, httpx.Response)]
    assert len(answers) >= 20

    async with sandbox(lasting) as second, plain_http(second.url) as http:
        for answer in answers:
            assert (await Client(http, clock).get(f"/be/tickets/{answer['id']}")).json() == answer
        tickets = second.book.tickets()
        assert second.wallet.balance(second.wallet.player_of("rich").id) == 1_000_000 - 2_000 * len(tickets)
        assert second.wallet.total() == 0
        assert all(len(second.wallet.entries(ticket.id)) == 2 for ticket in tickets)
        assert (await Client(http, clock).post("/be/tickets", order(second))).json()["id"] not in {
            ticket.id for ticket in tickets
        }


async def test_what_was_half_done_does_not_survive_a_kill(
    lasting: SandboxOptions, platform: Sandbox, clock: Clock
) -> None:
    """Killed between a ticket's money and the ticket, it has neither of them afterwards."""
    assert lasting.data is not None
    async with _elsewhere(lasting.data, "dies") as other, plain_http(other.url) as http:
        with pytest.raises(httpx.TransportError):
            await Client(http, clock).post("/be/tickets", order(platform))
        assert await other.process.wait() == -signal.SIGKILL

    async with sandbox(lasting) as second:
        assert second.book.tickets() == []
        assert {entry.reason for entry in second.wallet.entries()} == {"opening"}


async def test_what_an_operator_has_not_heard_survives_a_restart(
    lasting: SandboxOptions, clock: Clock, operator: Receiver
) -> None:
    """It is told what is left of a ticket's life, in order, and with timestamps that go on."""
    called_back = replace(lasting, webhooks={"site": operator.targets()})
    operator.answers["ticket_win"] = [Response(status_code=500)]
    async with sandbox(called_back) as first, plain_http(first.url) as http:
        ticket = (await Client(http, clock).post("/be/tickets", order(first))).json()["id"]
        first.book.calculate(ticket)
        first.book.result(ticket, Result.WON)
        first.book.rollback(ticket, "a mistake")
        await first.webhooks.settled()
        assert first.webhooks.waiting() == 2

    async with sandbox(called_back) as second:
        assert await second.webhooks.deliver() == 0

    actions = [each for each in operator.received if each.path == "/pam/site"]
    assert [each.kind for each in actions[2:]] == ["ticket_win", "ticket_win", "ticket_rollback"]
    assert actions[-1].timestamp > actions[-2].timestamp


async def test_a_create_without_an_outcome_is_undone_after_a_kill(lasting: SandboxOptions, operator: Receiver) -> None:
    """The operator may have taken the money for a ticket that nobody knows."""
    assert lasting.data is not None
    operator.answers["ticket_create"] = [None]
    url = operator.targets().pam_url
    assert url is not None
    async with sandbox(lasting) as like_it:
        body = order(like_it)
    async with _elsewhere(lasting.data / "other", operator=url) as other, plain_http(other.url) as http:
        asked = asyncio.ensure_future(Client(http, Clock()).post("/be/tickets", body))
        await operator.silent.wait()
        await other.kill()
        with pytest.raises(httpx.TransportError):
            await asked

    lasting = replace(lasting, data=lasting.data / "other", webhooks={"site": operator.targets()})
    async with sandbox(lasting) as second:
        await second.webhooks.settled()
        assert second.book.tickets() == []
    create, discard = operator.received[1:]
    assert (create.kind, discard.kind) == ("ticket_create", "ticket_discard")
    assert create.data["ticket_id"] == discard.data["ticket_id"]
    assert discard.data["reason"] == "interrupted"


async def test_a_ticket_that_cannot_be_kept_is_undone(
    options: SandboxOptions, clock: Clock, operator: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator has taken the money, and gets to know that there is no ticket."""

    def fail(*_: object) -> None:
        raise OSError("no space left")

    called_back = replace(options, webhooks={"site": operator.targets()})
    async with sandbox(called_back) as platform, plain_http(platform.url) as http:
        monkeypatch.setattr(platform.book, "_insert", fail)
        assert (await Client(http, clock).post("/be/tickets", order(platform))).status_code == 500
        await platform.webhooks.settled()

    assert operator.told == ["ticket_create", "ticket_discard"]


async def test_ids_are_not_given_twice(lasting: SandboxOptions, clock: Clock) -> None:
    """Not after a restart, and not with another seed either."""
    ids, codes = set(), set()
    for seed in (0, 0, 1):
        async with sandbox(replace(lasting, seed=seed)) as platform, plain_http(platform.url) as http:
            for _ in range(5):
                ticket = (await Client(http, clock).post("/be/tickets", order(platform))).json()
                ids.add(ticket["id"])
                codes.add(ticket["code"])

    assert len(ids) == len(codes) == 15


async def test_ids_come_from_the_seed(options: SandboxOptions, clock: Clock) -> None:
    """The same seed gives the same ids in the same order, another seed other ones."""

    async def ids(seed: int) -> list[str]:
        async with sandbox(replace(options, seed=seed)) as platform, plain_http(platform.url) as http:
            answers = [await Client(http, clock).post("/be/tickets", order(platform)) for _ in range(2)]
            return [answer.json()[name] for answer in answers for name in ("id", "code", "user_id")]

    assert await ids(0) == await ids(0)
    assert not set(await ids(0)) & set(await ids(1))


async def test_without_a_directory_nothing_survives(options: SandboxOptions, clock: Clock) -> None:
    """The default forgets."""
    async with sandbox(options) as first, plain_http(first.url) as http:
        ticket = (await Client(http, clock).post("/be/tickets", order(first))).json()
    async with sandbox(options) as second, plain_http(second.url) as http:
        assert code(await Client(http, clock).get(f"/be/tickets/{ticket['id']}")) == 102


async def test_a_ticket_and_its_money_are_one(
    platform: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the ticket cannot be stored, its money has not moved."""

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(platform.book, "_insert", fail)
    answer = await client.post("/be/tickets", order(platform))

    assert answer.status_code == 500
    assert platform.book.tickets() == []
    assert {entry.reason for entry in platform.wallet.entries()} == {"opening"}
