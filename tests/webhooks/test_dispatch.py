"""How do the operator's services get what was verified, and what is the platform told of their answers?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc import status_pb2

from gateway.failure import Reason
from gateway.wire.codes import PLATFORM_CODES
from tests.webhooks.certificates import Certificates
from tests.webhooks.circle import Circle, circle
from tests.webhooks.deliveries import ACTIONS, NOTIFICATIONS, SAMPLES, TICKET
from tests.webhooks.services import Held, Services, agreeing, failing, refusing, services, until

ALL: Final = {**ACTIONS, **NOTIFICATIONS}
TICKETS: Final = [token for token in ACTIONS if token != "identify"]
CREDITS: Final = [token for token in TICKETS if token not in ("ticket_create", "ticket_reserve")]
TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

DEFINITE: Final = {"INVALID_ARGUMENT": 400, "OUT_OF_RANGE": 400, "FAILED_PRECONDITION": 400, "NOT_FOUND": 400}
STATUSES: Final = {
    "OK": 200,
    "ALREADY_EXISTS": 200,
    **DEFINITE,
    "UNAUTHENTICATED": 403,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    **dict.fromkeys(
        (
            "CANCELLED",
            "UNKNOWN",
            "DEADLINE_EXCEEDED",
            "ABORTED",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
        ),
        500,
    ),
}
"""What a synchronous call is answered, by the status of the operator's service."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


# ----------------------------------------------------------------------------------------------------- encryption


@asynccontextmanager
async def encrypted(certificates: Certificates, *, asks: bool, shows: bool) -> AsyncIterator[Circle]:
    """Run a circle over TLS whose services may ask for a certificate that the gateway may show."""
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(services(credentials=certificates.credentials(mutual=asks)))
        yield await stack.enter_async_context(circle(own, site=certificates.site(mutual=shows)))


@pytest.mark.parametrize("mutual", [False, True], ids=["TLS", "mTLS"])
async def test_everything_arrives_encrypted_and_is_answered(certificates: Certificates, *, mutual: bool) -> None:
    """All 11 actions that are passed on and all 3 types, each field in its place, and the answers travel back."""
    async with encrypted(certificates, asks=mutual, shows=mutual) as running:
        for token, rpc in ALL.items():
            changes = {"ticket_id": f"{TICKET}-{token}"} if token in TICKETS else {}
            response = await running.send(token, **changes)
            assert response.status_code == 200, token
            [call] = running.services.of(rpc)
            assert _documented(call.request) == {**SAMPLES[token], **changes}, token
            assert call.request.operator == "site"
            assert response.content == _ANSWERS.get(token, b""), token
        assert len(running.services.calls) == 14


_ANSWERS: Final = {
    "identify": b'{"player_id":"1660986605374148608","lang":"en","balance":1000,"currency":"KES",'
    b'"feature_flags":{"flag_name1":true}}',
    "otp": b'{"message":"Otp seen"}',
    "ticket_status": b'{"message":"TicketStatus seen"}',
    "bet_result": b'{"message":"Notification received"}',
}


def _documented(request: Any) -> dict[str, Any]:
    """Spell a request as the platform's data."""
    spelled = MessageToDict(request, preserving_proto_field_name=True, use_integers_for_enums=False)
    found: dict[str, Any] = {}
    for field in request.DESCRIPTOR.fields:
        name = field.name
        if name in ("request_id", "operator", "unmapped"):
            continue
        value = spelled.get(name)
        if isinstance(value, str) and field.enum_type is not None:
            value = value.rpartition("_")[2].lower()
        found[name] = int(value) if isinstance(value, str) and field.type == field.TYPE_INT64 else value
    return found


