"""Does one request id lead through everything that was done for a call?"""

from __future__ import annotations

import logging
from typing import Final

import pytest

from gateway.failure import Reason
from gateway.telemetry import CallRecord, Hop, Telemetry
from tests.harness import hang_up, http_answer, refused
from tests.logs import calls, lines
from tests.rpc.calls import GET_TICKET, PING, facing
from tests.webhooks.circle import circle

FOUND: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')


async def test_each_try_is_a_line_under_the_request_id_of_its_call(caplog: pytest.LogCaptureFixture) -> None:
    """Where a READ was repeated there is a line a try, how far it got, and one of the whole."""
    async with facing(hang_up, FOUND, upstream={"tries": 2, "backoff_s": 0.001}) as (client, _):
        await GET_TICKET(client)

    first, second = calls(caplog, "upstream")
    [rpc] = calls(caplog)
    assert [(first["stage"], first["reason"]), (second["stage"], second["code"])] == [
        ("SENT_NO_ANSWER", "UPSTREAM_UNAVAILABLE"),
        ("ANSWERED", "200"),
    ]
    assert {first["request_id"], second["request_id"]} == {rpc["request_id"]}
    assert (rpc["stage"], rpc["http_status"]) == ("ANSWERED", "200")


@pytest.mark.parametrize("token", ["ticket_win", "identify", "otp"])
async def test_a_webhook_and_what_it_leads_to_have_one_request_id(caplog: pytest.LogCaptureFixture, token: str) -> None:
    """It is the idempotency key that the operator's service gets."""
    async with circle() as running:
        assert (await running.send(token)).status_code == 200
        [call] = running.services.calls

    [webhook], [dispatched] = calls(caplog, "webhook"), calls(caplog, "dispatch")
    assert webhook["request_id"] == dispatched["request_id"] == call.metadata["x-request-id"]
    assert (webhook["action"], webhook["code"], dispatched["code"]) == (token, "200", "OK")
    assert webhook["operator"] == dispatched["operator"] == "site"


async def test_a_repeated_webhook_has_the_request_id_of_the_first(caplog: pytest.LogCaptureFixture) -> None:
    """So that both are found, although the second led to nothing."""
    async with circle() as running:
        for _ in range(2):
            await running.send("ticket_win")

    first, second = calls(caplog, "webhook")
    assert first == second
    assert len(calls(caplog, "dispatch")) == 1


async def test_what_goes_wrong_meanwhile_is_a_line_with_its_facts(caplog: pytest.LogCaptureFixture) -> None:
    """A breaker that opens is told once, with its host."""
    async with facing(http_answer(503), upstream={"breaker_calls": 1}) as (client, platform):
        for reason in (Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_CIRCUIT_OPEN):
            with refused(reason):
                await PING(client)

    told = [line for line in lines(caplog) if line["event"] == "the circuit breaker opened"]
    assert told == [{"event": "the circuit breaker opened", "host": platform.url.removeprefix("http://")}]


def test_where_nobody_listens_nothing_is_put_together(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A level that is off costs a question and no more."""
    monkeypatch.setattr("gateway.telemetry.sink._told", pytest.fail)
    telemetry, record = Telemetry(), CallRecord(Hop.RPC, "/a.B/C", "site")
    with caplog.at_level(logging.WARNING, logger="gateway"):
        telemetry.begin(record)
        telemetry.end(record)
