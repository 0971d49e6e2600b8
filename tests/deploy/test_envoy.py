"""What do callers get from gateways behind Envoy? A real one, with the configuration that is shipped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc.aio
import pytest

from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.app import Gateway, gateway
from gateway.callers import token_hash
from gateway.failure import Reason
from tests.certificates import Authority, Pair
from tests.deploy.envoy import Envoy, running
from tests.harness import hang_up, http_answer, refused, scripted, settings_for
from tests.rpc.calls import CREATE, GET_TICKET, closed_port, error_body, refusal_of

TICKET: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93"}')
TOKEN: Final = (("authorization", "Bearer t0ken"),)
BOLD: Final = (("x-envoy-retry-grpc-on", "unknown"), ("x-envoy-max-retries", "3"))
NAMES: Final = "DNS:betstack-gateway,IP:127.0.0.1"
UNAVAILABLE: Final = grpc.StatusCode.UNAVAILABLE
EJECTED: Final = "failed_outlier_check"
UNWELL: Final = "failed_active_health_check"
PATIENCE_S: Final = 30

if sys.platform != "linux":
    pytest.skip("the package with Envoy is for Linux", allow_module_level=True)


@dataclass(slots=True)
class Relay:
    """Leads the first connection, over which Envoy asks for health, to a gateway; breaks off all others."""

    port: int = 0
    refused: int = 0

    @asynccontextmanager
    async def before(self, port: int) -> AsyncIterator[int]:
        """Listen; gives the port."""
        taken = False

        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal taken
            if taken:
                self.refused += 1
                writer.close()
                return
            taken = True
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_carried(reader, back), _carried(there, writer))

        async with await asyncio.start_server(lead, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self.port


async def _carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@dataclass(frozen=True, slots=True)
class Mesh:
    """Two gateways behind an Envoy; the first one leaves when ``first`` is closed."""

    envoy: Envoy
    gateways: tuple[Gateway, Gateway]
    first: AsyncExitStack
    authority: Authority

    @asynccontextmanager
    async def calling(self, target: str = "", shown: Pair | None = None) -> AsyncIterator[Any]:
        """Connect to Envoy, or to somebody else, with a certificate; gives the stub for tickets."""
        pair = shown.read() if shown else ()
        credentials = grpc.ssl_channel_credentials(self.authority.path.read_bytes(), *pair)
        own = [("grpc.enable_retries", 0)]  # whoever repeats is Envoy
        async with grpc.aio.secure_channel(target or self.envoy.target, credentials, own) as channel:
            yield TicketServiceStub(channel)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def mesh(folder: Path, *urls: str, relay: Relay | None = None, lameduck_s: float = 0) -> AsyncIterator[Mesh]:
    """Run gateways before two platforms, each with a ledger of its own, and Envoy before them.

    The first one takes its time to leave; a relay leads to the second.
    """
    authority = Authority(folder)
    shown = authority.signed("gateway", NAMES)
    tls = {"tls_cert_file": shown.certificate, "tls_key_file": shown.key, "client_ca_file": authority.path}
    web = {"tokens": [token_hash("t0ken")], "operators": ["site"], "rights": ["read", "bet"]}
    async with AsyncExitStack() as stack:
        stacks = [await stack.enter_async_context(AsyncExitStack()) for _ in urls]
        one, two = [
            await each.enter_async_context(
                gateway(settings_for(url, server={**tls, "lameduck_s": leaves_s}, callers={"web": web}))
            )
            for each, url, leaves_s in zip(stacks, urls, (lameduck_s, 0), strict=True)
        ]
        behind = two.port if relay is None else await stack.enter_async_context(relay.before(two.port))
        certificates = {"callers": authority.signed("envoy"), "gateway": authority.signed("envoy-as-client")}
        envoy = await stack.enter_async_context(running(folder, (one.port, behind), ca=authority.path, **certificates))
        yield Mesh(envoy, (one, two), stacks[0], authority)


async def test_what_the_gateway_says_arrives_unchanged(tmp_path: Path) -> None:
    """An error has the same status with the same details as without Envoy."""
    refusal = http_answer(400, error_body(102))
    async with scripted(refusal) as platform, mesh(tmp_path, platform.url, platform.url) as meshed:
        me = meshed.authority.signed("me")
        request, seen = CREATE.made(), []
        for target in (meshed.envoy.target, meshed.gateways[1].target):
            async with meshed.calling(target, me) as tickets:
                with refused(Reason.TICKET_NOT_FOUND, platform_code="102", execution="NOT_EXECUTED") as told:
                    await tickets.CreateTicket(request, metadata=TOKEN)
                details = [detail.type_url for detail in told.status.details]
                assert "grpc-retry-pushback-ms" not in told.trailers
                seen.append((told.code, told.message, told.metadata, details))
        assert seen[0] == seen[1]


async def test_strangers_do_not_get_in(tmp_path: Path) -> None:
    """Without a certificate there is no connection; with one, Envoy's own name is nobody: the token says who calls."""
    async with scripted(TICKET) as platform, mesh(tmp_path, platform.url, platform.url) as meshed:
        async with meshed.calling() as tickets:
            assert (await refusal_of(tickets.GetTicket(GET_TICKET.made(), metadata=TOKEN))).code is UNAVAILABLE
        async with meshed.calling(shown=meshed.authority.signed("me")) as tickets:
            with refused(Reason.CALLER_UNKNOWN):
                await tickets.GetTicket(GET_TICKET.made())
            await tickets.GetTicket(GET_TICKET.made(), metadata=TOKEN)
        assert len(platform.requests) == 1