@pytest.mark.parametrize(
    "change",
    [
        {"target_ca_file": None},
        {"target_ca_file": "{own}.pem"},
        {"target_tls": False},
    ],
    ids=["the machine's own authorities", "another authority", "plaintext"],
)
async def test_who_cannot_be_trusted_gets_nothing(certificates: Certificates, change: dict[str, Any]) -> None:
    """A create is answered 500 then, and a win is kept."""
    names = {"authority": certificates.authority, "own": certificates.own}
    site = certificates.site(mutual=False)
    site |= {key: value.format(**names) if isinstance(value, str) else value for key, value in change.items()}
    async with services(credentials=certificates.credentials(mutual=False)) as own:
        async with circle(own, site=site, webhooks={"patience_s": 0.5}) as running:
            assert (await running.send("ticket_create")).status_code == 500
            assert (await running.send("ticket_win", ticket_id="another")).status_code == 200
        assert own.calls == []


async def test_a_service_may_insist_on_a_certificate(certificates: Certificates) -> None:
    """Without one the gateway is not let in."""
    async with encrypted(certificates, asks=True, shows=False) as running:
        assert (await running.send("ticket_create")).status_code == 500
        assert running.services.calls == []


# --------------------------------------------------------------------------------------------------------- metadata


@pytest.mark.parametrize("token", ALL)
async def test_a_call_says_whose_it_is(round_trip: Circle, token: str) -> None:
    """Request id and idempotency key, the operator, the platform's trace, and a deadline within its patience."""
    await round_trip.send(token, 7, headers={"traceparent": TRACE})
    [call] = round_trip.services.calls
    key = call.metadata["idempotency-key"]
    assert call.metadata["x-request-id"] == key
    assert call.metadata["x-operator"] == "site"
    assert call.metadata["traceparent"] == TRACE
    assert call.time_remaining is not None
    assert 0 < call.time_remaining < 8
    if token in TICKETS:
        epoch = {"ticket_rollback": "1", "ticket_update": str(round_trip.base + 7)}.get(token, "0")
        assert call.key == key == f"site/{token}/{round_trip.ticket}/{epoch}"


@pytest.mark.parametrize(
    "trace", [None, "", "x", TRACE.upper(), TRACE + "-00", TRACE[:-1], "00-\u00e4", f"{TRACE}, {TRACE}"]
)
async def test_only_a_trace_is_passed_through(round_trip: Circle, trace: str | None) -> None:
    """What is none by W3C Trace Context is left out, and the webhook is passed on all the same."""
    headers = {} if trace is None else {"traceparent": trace}
    made = round_trip.made("ticket_create")
    raw = [(key.encode(), value.encode()) for key, value in {**made.headers, **headers}.items()]
    assert (await round_trip.http.post(made.path, content=made.body, headers=raw)).status_code == 200
    assert "traceparent" not in round_trip.services.calls[0].metadata


async def test_the_key_is_the_same_for_every_try(round_trip: Circle) -> None:
    """In the request and in the metadata, so that the service can tell a second try from a second win."""
    round_trip.services.will("WinTicket", *[failing(grpc.StatusCode.UNAVAILABLE)] * 3, agreeing)
    await round_trip.send("ticket_win")
    await until(lambda: len(round_trip.services.calls) == 4)
    assert {call.key for call in round_trip.services.calls} == {f"site/ticket_win/{round_trip.ticket}/0"}
    assert {call.metadata["idempotency-key"] for call in round_trip.services.calls} == {
        f"site/ticket_win/{round_trip.ticket}/0"
    }
    assert len({call.request.SerializeToString(deterministic=True) for call in round_trip.services.calls}) == 1


# ---------------------------------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize("token", ["ticket_create", "ticket_reserve", "identify", "otp", "ticket_status", "bet_result"])
async def test_the_status_of_a_synchronous_call(round_trip: Circle, token: str) -> None:
    """One table from gRPC to HTTP; every error is a code and a message, and only definite refusals say why."""
    assert set(STATUSES) == {code.name for code in grpc.StatusCode}
    for number, (name, status) in enumerate(STATUSES.items()):
        if name == "OK":
            continue
        round_trip.services.will(ALL[token], failing(grpc.StatusCode[name], "because"))
        changes = {"ticket_id": f"{round_trip.ticket}-{name}"} if token in TICKETS else {}
        response = await round_trip.send(token, number, **changes)
        assert response.status_code == status, name
        if status == 200:
            continue
        code = {"identify": 101}.get(token, 102) if name == "NOT_FOUND" else 0
        message = "because" if name in DEFINITE else "the operator's service failed"
        if (token, name) == ("identify", "NOT_FOUND"):
            message = "User not found"
        assert response.json() == {"code": code, "message": message}, name


