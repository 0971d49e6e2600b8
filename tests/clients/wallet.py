"""Does a wallet in another language book what the platform says, once and to the cent?

The one in Go, over mutual TLS: a bet goes through the gateway to the sandbox, whose signed webhooks come back through the
gateway to the wallet.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import grpc.aio
from google.protobuf.message import Message

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.pam.v1.pam_service_pb2_grpc import PamServiceStub
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.sandbox import Fault, FaultKind, Result
from tests.certificates import Authority, Pair
from tests.clients.programs import Failed
from tests.clients.world import Door, World, world
from tests.harness import Client, connected

__all__ = ["wallet_in_go"]

_OPENING: Final = 1_000_00
_PRICE: Final = 20_01
_PATIENCE_S: Final = 30
"""How long the money may be on its way; it is there in a moment unless the machine is busy."""


async def wallet_in_go(program: Path, folder: Path) -> str:
    """Play with a wallet, and return what was seen; raises Failed where money is not where it should be."""
    authority = Authority(folder)
    shown = authority.signed("gateway")
    async with AsyncExitStack() as stack:
        wallet = _Process(program, folder, authority)
        stack.push_async_callback(wallet.kill)
        await wallet.start()
        site = {
            "pam_target": wallet.address,
            "target_tls": True,
            "target_ca_file": str(authority.path),
            "target_cert_file": str(shown.certificate),
            "target_key_file": str(shown.key),
        }
        running = await stack.enter_async_context(world(Door({}, ()), site))
        client = await stack.enter_async_context(connected(running.gateway))
        return await _play(_Table(running, client, authority, shown, wallet))


class _Process:
    """The wallet's process, which can be killed and started again with the same book on the same address."""

    def __init__(self, program: Path, folder: Path, authority: Authority) -> None:
        pair = authority.signed("wallet")
        self._command = (
            str(program),
            *("--book", str(folder / "wallet.db")),
            *("--cert-file", str(pair.certificate)),
            *("--key-file", str(pair.key)),
            *("--client-ca-file", str(authority.path)),
        )
        self._process: asyncio.subprocess.Process | None = None
        self.address = "127.0.0.1:0"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, "--listen", self.address, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        said = await asyncio.wait_for(self._process.stdout.readline(), _PATIENCE_S)
        self.address = said.decode().strip()
        if not self.address:
            raise Failed("the wallet did not start")

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class _Table:
    """What is played with."""

    def __init__(self, running: World, client: Client, authority: Authority, shown: Pair, wallet: _Process) -> None:
        self.platform = running.platform
        self.client = client
        self.authority = authority
        self.shown = shown
        self.wallet = wallet

    async def bet(self, price: int) -> ticket.Ticket:
        """Place a bet."""
        cards = await self.client.cards.ListSuperbetCards(card.ListSuperbetCardsRequest())
        first = cards.cards[0]
        superbet = ticket.Superbet(event=first.event.id, bets=[each.id for each in first.bets[:2]])
        request = ticket.CreateTicketRequest(
            request_id=str(uuid4()),
            token="demo",
            price=price,
            currency="KES",
            source=ticket.TICKET_SOURCE_MOBILE,
            superbet=superbet,
        )
        response = await self.client.tickets.CreateTicket(request, timeout=_PATIENCE_S)
        placed: ticket.Ticket = response.ticket
        return placed

    async def balance(self) -> int:
        """Ask the wallet what the player has, in cents."""
        response = await self.call("Identify", pam.IdentifyRequest(token="demo"))
        balance: int = response.balance
        return balance

    async def until(self, expected: int, when: str) -> None:
        """Wait until the player has as much; raises Failed where that never comes."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while (found := await self.balance()) != expected:  # noqa: ASYNC110 - the wallet does not tell
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise Failed(f"{when} the player should have {expected} cents and has {found}") from None

    async def refused(self, price: int) -> None:
        """Place a bet that the player cannot pay; raises Failed where it is taken."""
        try:
            await self.bet(price)
        except grpc.aio.AioRpcError as refusal:
            if refusal.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise Failed(f"a bet beyond the player's money: {refusal.code().name} {refusal.details()}") from None
        else:
            raise Failed("a bet beyond the player's money was taken")

    async def decide(self, ticket_id: str, result: Result) -> None:
        """Let the platform work a ticket out, and send its webhooks."""
        self.platform.book.calculate(ticket_id)
        self.platform.book.result(ticket_id, result)
        await self.platform.webhooks.settled()

    async def call(self, rpc: str, request: Message) -> Any:
        """Call the wallet itself, as the gateway does."""
        credentials = grpc.ssl_channel_credentials(self.authority.path.read_bytes(), *self.shown.read())
        async with grpc.aio.secure_channel(self.wallet.address, credentials) as channel:
            pam_service: Any = PamServiceStub(channel)  # type: ignore[no-untyped-call]
            return await getattr(pam_service, rpc)(request, timeout=_PATIENCE_S)


async def _play(table: _Table) -> str:
    table.platform.faults.add(Fault(FaultKind.DUPLICATE_WEBHOOK))
    first = await table.bet(_PRICE)
    await table.until(_OPENING - _PRICE, "after a bet")

    await table.wallet.kill()
    await table.decide(first.id, Result.WON)
    await table.wallet.start()
    won = _OPENING - _PRICE + first.net_payout
    await table.until(won, "after a win that came while the wallet was away")

    await _repeat(table, first)
    await table.until(won, "after repeats")

    table.platform.book.rollback(first.id, "the wrong result")
    await table.until(_OPENING - _PRICE, "after the result was taken back")
    await table.decide(first.id, Result.VOID)
    await table.until(_OPENING, "after the ticket became void")

    second = await table.bet(_PRICE)
    await table.decide(second.id, Result.LOST)
    await table.refused(_OPENING)
    await table.until(_OPENING - _PRICE, "after a bet that was lost and one that was refused")
    await _keep_strangers_out(table)
    prize, end = _money(first.net_payout), _money(_OPENING - _PRICE)
    return (
        f"over mutual TLS: a bet of {_money(_PRICE)} won {prize} although the wallet was killed meanwhile, "
        f"taken back, void; another lost, a third refused; repeats booked once; {end} at the end"
    )


async def _repeat(table: _Table, placed: ticket.Ticket) -> None:
    """Say again what has been said, under the same keys."""
    create = pam.CreateTicketRequest(
        request_id=f"site/ticket_create/{placed.id}/0",
        operator="site",
        ticket_id=placed.id,
        player_id=placed.user_id,
        price=placed.price,
        currency=placed.currency,
    )
    win = pam.WinTicketRequest(request_id=f"site/ticket_win/{placed.id}/0", operator="site", ticket_id=placed.id)
    for _ in range(3):
        await table.call("CreateTicket", create)
        await table.call("WinTicket", win)


async def _keep_strangers_out(table: _Table) -> None:
    """Connect without a certificate."""
    trusting = ssl.create_default_context(cafile=str(table.authority.path))
    trusting.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(*table.wallet.address.split(":"), ssl=trusting)
    try:
        await asyncio.wait_for(reader.read(1), _PATIENCE_S)
    except ssl.SSLError as refusal:
        if refusal.reason != "TLSV13_ALERT_CERTIFICATE_REQUIRED":
            raise Failed(f"a caller without a certificate: {refusal.reason}") from None
    else:
        raise Failed("a caller without a certificate was let in")
    finally:
        writer.close()


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02} KES"