async def test_a_lost_bet_is_sent_once(tmp_path: Path) -> None:
    """Envoy repeats nothing that may have been executed, nor what a caller asks it to, and blames no gateway for it."""
    async with scripted(hang_up) as platform, mesh(tmp_path, platform.url, platform.url) as meshed:
        async with meshed.calling(shown=meshed.authority.signed("me")) as tickets:
            for number in range(1, 9):
                with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN") as lost:
                    await tickets.CreateTicket(CREATE.made(), metadata=(*TOKEN, *BOLD))
                assert lost.trailers["grpc-retry-pushback-ms"] == "-1"
                assert len(platform.requests) == number
        for each in meshed.gateways:
            assert not await meshed.envoy.flagged(each.port, EJECTED)


async def test_what_was_not_sent_is_repeated_on_another_gateway(tmp_path: Path) -> None:
    """One gateway does not reach the platform: callers do not notice, and every bet is sent once."""
    with closed_port() as nowhere:
        async with scripted(TICKET) as platform, mesh(tmp_path, nowhere, platform.url) as meshed:
            async with meshed.calling(shown=meshed.authority.signed("me")) as tickets:
                for _ in range(6):
                    await tickets.CreateTicket(CREATE.made(), metadata=TOKEN)
            assert len(platform.requests) == 6
            assert await meshed.envoy.stat("upstream_rq_retry_success") >= 1


async def test_a_gateway_that_leaves_gets_no_more_calls(tmp_path: Path) -> None:
    """NOT_SERVING takes a gateway out while it still serves; no call is lost from the first word to its end."""
    async with (
        scripted(TICKET) as platform,
        scripted(TICKET) as other,
        mesh(tmp_path, platform.url, other.url, lameduck_s=2) as meshed,
        meshed.calling(shown=meshed.authority.signed("me")) as tickets,
    ):

        async def bet() -> None:
            await tickets.CreateTicket(CREATE.made(), metadata=TOKEN)

        while not platform.requests or not other.requests:
            await bet()
        leaving = asyncio.create_task(meshed.first.aclose())
        while not await meshed.envoy.flagged(meshed.gateways[0].port, UNWELL):
            await bet()

        missed = 0
        async with asyncio.timeout(PATIENCE_S):
            while missed < 6:
                before = len(platform.requests)
                await bet()
                missed = missed + 1 if len(platform.requests) == before else 0
        await leaving


async def test_a_gateway_that_cannot_be_reached_is_ejected(tmp_path: Path) -> None:
    """Its health can be asked for and calls break off: after a few it gets none, and callers do not notice."""
    relay = Relay()
    async with (
        scripted(TICKET) as platform,
        mesh(tmp_path, platform.url, platform.url, relay=relay) as meshed,
        meshed.calling(shown=meshed.authority.signed("me")) as tickets,
    ):
        async with asyncio.timeout(PATIENCE_S):
            while not await meshed.envoy.flagged(relay.port, EJECTED):
                await tickets.GetTicket(GET_TICKET.made(), metadata=TOKEN)
        assert not await meshed.envoy.flagged(relay.port, UNWELL)
        assert relay.refused >= 3
