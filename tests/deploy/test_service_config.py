"""What does a client do by itself that has the shipped service config? gRPC's own, with the file as it stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc.aio
import pytest

from betstack.sms.v1.sms_service_pb2_grpc import SmsServiceStub
from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.app import gateway
from gateway.cli.service_config import service_config
from gateway.contract import load_contract
from gateway.failure import Reason
from tests.harness import Scripted, hang_up, http_answer, refused, scripted, settings_for
from tests.logs import calls
from tests.rpc.calls import CREATE, GET_TICKET, OTP, closed_port, refusal_of

FILE: Final = Path(__file__).parents[2] / "generated" / "betstack" / "service_config.json"
SHIPPED: Final = FILE.read_text("utf-8")
TICKET: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93"}')
PATIENCE_S: Final = 20


@asynccontextmanager
async def calling(*targets: str, config: str = SHIPPED) -> AsyncIterator[tuple[Any, Any]]:
    """Connect a client to several gateways; gives the stubs for tickets and SMS."""
    options = [("grpc.service_config", config)]
    async with grpc.aio.insecure_channel(f"ipv4:{','.join(targets)}", options) as channel:
        yield TicketServiceStub(channel), SmsServiceStub(channel)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def half(*answers: Any, config: str = SHIPPED) -> AsyncIterator[tuple[Any, Any, Scripted]]:
    """Run a gateway that reaches the platform and one that does not, each with a ledger of its own."""
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(scripted(TICKET, *answers))
        urls = (stack.enter_context(closed_port()), platform.url)
        running = [await stack.enter_async_context(gateway(settings_for(url))) for url in urls]
        tickets, sms = await stack.enter_async_context(calling(*(each.target for each in running), config=config))
        async with asyncio.timeout(PATIENCE_S):
            while (await refusal_of(tickets.GetTicket(GET_TICKET.made()))).code is not grpc.StatusCode.OK:
                pass
        platform.requests.clear()
        yield tickets, sms, platform


def unreachable(caplog: pytest.LogCaptureFixture) -> int:
    """Return how many calls the gateway got that does not reach the platform."""
    return sum(line.get("reason") == Reason.UPSTREAM_UNREACHABLE for line in calls(caplog))


def policies() -> dict[str, dict[str, Any]]:
    """Return what the file says of each RPC."""
    return {
        f"/{name['service']}/{name['method']}": config
        for config in json.loads(SHIPPED)["methodConfig"]
        for name in config["name"]
    }


def test_every_rpc_is_told_of_by_its_class() -> None:
    """Reads have ten seconds, all else what a gateway may take; nothing but UNAVAILABLE is repeated, and no NOTIFY."""
    assert json.loads(SHIPPED) == service_config()
    told = policies()
    for route in load_contract().routes.values():
        policy = told[route.rpc]
        assert policy["timeout"] == ("10s" if route.call_class.is_read else "35s")
        repeats = policy.get("retryPolicy", {"retryableStatusCodes": []})["retryableStatusCodes"]
        assert repeats == (["UNAVAILABLE"] if route.call_class.is_read or route.call_class.is_money else [])
    own = {rpc.rpartition("/")[2]: policy for rpc, policy in told.items() if rpc not in load_contract().routes}
    assert {name for name, policy in own.items() if "timeout" not in policy} == {"WatchOperation", "Subscribe"}
    assert {name for name, policy in own.items() if "retryPolicy" not in policy} == {"ResolveOperation"}


@pytest.mark.parametrize("to", [GET_TICKET, CREATE], ids=["a read", "a bet"])
async def test_what_was_not_sent_is_repeated_on_another_gateway(to: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Every call succeeds, those too that go first to the gateway that does not reach the platform."""
    async with half(TICKET) as (tickets, _, platform):
        caplog.clear()
        made = 0
        async with asyncio.timeout(PATIENCE_S):
            while not unreachable(caplog):
                await getattr(tickets, to.rpc)(to.made())
                made += 1
        assert len(platform.requests) == made


async def test_a_lost_bet_is_sent_once() -> None:
    """The answer to a bet gets lost: the client is told so, and nobody sends it again."""
    async with half(hang_up) as (tickets, _, platform):
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await tickets.CreateTicket(CREATE.made())
        assert len(platform.requests) == 1


async def test_a_client_that_would_repeat_everything_is_told_not_to() -> None:
    """A lost bet comes with a pushback, which stops clients whose policy is bolder than ours."""
    bold = json.loads(SHIPPED)
    for each in bold["methodConfig"]:
        if "retryPolicy" in each:
            each["retryPolicy"]["retryableStatusCodes"] = ["UNAVAILABLE", "UNKNOWN", "INTERNAL"]
    async with half(hang_up, http_answer(500), TICKET, config=json.dumps(bold)) as (tickets, _, platform):
        with refused(Reason.OUTCOME_UNKNOWN):
            await tickets.CreateTicket(CREATE.made())
        assert len(platform.requests) == 1

        await tickets.GetTicket(GET_TICKET.made())
        assert len(platform.requests) == 3


async def test_a_message_to_a_player_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing remembers a message, so one whose connection broke might arrive twice: whoever sends it decides."""
    with closed_port() as url:
        async with gateway(settings_for(url)) as running, calling(running.target) as (_, sms):
            with refused(Reason.UPSTREAM_UNREACHABLE):
                await sms.SendOtp(OTP.made())
            assert unreachable(caplog) == 1
