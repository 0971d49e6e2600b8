"""What does the gRPC face make of calls that are none, and of callers who set no deadline?"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import grpc.aio
import pytest

from gateway.failure import Reason
from tests.cli.program import PATIENCE_S
from tests.harness import http_answer, refused
from tests.logs import calls
from tests.rpc.calls import CREATE, GET_TICKET, WIN, facing

BROKEN: Final[dict[str, bytes]] = {
    "a cut field": b"\x0a\x05ab",
    "no protobuf": b"\xff\xff\xff\xff",
    "text that is not UTF-8": b"\x0a\x02\xff\xfe",
    "a group that never ends": b"\x0b",
}
TICKET: Final = b'{"id":"668ef666333180bba97f0c93"}'


def raw(channel: grpc.aio.Channel, rpc: str) -> Callable[..., Any]:
    """Return a call that sends and returns bytes as they are."""
    return channel.unary_unary(rpc)


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_bytes_that_are_no_request_are_refused_with_a_reason(body: bytes) -> None:
    """A broken message is INVALID_REQUEST with an ErrorInfo, says what was expected, and is not sent."""
    async with facing(http_answer(200, TICKET)) as (client, platform):
        with refused(Reason.INVALID_REQUEST) as refusal:
            await raw(client.channel, "/betstack.ticket.v1.TicketService/GetTicket")(body)
        assert "betstack.ticket.v1.GetTicketRequest" in refusal.message

        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED"):
            await raw(client.channel, "/betstack.ticket.v1.TicketService/CreateTicket")(body)
        assert platform.connections == 0


async def test_fields_the_contract_does_not_know_are_no_reason_to_refuse() -> None:
    """A newer client may send more than this gateway knows."""
    async with facing(http_answer(200, TICKET)) as (client, platform):
        await raw(client.channel, "/betstack.ticket.v1.TicketService/GetTicket")(
            GET_TICKET.request.SerializeToString() + b"\xf2\x3f\x03new"
        )

        assert platform.requests[0].startswith(b"GET /be/tickets/AB12CD HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "rpc",
    [
        "/betstack.ticket.v1.TicketService/DeleteTicket",
        "/betstack.ticket.v1.TicketService/",
        "/betstack.ticket.v2.TicketService/GetTicket",
        "/TicketService/GetTicket",
        "/nothing",
    ],
)
async def test_what_is_not_served_is_unimplemented(rpc: str) -> None:
    """An unknown service or method is answered by gRPC itself, without an ErrorInfo."""
    async with facing(http_answer(200, TICKET)) as (client, platform):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await raw(client.channel, rpc)(b"")

        assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "grpc-status-details-bin" not in dict(refusal.value.trailing_metadata() or ())
        assert platform.connections == 0


async def test_one_record_is_left_of_every_call(caplog: pytest.LogCaptureFixture) -> None:
    """Each call leaves one line with RPC, operator, request id, its end, how far it got, and how long it took."""
    async with facing(http_answer(200, TICKET), http_answer(500), http_answer(200)) as (client, _):
        with caplog.at_level(logging.INFO, logger="gateway"):
            await GET_TICKET(client)
            with refused(Reason.OUTCOME_UNKNOWN) as refusal:
                await CREATE(client)
            made = await WIN(client).initial_metadata()

    read, bet, won = calls(caplog)
    assert read.pop("request_id")
    assert read == {
        "call": "/betstack.ticket.v1.TicketService/GetTicket",
        "operator": "site",
        "code": "OK",
        "api": "be",
        "stage": "ANSWERED",
        "http_status": "200",
    }
    assert bet == {
        "call": "/betstack.ticket.v1.TicketService/CreateTicket",
        "operator": "site",
        "request_id": refusal.metadata["request_id"],
        "code": "UNKNOWN",
        "reason": "OUTCOME_UNKNOWN",
        "execution": "UNKNOWN",
        "api": "be",
        "stage": "ANSWERED",
        "http_status": "500",
    }
    assert (won["call"], won["code"]) == ("/betstack.pam.v1.PamService/WinTicket", "OK")
    assert "request-id" not in dict(made)


async def test_request_ids_that_are_made_here_come_once(caplog: pytest.LogCaptureFixture) -> None:
    """They are random UUIDs, also where somebody gives the common generator the same seed again."""
    with caplog.at_level(logging.INFO, logger="gateway"):
        async with facing(http_answer(200, TICKET)) as (client, _):
            for _ in range(50):
                random.seed(1)
                await GET_TICKET(client)

    made = {line["request_id"] for line in calls(caplog)}
    assert len(made) == 50
    assert {(str(UUID(each)), UUID(each).version) for each in made} == {(each, 4) for each in made}


def test_a_fork_makes_request_ids_of_its_own() -> None:
    """Two processes that were one have not the same ids before them."""
    script = "import os; from gateway.server.aio import _new_id; os.fork(); os.write(1, _new_id().encode() + b' ')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    one, other = done.stdout.split()
    assert one != other
