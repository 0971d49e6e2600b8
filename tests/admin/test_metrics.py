"""Do the metrics say what happened?"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc
import pytest

from betstack.operation.v1 import operation_service_pb2 as pb
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.ledger.database import Query, Transaction
from gateway.ledger.ledger import Ledger
from gateway.telemetry.catalogue import CATALOGUE
from tests.admin.scraping import ADMIN, page_of, scrape, seen
from tests.harness import client_of, hang_up, http_answer, refused, scripted, settings_for
from tests.ledger.rows import Clock
from tests.rpc.calls import CREATE, GET_TICKET, LIST_CARDS, TAKE, Gate, closed_port, error_body, refusal_of
from tests.webhooks.circle import circle
from tests.webhooks.services import failing

FOUND: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')


# ------------------------------------------------------------------------------------------------------------ RPCs


async def test_rpcs_are_counted_by_how_they_ended() -> None:
    """RPC, operator, gRPC code and the gateway's own reason, which is empty for OK."""
    async with seen(FOUND, FOUND, http_answer(400, error_body(102))) as (client, _):
        await GET_TICKET(client)
        await GET_TICKET(client)
        with refused(Reason.TICKET_NOT_FOUND):
            await GET_TICKET(client)
        with refused(Reason.INVALID_REQUEST):
            await client.tickets.GetTicket(ticket.GetTicketRequest())
        page = await scrape(client.gateway)

    rpc = "TicketService/GetTicket"
    assert page.all("rpcs_total") == {
        ("OK", "site", "", rpc): 2,
        ("NOT_FOUND", "site", "TICKET_NOT_FOUND", rpc): 1,
        ("INVALID_ARGUMENT", "site", "INVALID_REQUEST", rpc): 1,
    }
    assert page.value("rpc_duration_seconds_count", rpc=rpc) == 4
    assert page.value("rpc_duration_seconds_bucket", rpc=rpc, le="30.0") == 4


async def test_the_gateways_own_rpcs_are_counted_too() -> None:
    """OperationService answers from the ledger, and is counted like everything else."""
    async with seen(FOUND) as (client, _):
        get = client.unary("/betstack.operation.v1.OperationService/GetOperation", pb.GetOperationResponse)
        with refused(Reason.OPERATION_NOT_FOUND):
            await get(pb.GetOperationRequest(request_id="bet-1"))
        page = await scrape(client.gateway)

    assert page.all("rpcs_total") == {("NOT_FOUND", "site", "OPERATION_NOT_FOUND", "OperationService/GetOperation"): 1}


async def test_what_is_on_its_way_is_seen() -> None:
    """While the platform thinks, RPC and HTTP call are in flight; afterwards nothing is."""
    gate = Gate(FOUND)
    async with seen(gate) as (client, _):
        call = asyncio.ensure_future(GET_TICKET(client))
        await gate.asked.wait()
        page = await scrape(client.gateway)
        assert page.all("rpc_in_flight") == {("TicketService/GetTicket",): 1}
        assert page.all("upstream_try_in_flight") == {("be",): 1}

        gate.open.set()
        await call
        page = await scrape(client.gateway)
        assert page.all("rpc_in_flight") == page.all("upstream_try_in_flight") == {}


async def test_a_call_that_is_given_up_is_cancelled() -> None:
    """A caller who hangs up leaves a record like any other."""
    gate = Gate(FOUND)
    async with seen(gate) as (client, _):
        call = GET_TICKET(client)
        asked = asyncio.ensure_future(gate.asked.wait())
        await asyncio.wait({asked, asyncio.ensure_future(call.code())}, return_when=asyncio.FIRST_COMPLETED)
        call.cancel()
        async with asyncio.timeout(15):
            while not (page := await scrape(client.gateway)).all("rpcs_total"):
                pass

    assert page.all("rpcs_total") == {("CANCELLED", "site", "CANCELLED", "TicketService/GetTicket"): 1}
    assert page.all("upstream_tries_total") == {("be", "site", "CANCELLED", ""): 1}
    assert page.all("rpc_in_flight") == page.all("upstream_try_in_flight") == {}


async def test_a_repeat_is_counted_as_one() -> None:
    """A money call that is answered from the ledger is an RPC, a replay, and no HTTP call."""
    async with seen(FOUND) as (client, _):
        request = CREATE.made()
        await client.tickets.CreateTicket(request)
        await client.tickets.CreateTicket(request)
        page = await scrape(client.gateway)

    assert page.all("replays_total") == {("site", "TicketService/CreateTicket"): 1}
    assert page.all("rpcs_total") == {("OK", "site", "", "TicketService/CreateTicket"): 2}
    assert page.all("upstream_tries_total") == {("be", "site", "ANSWERED", "200"): 1}


