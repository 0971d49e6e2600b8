"""What can a caller send a player by text message?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import Notification, Sandbox, SandboxOptions, sandbox
from tests.harness import SECRET, Client, client_of, refused, settings_for
from tests.rpc.bets import assert_signed

STATUS: dict[str, Any] = {
    "ticket_code": "AB1234",
    "ticket_id": "66a62424b1770731244c1f3f",
    "msisdn": "213456451",
    "status": ticket.TICKET_STATUS_OPEN,
    "result": ticket.TICKET_RESULT_PENDING,
}
BET_RESULT: dict[str, Any] = {
    "ticket_id": "66a62424b1770731244c1f3f",
    "result": ticket.TICKET_RESULT_VOID,
    "event_id": 292275,
    "bet_id": 3,
}


async def test_a_one_time_password_reaches_the_sms_endpoint(platform: Sandbox, client: Client) -> None:
    """The operator travels in the header only, and the endpoint's word comes back."""
    answer = await client.sms.SendOtp(sms.SendOtpRequest(code="1234", msisdn="+260977223120"))

    assert answer == sms.SendOtpResponse(message="Notification received")
    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", "/sms")
    assert seen.body == b'{"type":"otp","data":{"code":"1234","msisdn":"+260977223120"}}'
    assert_signed(seen)
    assert list(platform.sms) == [Notification("site", "otp", {"code": "1234", "msisdn": "+260977223120"})]


async def test_the_platforms_signed_sample_comes_out_to_the_byte() -> None:
    """With the clock and key of the documentation, the signature is the published one."""
    clock = 1_706_191_612.0
    async with (
        sandbox(SandboxOptions(listen="127.0.0.1:0", clock=lambda: clock)) as platform,
        client_of(settings_for(platform.url), clock=lambda: clock) as client,
    ):
        await client.sms.SendOtp(sms.SendOtpRequest(code="1234", msisdn="+260977223120"))

        seen = platform.journal.last
        assert seen.header("timestamp") == "1706191612"
        assert seen.header("signature") == "46b1ec8d2a05129bb57c8256f2cdd3029b2cf72dbed57f0d3eedd6b156573433"


async def test_a_ticket_status_is_the_platforms_sample(platform: Sandbox, client: Client) -> None:
    """The documented sample comes out to the byte."""
    answer = await client.sms.SendTicketStatus(sms.SendTicketStatusRequest(**STATUS))

    assert answer == sms.SendTicketStatusResponse(message="Notification received")
    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", "/sms")
    assert seen.body == (
        b'{"type":"ticket_status","data":{"ticket_code":"AB1234","ticket_id":"66a62424b1770731244c1f3f",'
        b'"msisdn":"213456451","status":"open","result":"pending"}}'
    )
    assert_signed(seen)
    assert [notification.type for notification in platform.sms] == ["ticket_status"]


@pytest.mark.parametrize(
    ("rpc", "request_"),
    [
        ("SendOtp", sms.SendOtpRequest(code="", msisdn="213456451")),
        (
            "SendTicketStatus",
            sms.SendTicketStatusRequest(**STATUS | {"status": ticket.TICKET_STATUS_CLOSED}),
        ),
    ],
)
async def test_a_message_that_the_endpoint_finds_malformed_is_refused(
    platform: Sandbox, client: Client, rpc: str, request_: Message
) -> None:
    """A 422 is INVALID_REQUEST; a notification has no row, so nothing is said about execution."""
    with refused(Reason.INVALID_REQUEST, api="sms", http_status="422") as refusal:
        await getattr(client.sms, rpc)(request_)

    assert "execution" not in refusal.metadata
    assert not len(platform.sms)


@pytest.mark.parametrize(
    ("rpc", "request_", "fields"),
    [
        ("SendOtp", sms.SendOtpRequest(code="1", unmapped=Struct()), ["unmapped"]),
        ("SendTicketStatus", sms.SendTicketStatusRequest(), ["status", "result"]),
        ("SendTicketStatus", sms.SendTicketStatusRequest(status=1, result=9), ["result"]),  # type: ignore[arg-type]
    ],
)
async def test_a_message_that_cannot_be_written_is_not_sent(
    platform: Sandbox, client: Client, rpc: str, request_: Message, fields: list[str]
) -> None:
    """What has no spelling is refused by its field's name."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await getattr(client.sms, rpc)(request_)

    assert refusal.fields == fields
    assert not len(platform.journal)


async def test_an_operator_without_sms_endpoint_cannot_send(platform: Sandbox) -> None:
    """NOT_CONFIGURED names the setting that is missing."""
    silent = {"site": {"secret": SECRET, "platform_url": platform.url}}
    async with client_of(settings_for(platform.url, operators=silent)) as client:
        with refused(Reason.NOT_CONFIGURED, api="sms", setting="operators.site.sms_url"):
            await client.sms.SendOtp(sms.SendOtpRequest(code="1234", msisdn="213456451"))


NOT_SUPPORTED = [
    sms.SendBetResultRequest(**BET_RESULT),
    sms.SendBetResultRequest(),
    sms.SendBetResultRequest(result=99, unmapped=Struct()),  # type: ignore[arg-type]
    sms.SendBetResultRequest(operator="nobody"),
]


@pytest.mark.parametrize("request_", NOT_SUPPORTED, ids=["good", "empty", "unwritable", "unknown operator"])
async def test_a_bet_result_is_not_supported_before_anything_is_looked_at(
    platform: Sandbox, client: Client, request_: sms.SendBetResultRequest
) -> None:
    """The platform does not support it, whatever the request says; the error names the setting that enables it."""
    with refused(Reason.NOT_SUPPORTED_BY_PLATFORM) as refusal:
        await client.sms.SendBetResult(request_)

    assert refusal.code is grpc.StatusCode.UNIMPLEMENTED
    assert "server.enable" in refusal.message
    assert refusal.fields == []
    assert not len(platform.journal)


@pytest.fixture
async def enabled(platform: Sandbox) -> AsyncIterator[Client]:
    """Return a client of a gateway whose settings enable the bet result."""
    settings = settings_for(platform.url, server={"enable": ["SmsService/SendBetResult"]})
    async with client_of(settings) as connected:
        yield connected


async def test_a_bet_result_is_sent_once_it_is_enabled(platform: Sandbox, enabled: Client) -> None:
    """With `server.enable` the documented body goes out."""
    answer = await enabled.sms.SendBetResult(sms.SendBetResultRequest(**BET_RESULT))

    assert answer == sms.SendBetResultResponse(message="Notification received")
    seen = platform.journal.last
    assert seen.body == (
        b'{"type":"bet_result","data":{"ticket_id":"66a62424b1770731244c1f3f","result":"void","event_id":292275,'
        b'"bet_id":3}}'
    )
    assert_signed(seen)
    assert [notification.type for notification in platform.sms] == ["bet_result"]


@pytest.mark.parametrize(
    ("changes", "metadata"),
    [({"result": ticket.TICKET_RESULT_PENDING}, {"http_status": "422"}), ({"result": 0}, {})],
    ids=["refused by the endpoint", "refused here"],
)
async def test_an_enabled_bet_result_is_validated_like_any_other(
    enabled: Client, changes: dict[str, Any], metadata: dict[str, str]
) -> None:
    """Once enabled, it is refused for what is wrong with it."""
    with refused(Reason.INVALID_REQUEST, **metadata):
        await enabled.sms.SendBetResult(sms.SendBetResultRequest(**BET_RESULT | changes))