@pytest.mark.parametrize("token", CREDITS)
async def test_the_status_of_a_first_try(round_trip: Circle, token: str) -> None:
    """Of a credit only a definite refusal goes out; everything else is accepted."""
    for name, status in STATUSES.items():
        if name == "OK":
            continue
        round_trip.services.will(ALL[token], failing(grpc.StatusCode[name], "because"))
        ticket = f"{round_trip.ticket}-{name}"
        response = await round_trip.send(token, ticket_id=ticket)
        is_refused = name in DEFINITE and (token, name) != ("ticket_discard", "NOT_FOUND")
        assert response.status_code == (status if is_refused else 200), name
        expected = {"code": 102 if name == "NOT_FOUND" else 0, "message": "because"}
        assert not is_refused or response.json() == expected
        kept = await round_trip.rows("SELECT 1 FROM facts WHERE ticket_id = ?", ticket)
        assert bool(kept) is not is_refused


@pytest.mark.parametrize("token", ["ticket_create", "identify", "ticket_win", "otp"])
async def test_a_reason_of_ours_picks_its_code(token: str) -> None:
    """By the documented codes and those of the settings; the status stays that of the table."""
    codes = {"pam": {"130": "ODDS_CHANGED", "131": "TICKET_NOT_FOUND"}, "sms": {"130": "ODDS_CHANGED"}}
    async with circle(codes=codes) as running:
        known = {reason: code for code, reason in PLATFORM_CODES.items()} | {Reason.ODDS_CHANGED: 130}
        for at, reason in enumerate(Reason):
            for name in ("FAILED_PRECONDITION", "NOT_FOUND", "INVALID_ARGUMENT"):
                running.services.will(ALL[token], refusing(grpc.StatusCode[name], reason, "because"))
                response = await running.send(token, at)
                fallback = 0 if name != "NOT_FOUND" else 101 if token == "identify" else 102
                assert response.status_code == 400
                assert response.json()["code"] == known.get(reason, fallback), (reason, name)
        running.services.will(ALL["identify"], refusing(grpc.StatusCode.INTERNAL, "PLAYER_NOT_FOUND", "because"))
        response = await running.send("identify")
        assert (response.status_code, response.json()["code"]) == (500, 101)


@pytest.mark.parametrize(
    "details",
    [
        b"",
        b"\xff\xff\xff",
        status_pb2.Status(code=5, message="no").SerializeToString(),
        status_pb2.Status(code=9, message="another").SerializeToString(),
        b"\x08\x09\x12\x02no\x1a\x36\n\x2etype.googleapis.com/google.rpc.ErrorInfo....\x12\x02\xff\xff",
        b"\x08\x09\x12\x02no\x1a\x30\n\x28type.googleapis.com/google.rpc.ErrorInfo\x12\x04\xff\xff\xff\xff",
    ],
    ids=range(6),
)
@pytest.mark.parametrize("token", ["ticket_create", "ticket_win", "identify", "otp"])
async def test_details_that_cannot_be_read_are_left_aside(round_trip: Circle, token: str, details: bytes) -> None:
    """The status alone decides then."""
    round_trip.services.will(ALL[token], failing(grpc.StatusCode.FAILED_PRECONDITION, "no", details))
    response = await round_trip.send(token)
    assert (response.status_code, response.json()) == (400, {"code": 0, "message": "no"})


async def test_a_reason_that_is_none_of_ours_picks_nothing(round_trip: Circle) -> None:
    """Other vocabularies are not ours to read."""
    for reason in ("", "INSUFFICIENT_FUNDS", "ERROR_REASON_TICKET_NOT_FOUND", "ticket_not_found"):
        round_trip.services.will("CreateTicket", refusing(grpc.StatusCode.FAILED_PRECONDITION, reason))
        assert (await round_trip.send("ticket_create")).json() == {"code": 0, "message": "no"}