async def test_no_label_is_chosen_by_callers() -> None:
    """An operator that is not configured is counted as other, and no id, token or code of a ticket is a label."""
    async with seen(FOUND) as (client, _):
        bet: Any = CREATE.made()
        await client.tickets.CreateTicket(bet)
        await client.tickets.GetTicket(ticket.GetTicketRequest(identifier="AB12CD"))
        for name in ("acme", "x" * 1000, "\u00e4\n"):
            with refused(Reason.OPERATOR_NOT_CONFIGURED):
                await client.tickets.GetTicket(ticket.GetTicketRequest(operator=name, identifier="1"))
        page = await scrape(client.gateway)

    assert (
        page.value(
            "rpcs_total",
            rpc="TicketService/GetTicket",
            operator="other",
            code="NOT_FOUND",
            reason="OPERATOR_NOT_CONFIGURED",
        )
        == 3
    )
    assert page.words.isdisjoint({bet.request_id, bet.token, "AB12CD", "acme", "668ef666333180bba97f0c93"})


# -------------------------------------------------------------------------------------------------------- HTTP calls


async def test_http_calls_are_counted_by_how_far_they_got() -> None:
    """API, status and wire stage; no answer has no status."""
    async with seen(http_answer(200, b"[]"), http_answer(503), hang_up, http_answer(700)) as (client, _):
        await LIST_CARDS(client)
        for to in (GET_TICKET, CREATE, GET_TICKET):
            await refusal_of(to(client))
        page = await scrape(client.gateway)

    assert page.all("upstream_tries_total") == {
        ("bc", "site", "ANSWERED", "200"): 1,
        ("be", "site", "ANSWERED", "503"): 1,
        ("be", "site", "SENT_NO_ANSWER", ""): 1,
        ("be", "site", "ANSWERED", "other"): 1,
    }
    assert page.value("upstream_try_duration_seconds_count", api="be") == 3


async def test_a_platform_that_is_not_there_is_never_sent_anything() -> None:
    """Each try counts, also those that did not get a connection."""
    with closed_port() as url:
        async with client_of(settings_for(url, upstream={"tries": 3, "backoff_s": 0.001}, **ADMIN)) as client:
            with refused(Reason.UPSTREAM_UNREACHABLE):
                await CREATE(client)
            page = await scrape(client.gateway)

    assert page.all("upstream_tries_total") == {("be", "site", "NEVER_SENT", ""): 3}


async def test_an_open_breaker_is_seen() -> None:
    """It is 1 while it holds calls back, and 0 once the platform answers again."""
    limits = {"breaker_calls": 1, "breaker_pause_s": 0.01}
    async with seen(http_answer(503), FOUND, upstream=limits) as (client, platform):
        host = platform.url.removeprefix("http://")
        with refused(Reason.UPSTREAM_UNAVAILABLE):
            await GET_TICKET(client)
        page = await scrape(client.gateway)
        assert page.all("breaker_open") == page.all("breaker_opened_total") == {(host,): 1}

        async with asyncio.timeout(15):
            while (await refusal_of(GET_TICKET(client))).info is not None:
                pass
        page = await scrape(client.gateway)
        assert (page.value("breaker_open", host=host), page.value("breaker_opened_total", host=host)) == (0, 1)


async def test_what_the_contract_does_not_know_is_counted() -> None:
    """Codes by API and number, fields by their names; what is no name is counted without it."""
    body = b'{"id":"668ef666333180bba97f0c93","colour":1,"a b":1,"\\ud800":1}'
    async with seen(http_answer(400, error_body(4711)), http_answer(200, body)) as (client, _):
        with refused(Reason.PLATFORM_CODE_UNMAPPED):
            await GET_TICKET(client)
        await GET_TICKET(client)
        page = await scrape(client.gateway)

    assert page.all("unmapped_codes_total") == {("be", "4711"): 1}
    assert page.all("unmapped_fields_total") == {("betstack.ticket.v1.Ticket.colour",): 1, ("other",): 2}


# --------------------------------------------------------------------------------------------------------- webhooks


async def test_webhooks_are_counted() -> None:
    """Deliveries by action and status, what became of them, and the calls that were made for them."""
    async with circle(**ADMIN) as running:
        await running.send("ticket_create")
        await running.send("ticket_create")
        await running.send("ticket_win", headers={"signature": "0" * 64})
        page = await scrape(running.gateway)

    assert page.all("webhooks_total") == {("ticket_create", "pam", "site", "200"): 2}
    assert page.all("webhook_outcomes_total") == {("accepted",): 1, ("repeated",): 1, ("wrong_signature",): 1}
    assert page.all("dispatch_tries_total") == {("OK", "site", "PamService/CreateTicket"): 1}
    assert page.value("webhook_duration_seconds_count", api="pam") == 2
    assert page.value("dispatch_try_duration_seconds_count", api="pam") == 1


