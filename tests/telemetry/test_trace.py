"""Does a call stay in its caller's trace, on its way to the platform?"""

from __future__ import annotations

from typing import Final

import pytest

from betstack.operation.v1 import operation_service_pb2 as pb
from gateway.failure import Reason
from gateway.telemetry import Trace
from gateway.wire.signing import Whitespace, sign
from tests.harness import SECRET, Client, Scripted, http_answer, refused
from tests.logs import calls
from tests.rpc.calls import CREATE, GET_TICKET, To, facing, name_of

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN: Final = "00f067aa0ba902b7"
PARENT: Final = f"00-{TRACE}-{SPAN}-01"
TICKET: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')


def headers_of(request: bytes) -> dict[str, str]:
    """Return the headers of an HTTP request."""
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def sent(client: Client, platform: Scripted, to: To = GET_TICKET, **headers: str) -> dict[str, str]:
    """Call with this metadata, and return the headers that the platform got."""
    await to(client, metadata=tuple(headers.items()))
    return headers_of(platform.requests[-1])


@pytest.mark.parametrize("to", [GET_TICKET, CREATE], ids=name_of)
@pytest.mark.parametrize("flags", ["00", "01", "ff"])
async def test_a_trace_goes_on_to_the_platform(to: To, flags: str) -> None:
    """Trace, caller and flags arrive as they came; whether the trace is kept is not for the gateway to say."""
    async with facing(TICKET) as (client, platform):
        got = await sent(client, platform, to, traceparent=f"00-{TRACE}-{SPAN}-{flags}", tracestate="a=1,b=2")

    assert got["traceparent"] == f"00-{TRACE}-{SPAN}-{flags}"
    assert got["tracestate"] == "a=1,b=2"


async def test_the_signature_is_the_same_with_a_trace() -> None:
    """What is signed is the timestamp and the body, so the trace changes nothing."""
    async with facing(TICKET) as (client, platform):
        got = await sent(client, platform, CREATE, traceparent=PARENT)
        body = platform.requests[-1].partition(b"\r\n\r\n")[2]

    assert got["signature"] == sign(SECRET.encode(), got["timestamp"], body, Whitespace.COMPACT)


async def test_without_a_trace_none_is_made_up() -> None:
    """Where no spans are kept, a trace of ours would lead nowhere."""
    async with facing(TICKET) as (client, platform):
        got = await sent(client, platform)

    assert {"traceparent", "tracestate"}.isdisjoint(got)


async def test_the_log_has_the_trace(caplog: pytest.LogCaptureFixture) -> None:
    """The lines of RPC and HTTP call name it, the gateway's own RPCs included."""
    async with facing(TICKET) as (client, platform):
        await sent(client, platform, traceparent=PARENT)
        get = client.unary("/betstack.operation.v1.OperationService/GetOperation", pb.GetOperationResponse)
        with refused(Reason.OPERATION_NOT_FOUND):
            await get(pb.GetOperationRequest(request_id="bet-1"), metadata=(("traceparent", PARENT),))

    told = [*calls(caplog), *calls(caplog, "upstream")]
    assert [call["trace_id"] for call in told] == [TRACE] * 3


# ------------------------------------------------------------------------------------------------------- the form

NONE: Final[dict[str, str]] = {
    "nothing": "",
    "no trace at all": "x",
    "capitals": PARENT.upper(),
    "too short": PARENT[:-1],
    "too long for version 00": f"{PARENT}-00",
    "two of them": f"{PARENT}, {PARENT}",
    "version ff": f"ff{PARENT[2:]}",
    "a trace of zeros": f"00-{'0' * 32}-{SPAN}-01",
    "a span of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "a line break": f"{PARENT}\n",
    "digits of another script": PARENT.replace("0", "\u0660"),
}


@pytest.mark.parametrize("traceparent", NONE.values(), ids=NONE)
def test_what_is_no_trace_is_left_out(traceparent: str) -> None:
    """By W3C Trace Context it is as if there were none; the state goes with it."""
    assert Trace.read({"traceparent": traceparent, "tracestate": "a=1"}) is None


def test_a_later_version_is_read_as_this_one() -> None:
    """What later versions add is left out, and the version said to be 00."""
    trace = Trace.read({"traceparent": f"01-{TRACE}-{SPAN}-01-more"})

    assert trace is not None
    assert dict(trace.headers()) == {"traceparent": PARENT}


@pytest.mark.parametrize("state", ["", "x" * 513, "a=1\r\nsignature: x", "a=\u00e4"])
def test_a_state_that_is_none_is_left_out(state: str) -> None:
    """The trace goes on without it."""
    trace = Trace.read({"traceparent": PARENT, "tracestate": state})

    assert trace is not None
    assert dict(trace.headers()) == {"traceparent": PARENT}
