"""Does a gateway start, serve and end as a whole?"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc.aio
import pytest

from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.app import gateway
from tests.harness import SECRET, client_of, connected, http_answer, scripted, settings_for
from tests.rpc.calls import CREATE, GET_TICKET, Gate, facing, refusal_of

TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'

SERVE: Final = """
import asyncio, json, sys
from gateway.app import serve
from gateway.settings import load_settings

def started(gateway):
    print(gateway.target, flush=True)

asyncio.run(serve(load_settings(**json.loads(sys.argv[1])), started))
print("served", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway in a process of its own."""

    process: asyncio.subprocess.Process
    target: str

    async def ended(self) -> tuple[int | None, str, str]:
        """Return its status and what it still said, once it is over."""
        async with asyncio.timeout(20):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def served(url: str, folder: Path, grace_s: float = 10) -> AsyncIterator[Served]:
    """Run ``serve`` in a process of its own, whose warnings are errors."""
    content = {
        "server": {"listen": "127.0.0.1:0", "grace_s": grace_s, "connection_age_s": 0},
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "default_operator": "site",
        "operators": {"site": {"secret": SECRET, "platform_url": url}},
    }
    command = [sys.executable, "-W", "error", "-c", SERVE, json.dumps(content)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    try:
        yield Served(process, (await process.stdout.readline()).decode().strip())
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_sigterm_lets_a_bet_in_flight_finish(tmp_path: Path) -> None:
    """The bet that is on its way is answered, and the process ends with status 0 and without complaints."""
    gate = Gate(http_answer(200, TICKET))
    async with scripted(gate) as platform, served(platform.url, tmp_path) as running:
        async with grpc.aio.insecure_channel(running.target) as channel:
            stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]
            call = stub.CreateTicket(CREATE.made())
            await gate.asked.wait()

            running.process.send_signal(signal.SIGTERM)
            gate.open.set()

            assert (await call).ticket.code == "AB12CD"
        assert await running.ended() == (0, "served\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_gateway_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    """Both signals end it with status 0, long before the grace is over."""
    async with served("http://127.0.0.1:1", tmp_path, grace_s=3600) as running:
        running.process.send_signal(number)

        assert await running.ended() == (0, "served\n", "")


async def test_a_bet_that_does_not_end_does_not_keep_the_gateway(tmp_path: Path) -> None:
    """After the grace the process ends with status 0, whatever the platform does."""
    gate = Gate(b"")
    async with scripted(gate) as platform, served(platform.url, tmp_path, grace_s=0.6) as running:
        async with grpc.aio.insecure_channel(running.target) as channel:
            stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]
            call = asyncio.ensure_future(refusal_of(stub.CreateTicket(CREATE.made())))
            await gate.asked.wait()

            running.process.send_signal(signal.SIGTERM)

            assert (await call).info.reason == "OUTCOME_UNKNOWN"
        assert await running.ended() == (0, "served\n", "")


async def test_an_address_that_is_taken_stops_the_start() -> None:
    """Two gateways do not share a port; nothing of the second one is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RuntimeError, match="bind"):
            async with gateway(settings_for("http://127.0.0.1:1", server={"listen": listen})):
                pytest.fail("it started")


async def test_two_gateways_do_not_meet() -> None:
    """In one process, each gateway has its own settings, connections and counts."""
    async with facing(http_answer(200, TICKET)) as (one, first), facing(http_answer(404)) as (other, second):
        assert one.gateway.port != other.gateway.port
        await GET_TICKET(one)
        await refusal_of(GET_TICKET(other))

        assert (len(first.requests), len(second.requests)) == (1, 1)
        assert one.gateway.telemetry is not other.gateway.telemetry


async def test_a_gateway_that_ended_is_gone() -> None:
    """After the block nobody listens, and the connections to the platform are closed."""
    async with scripted(http_answer(200, TICKET)) as platform:
        async with gateway(settings_for(platform.url)) as running:
            async with connected(running) as client:
                await GET_TICKET(client)
            assert platform.open == 1

        async with connected(running) as client:
            assert (await refusal_of(GET_TICKET(client))).code is grpc.StatusCode.UNAVAILABLE
        async with asyncio.timeout(5):
            while platform.open:  # noqa: ASYNC110 - one turn of the loop, in which the connection ends
                await asyncio.sleep(0)


async def test_a_gateway_can_be_started_again_where_it_was() -> None:
    """A port is free as soon as its gateway has ended."""
    async with client_of(settings_for("http://127.0.0.1:1")) as client:
        port = client.gateway.port
    async with client_of(settings_for("http://127.0.0.1:1", server={"listen": f"127.0.0.1:{port}"})) as client:
        assert client.gateway.port == port