@pytest.mark.parametrize(
    "message", ["", "\u00e4\u20ac", 'a"b\\c\n', "x" * 3000], ids=["none", "text", "quotes", "long"]
)
async def test_a_message_is_json_whatever_it_is(round_trip: Circle, message: str) -> None:
    """What the service says is text."""
    round_trip.services.will("CreateTicket", failing(grpc.StatusCode.FAILED_PRECONDITION, message))
    response = await round_trip.send("ticket_create")
    assert json.loads(response.content) == {"code": 0, "message": message}


# --------------------------------------------------------------------------------------------- services that misbehave


@pytest.fixture
def unreadable() -> grpc.GenericRpcHandler:
    """Return services whose every answer is no message."""

    async def garbage(_: bytes, __: object) -> bytes:
        return b"\xff\xff\xff"

    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(garbage)

    class All(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
            return handler if "betstack" in handler_call_details.method else None

    return All()


async def test_an_answer_that_cannot_be_read_is_none(unreadable: grpc.GenericRpcHandler) -> None:
    """It says OK and cannot be read: nobody knows."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((unreadable,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with circle(Services(target=f"127.0.0.1:{port}")) as running:
            for token in ("identify", "ticket_create", "ticket_reserve", *NOTIFICATIONS):
                response = await running.send(token, ticket_id=token) if token in TICKETS else await running.send(token)
                assert response.status_code == 500, token
                assert response.json()["code"] == 0
            assert (await running.send("ticket_win")).status_code == 200
            assert await running.rows("SELECT state FROM facts WHERE action = 'ticket_win'") == [("PENDING",)]
    finally:
        await server.stop(0)


@pytest.mark.parametrize("token", ["ticket_create", "ticket_reserve", "identify", "otp"])
async def test_a_silent_service_costs_the_platform_no_more_than_its_patience(token: str) -> None:
    """The 500 is out before the platform gives up."""
    async with circle(webhooks={"patience_s": 0.4}) as running:
        held = Held()
        running.services.will(ALL[token], held)
        async with asyncio.timeout(5):
            assert (await running.send(token)).status_code == 500
        [call] = running.services.calls
        assert call.time_remaining is not None
        assert call.time_remaining <= 0.95 * 0.4
        held.open.set()


async def test_a_service_that_is_not_serving_is_not_called() -> None:
    """Its health is watched: a create is answered 500, a win waits, and goes out once the service serves again."""
    async with services(with_health=True) as own, circle(own, webhooks={"repeat_s": [0.05]}) as running:
        assert (await running.send("ticket_create", ticket_id="healthy")).status_code == 200
        await own.is_serving(yes=False)
        async with asyncio.timeout(10):
            while (await running.send("identify")).status_code != 500:
                pass
        own.calls.clear()
        assert (await running.send("ticket_create", ticket_id="unhealthy")).status_code == 500
        assert (await running.send("ticket_win", ticket_id="healthy")).status_code == 200
        assert own.calls == []
        await own.is_serving(yes=True)
        await until(lambda: own.rpcs == ["WinTicket"])


async def test_a_service_may_come_back_at_the_same_address() -> None:
    """While it is away creates fail at once; soon after it is back they arrive again, and what was kept arrives too."""
    own = Services()
    async with circle_of_restarts(own) as running:
        async with services(own.target, own=own):
            assert (await running.send("ticket_create", ticket_id="before")).status_code == 200
        assert (await running.send("ticket_create", ticket_id="meanwhile")).status_code == 500
        assert (await running.send("ticket_win", ticket_id="before")).status_code == 200
        async with services(own.target, own=own):
            await until(lambda: own.rpcs == ["CreateTicket", "WinTicket"])
            assert (await running.send("ticket_create", ticket_id="after")).status_code == 200


@asynccontextmanager
async def circle_of_restarts(own: Services) -> AsyncIterator[Circle]:
    """Run a gateway whose services are not there yet, at an address that is theirs."""
    async with services(own=own):
        pass
    async with circle(own, webhooks={"repeat_s": [0.05]}) as running:
        yield running
