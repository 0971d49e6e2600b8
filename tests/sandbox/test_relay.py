"""Who answers the sandbox's PAM and SMS endpoints for an operator that has endpoints of its own?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.responses import JSONResponse, Response

from gateway.sandbox import Sandbox, SandboxOptions, WebhookTargets
from tests.sandbox.client import Client
from tests.sandbox.receiver import PLAYER, Receiver


@pytest.fixture
def options(options: SandboxOptions, operator: Receiver) -> SandboxOptions:
    """Set up a sandbox that calls the operator `site` back."""
    return replace(options, webhooks={"site": operator.targets()})


async def test_an_account_action_is_passed_on_as_it_was_signed(client: Client, operator: Receiver) -> None:
    """The operator's endpoint verifies the same bytes, and its answer comes back."""
    answer = await client.pam("identify", token="demo")

    assert answer.json() == PLAYER
    assert [(each.path, each.kind) for each in operator.received] == [("/pam/site", "identify")]


async def test_a_notification_is_passed_on_and_not_kept(client: Client, operator: Receiver, platform: Sandbox) -> None:
    """The player reads it from the operator, so the sandbox has nothing to keep."""
    answer = await client.sms("otp", code="1234", msisdn="+254700000000")

    assert answer.status_code == 200
    assert operator.kinds == ["otp"]
    assert len(platform.sms) == 0


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_a_refusal_comes_back_as_it_is(client: Client, operator: Receiver, status: int) -> None:
    """Status and body are the operator's."""
    refusal = {"code": 101, "message": "User not found"}
    operator.answers["identify"] = [JSONResponse(refusal, status)]

    answer = await client.pam("identify", token="nobody")

    assert (answer.status_code, answer.json()) == (status, refusal)


async def test_an_endpoint_that_cannot_be_reached_is_a_bad_gateway(client: Client, platform: Sandbox) -> None:
    """Nobody answers for it."""
    platform.webhooks.set_targets("site", WebhookTargets("http://127.0.0.1:1/pam", "http://127.0.0.1:1/sms"))

    assert (await client.pam("identify", token="demo")).status_code == 502
    assert (await client.sms("otp", code="1234", msisdn="+254700000000")).status_code == 502


async def test_an_operator_without_endpoints_is_answered_here(client: Client, operator: Receiver) -> None:
    """The sandbox's own accounts stand in for it."""
    client.operator, client.secret = "acme", "another key"

    assert (await client.pam("identify", token="demo")).json()["balance"] == 100_000
    assert operator.received == []


async def test_an_answer_without_body_stays_one(client: Client, operator: Receiver) -> None:
    """Ticket actions are answered with nothing but the status."""
    operator.answers["ticket_win"] = [Response()]

    answer = await client.pam("ticket_win", ticket_id="668ef666333180bba97f0c93")

    assert (answer.status_code, answer.content) == (200, b"")
