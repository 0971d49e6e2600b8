"""Can another process say where operators are called back, see what they were told, and let it go wrong?"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from gateway.sandbox import Sandbox, SandboxOptions, Status, WebhookChaos
from tests.sandbox.client import NOON, Client, order
from tests.sandbox.receiver import Receiver
from tests.sandbox.steering import refusal

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def options(options: SandboxOptions) -> SandboxOptions:
    """Set up a sandbox that can be steered."""
    return replace(options, control="127.0.0.1:0")


@pytest.fixture
async def ticket(steer: Any, client: Client, platform: Sandbox, operator: Receiver) -> str:
    """Call the operator `site` back, and make a ticket there."""
    targets = operator.targets()
    await steer.SetWebhooks(pb.SetWebhooksRequest(operator="site", pam_url=targets.pam_url, sms_url=targets.sms_url))
    made: str = (await client.post("/be/tickets", order(platform))).json()["id"]
    return made


async def _advance(steer: Any, ticket: str, step: str) -> None:
    await steer.AdvanceTicket(pb.AdvanceTicketRequest(identifier=ticket, step=f"TICKET_STEP_{step}"))


async def _deliver(steer: Any) -> int:
    """Deliver, and return what waits."""
    waiting: int = (await steer.DeliverWebhooks(pb.DeliverWebhooksRequest())).waiting
    return waiting


async def _listed(steer: Any, operator: str = "") -> list[pb.WebhookDelivery]:
    pages = steer.ListWebhooks(pb.ListWebhooksRequest(operator=operator))
    return [delivery async for page in pages for delivery in page.deliveries]


async def test_a_life_is_told(steer: Any, platform: Sandbox, operator: Receiver, ticket: str) -> None:
    """From the create to the close, by the clock that is moved for it."""
    for step in ("WIN", "ROLLBACK", "VOID"):
        await _advance(steer, ticket, step)
    assert await _deliver(steer) == 0
    await steer.AdvanceClock(pb.AdvanceClockRequest(by=Duration(seconds=86_400)))
    await _deliver(steer)

    told = [kind.removeprefix("ticket_") for kind in operator.told if kind != "ticket_status"]
    assert told == ["create", "win", "rollback", "void", "closed"]
    assert platform.book.get(ticket).status is Status.CLOSED


async def test_what_waits_is_sent_when_asked_for(steer: Any, operator: Receiver, ticket: str) -> None:
    """And the books say how much there is."""
    operator.answers["ticket_lost"] = [Response(status_code=500) for _ in range(10)]
    await _advance(steer, ticket, "LOSE")
    for _ in range(2):
        assert await _deliver(steer) == 1
    books = await steer.GetBooks(pb.GetBooksRequest())
    assert (books.webhooks_waiting, books.webhooks_sent) == (1, len(operator.received))

    operator.answers.clear()
    assert await _deliver(steer) == 0
    assert (await steer.GetBooks(pb.GetBooksRequest())).webhooks_waiting == 0


async def test_who_asks_for_a_delivery_may_go(steer: Any, platform: Sandbox, operator: Receiver, ticket: str) -> None:
    """What is under way is settled without them."""
    operator.hold("ticket_win")
    await _advance(steer, ticket, "WIN")
    asking = steer.DeliverWebhooks(pb.DeliverWebhooksRequest())
    await operator.until_told(3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    operator.let_go()
    await platform.webhooks.settled()

    assert len(operator.about("ticket_win")) == 1


async def test_what_was_sent_is_listed(steer: Any, platform: Sandbox, operator: Receiver, ticket: str) -> None:
    """As it went over the wire, and what was answered."""
    operator.answers["ticket_win"] = [Response("kaputt", 500)]
    await _advance(steer, ticket, "WIN")
    await platform.webhooks.settled()

    listed = await _listed(steer)
    assert [each.kind for each in listed][:2] == ["identify", "ticket_create"]
    (win,) = (each for each in listed if each.kind == "ticket_win")
    (received,) = operator.about("ticket_win")
    assert win == pb.WebhookDelivery(
        operator="site",
        kind="ticket_win",
        ticket_id=ticket,
        url=operator.targets().pam_url,
        timestamp=received.timestamp,
        signature=received.signature,
        body=f'{{"action":"ticket_win","data":{{"operator":"site","ticket_id":"{ticket}"}}}}',
        sent={"seconds": int(NOON)},
        status=500,
        answer="kaputt",
    )
    assert await _listed(steer, "site") == listed
    assert await _listed(steer, "acme") == []


async def test_many_webhooks_are_listed(steer: Any, platform: Sandbox, ticket: str) -> None:
    """Over the borders of messages; what is intended to come twice says so."""
    assert ticket
    for _ in range(300):
        platform.webhooks.send_otp("site", "1234", "+260977223120")
    await steer.AddFault(
        pb.AddFaultRequest(fault=pb.Fault(kind=pb.FAULT_KIND_DUPLICATE_WEBHOOK, action="otp", delay=Duration()))
    )
    await _deliver(steer)
    await platform.webhooks.settled()

    pages = [len(page.deliveries) async for page in steer.ListWebhooks(pb.ListWebhooksRequest())]
    assert pages == [250, 53]
    assert [each.copy for each in await _listed(steer)].count(True) == 1


async def test_an_operator_need_not_be_called_back(steer: Any, client: Client, platform: Sandbox, ticket: str) -> None:
    """Without addresses the sandbox keeps the money again."""
    assert ticket
    await steer.SetWebhooks(pb.SetWebhooksRequest(operator="site"))
    await client.post("/be/tickets", order(platform))

    assert {entry.reason for entry in platform.wallet.entries()} == {"opening", "created"}


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (pb.SetWebhooksRequest(), INVALID, "operator"),
        (pb.SetWebhooksRequest(operator="nobody"), grpc.StatusCode.NOT_FOUND, "operator"),
        (pb.SetWebhooksRequest(operator="site", pam_url="ftp://a/"), INVALID, "pam_url"),
        (pb.SetWebhooksRequest(operator="site", pam_url="http:///pam"), INVALID, "pam_url"),
        (pb.SetWebhooksRequest(operator="site", sms_url="http://[::1"), INVALID, "sms_url"),
    ],
)
async def test_an_address_that_makes_no_sense_is_refused(
    steer: Any, request_: pb.SetWebhooksRequest, code: grpc.StatusCode, field: str
) -> None:
    """The message says which field it is."""
    refused, message = await refusal(steer.SetWebhooks(request_))

    assert refused is code
    assert message.startswith(f"{field}: ")


async def test_a_password_is_sent(steer: Any, platform: Sandbox, operator: Receiver, ticket: str) -> None:
    """To the endpoint for notifications, soon."""
    assert ticket
    await steer.SendOtp(pb.SendOtpRequest(operator="site", msisdn="+260977223120", code="1234"))
    await platform.webhooks.settled()

    (otp,) = operator.about("otp")
    assert (otp.path, list(otp.data.items())) == ("/sms/site", [("code", "1234"), ("msisdn", "+260977223120")])


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"operator": ""}, INVALID, "operator"),
        ({"msisdn": ""}, INVALID, "msisdn"),
        ({"code": ""}, INVALID, "code"),
        ({"operator": "nobody"}, grpc.StatusCode.NOT_FOUND, "operator"),
        ({}, grpc.StatusCode.FAILED_PRECONDITION, "operator"),
    ],
)
async def test_a_password_that_cannot_be_sent_is_refused(
    steer: Any, changes: dict[str, str], code: grpc.StatusCode, field: str
) -> None:
    """To an operator that is not called back, too."""
    given = {"operator": "site", "msisdn": "+260977223120", "code": "1234"} | changes

    refused, message = await refusal(steer.SendOtp(pb.SendOtpRequest(**given)))

    assert refused is code
    assert message.startswith(f"{field}: ")


async def test_chaos_comes_and_goes(steer: Any, platform: Sandbox) -> None:
    """With its defaults, with all that can be said, and with nothing."""
    for chaos, expected in (
        (pb.WebhookChaos(delay=0.5), WebhookChaos(delay=0.5, resigned=0)),
        (
            pb.WebhookChaos(
                duplicate=0.1,
                resigned=0.2,
                answer_lost=0.3,
                delay=0.4,
                overtaken=0.5,
                longest_delay=Duration(nanos=500_000_000),
                seed=-7,
            ),
            WebhookChaos(0.1, 0.2, 0.3, 0.4, 0.5, 0.5, -7),
        ),
        (pb.WebhookChaos(resigned=1), None),
    ):
        await steer.SetWebhookChaos(pb.SetWebhookChaosRequest(chaos=chaos))
        assert platform.webhooks.chaos == expected


@pytest.mark.parametrize(
    ("chaos", "field"),
    [
        (None, "chaos"),
        (pb.WebhookChaos(duplicate=1.01), "chaos.duplicate"),
        (pb.WebhookChaos(answer_lost=-0.01), "chaos.answer_lost"),
        (pb.WebhookChaos(delay=math.nan), "chaos.delay"),
        (pb.WebhookChaos(longest_delay=Duration(seconds=-1)), "chaos.longest_delay"),
    ],
)
async def test_chaos_that_makes_no_sense_is_refused(
    steer: Any, platform: Sandbox, chaos: pb.WebhookChaos | None, field: str
) -> None:
    """The message says which field it is, and nothing changes."""
    code, message = await refusal(steer.SetWebhookChaos(pb.SetWebhookChaosRequest(chaos=chaos)))

    assert code is INVALID
    assert message.startswith(f"{field}: ")
    assert platform.webhooks.chaos is None