# ------------------------------------------------------------------------------------------------------- the ledger


async def _do(ledger: Ledger, sql: str) -> None:
    def transaction() -> Transaction[None]:
        yield Query(sql)

    await ledger.run(transaction)


async def test_what_is_unknown_is_seen_with_its_age(ledger_url: str) -> None:
    """Money calls by state, the oldest one's age, and the discards that are owed, on each kind of ledger."""
    clock = Clock()
    async with scripted(hang_up) as platform:
        settings = settings_for(platform.url, ledger={"url": ledger_url}, **ADMIN)
        async with client_of(settings, clock=clock) as client:
            assert (await scrape(client.gateway)).all("ledger_operations") == {}
            for to, later_s in ((CREATE, 60.0), (CREATE, 0.0), (TAKE, 40.0)):
                with refused(Reason.OUTCOME_UNKNOWN):
                    await to(client)
                clock.advance(later_s)
            page = await scrape(client.gateway)

            assert page.all("ledger_operations") == {("site", "UNKNOWN"): 3}
            assert page.all("ledger_oldest_seconds") == {("site", "UNKNOWN"): 100}
            assert page.all("ledger_discards") == {("site", "OWED"): 1}
            assert page.value("ledger_operations", operator="site", state="NEEDS_HUMAN") == 0

            await _do(client.gateway.ledger, "UPDATE operations SET operator = 'gone', state = 'NEEDS_HUMAN'")
            page = await scrape(client.gateway)
            assert page.all("ledger_operations") == {("other", "NEEDS_HUMAN"): 3}


async def test_webhooks_that_wait_are_seen_with_their_age(ledger_url: str) -> None:
    """An action that the operator's service does not take waits, and is counted until it does."""
    async with circle(ledger={"url": ledger_url}, **ADMIN) as running:
        assert (await scrape(running.gateway)).all("webhooks_waiting") == {}
        running.services.will("WinTicket", failing(grpc.StatusCode.UNAVAILABLE))
        assert (await running.send("ticket_win")).status_code == 200
        running.clock.advance(1000)
        page = await scrape(running.gateway)

    assert page.all("webhooks_waiting") == {("site",): 1}
    age = page.value("webhooks_oldest_waiting_seconds", operator="site")
    assert age is not None
    assert age >= 1000


async def test_a_ledger_that_does_not_answer_does_not_hide_the_rest() -> None:
    """Its own metrics are missing and a gauge says why; everything else is there."""
    async with seen(FOUND) as (client, _):
        await GET_TICKET(client)
        await _do(client.gateway.ledger, "DROP TABLE debts")
        page = await scrape(client.gateway)

    assert page.value("ledger_readable") == 0
    assert page.all("rpcs_total") == {("OK", "site", "", "TicketService/GetTicket"): 1}
    assert not [name for name, _ in page.series if name.startswith("ledger_op")]


async def test_what_is_found_out_is_counted() -> None:
    """An unknown outcome that is decided is counted by what it became."""
    pace = {"poll_s": 0.01, "settle_s": 0.01}
    async with seen(hang_up, reconcile=pace, upstream={"timeout_s": 0.5}) as (client, _):
        with refused(Reason.OUTCOME_UNKNOWN):
            await CREATE(client)
        async with asyncio.timeout(15):
            while not (await scrape(client.gateway)).all("reconciled_total"):
                pass
        page = await scrape(client.gateway)

    assert page.all("reconciled_total") == {("needs_human",): 1}
    assert page.all("ledger_operations") == {("site", "NEEDS_HUMAN"): 1}


# --------------------------------------------------------------------------------------------------------- the page


async def test_every_metric_is_described() -> None:
    """What is served is what the catalogue lists, each with its meaning."""
    async with seen(FOUND) as (client, _):
        page = await scrape(client.gateway)

    assert page.meanings == {metric.name.removesuffix("_total"): metric.meaning for metric in CATALOGUE}


async def test_prometheus_gets_the_format_that_it_asks_for() -> None:
    """OpenMetrics where it is accepted, the older text otherwise."""
    async with seen(FOUND) as (client, _):
        for wanted, kind in (("application/openmetrics-text;version=1.0.0", "openmetrics-text"), ("*/*", "plain")):
            response = await page_of(client.gateway.admin, "/metrics", accept=wanted)
            assert response.headers["content-type"].partition(";")[0].endswith(f"/{kind}")
            assert "betstack_gateway_info" in response.text


async def test_a_loop_that_is_late_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """How late the loop comes back is observed again and again."""
    monkeypatch.setattr("gateway.admin.loop_lag._EVERY_S", 0.001)
    async with seen(FOUND) as (client, _):
        async with asyncio.timeout(15):
            while not (await scrape(client.gateway)).value("event_loop_lag_seconds_count"):
                pass
