"""Do spans tell what happened, to whoever collects them?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.failure import Reason
from gateway.settings import SettingsProblems
from tests.harness import Answer, Scripted, client_of, hang_up, http_answer, refused, scripted, settings_for
from tests.logs import calls
from tests.rpc.calls import CREATE, GET_TICKET, closed_port, error_body, facing
from tests.secrecy import look
from tests.telemetry.test_trace import PARENT, SPAN, TRACE, headers_of
from tests.webhooks.circle import circle

FOUND: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')


@dataclass(frozen=True, slots=True)
class Told:
    """One span, as the collector got it."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    is_error: bool
    about: dict[str, Any]
    service: str


@dataclass(slots=True)
class Collector:
    """What arrived, once the gateway has ended."""

    server: Scripted

    @property
    def spans(self) -> list[Told]:
        """All spans, in the order of their beginnings."""
        found = []
        for request in self.server.requests:
            head, _, body = request.partition(b"\r\n\r\n")
            assert head.startswith(b"POST /v1/traces ")
            found += list(_spans(ExportTraceServiceRequest.FromString(body)))
        return [told for _, told in sorted(found, key=lambda pair: pair[0])]


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[int, Told]]:
    look("the spans", str(request))
    for resource in request.resource_spans:
        service = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield span.start_time_unix_nano, _told(span, service)


def _told(span: Span, service: str) -> Told:
    about = {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in span.attributes}
    return Told(
        span.name,
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.status.code == Status.STATUS_CODE_ERROR,
        about,
        service,
    )


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, dict[str, Any]]]:
    """Run a collector; gives it and the settings that send spans there."""
    async with scripted(http_answer(200)) as server:
        yield Collector(server), {"traces": {"otlp_endpoint": server.url}}


async def test_a_call_is_two_spans_in_its_callers_trace() -> None:
    """RPC and HTTP call, one within the other, in the words of the semantic conventions."""
    async with collecting() as (collector, settings), scripted(FOUND) as platform:
        async with client_of(settings_for(platform.url, **settings)) as client:
            await CREATE(client, metadata=(("traceparent", PARENT), ("tracestate", "a=1")))
        rpc, http = collector.spans
        got = headers_of(platform.requests[0])

    assert (rpc.name, rpc.kind, rpc.parent) == ("betstack.ticket.v1.TicketService/CreateTicket", "SERVER", SPAN)
    assert (http.name, http.kind, http.parent) == ("POST /be/tickets", "CLIENT", rpc.id)
    assert rpc.trace == http.trace == TRACE
    assert (rpc.is_error, http.is_error) == (False, False)
    assert got["traceparent"] == f"00-{TRACE}-{http.id}-01"
    assert got["tracestate"] == "a=1"
    request_id = rpc.about.pop("betstack.request_id")
    assert rpc.about == {
        "rpc.system.name": "grpc",
        "rpc.method": "betstack.ticket.v1.TicketService/CreateTicket",
        "rpc.response.status_code": "OK",
        "betstack.operator": "site",
        "betstack.api": "be",
        "betstack.wire_stage": "ANSWERED",
    }
    host, _, port = platform.url.removeprefix("http://").partition(":")
    assert http.about == {
        "http.request.method": "POST",
        "url.template": "/be/tickets",
        "http.response.status_code": 200,
        "server.address": host,
        "server.port": int(port),
        "betstack.operator": "site",
        "betstack.api": "be",
        "betstack.wire_stage": "ANSWERED",
        "betstack.request_id": request_id,
    }


@pytest.mark.parametrize(
    ("answer", "reason", "is_error"),
    [
        (http_answer(400, error_body(102)), Reason.TICKET_NOT_FOUND, False),
        (http_answer(404), Reason.UPSTREAM_ROUTE_MISSING, True),
        (http_answer(503), Reason.UPSTREAM_UNAVAILABLE, True),
        (hang_up, Reason.UPSTREAM_UNAVAILABLE, True),
    ],
)
async def test_an_error_is_one_for_whom_it_is(answer: Answer, reason: Reason, is_error: bool) -> None:
    """For the caller's span what the caller did wrong is no error; for the HTTP call every refusal is one."""
    async with collecting() as (collector, settings), scripted(answer) as platform:
        async with client_of(settings_for(platform.url, **settings)) as client:
            with refused(reason):
                await GET_TICKET(client)
        rpc, http = collector.spans

    assert (rpc.is_error, http.is_error) == (is_error, True)
    assert rpc.about["error.type"] == http.about["error.type"] == reason


async def test_a_trace_that_is_not_kept_goes_on_all_the_same() -> None:
    """The caller decides; nothing of it is sent to the collector, and the platform is told so too."""
    async with collecting() as (collector, settings), scripted(FOUND) as platform:
        async with client_of(settings_for(platform.url, **settings)) as client:
            await GET_TICKET(client, metadata=(("traceparent", f"00-{TRACE}-{SPAN}-00"),))
        assert collector.spans == []
        got = headers_of(platform.requests[0])["traceparent"]

    assert got.startswith(f"00-{TRACE}-")
    assert got.endswith("-00")
    assert SPAN not in got


@pytest.mark.parametrize("sample", [1, 0])
async def test_a_call_without_a_trace_begins_one(caplog: pytest.LogCaptureFixture, sample: int) -> None:
    """The share that is kept is a setting; log and platform have the trace in any case."""
    async with collecting() as (collector, settings), scripted(FOUND) as platform:
        settings["traces"]["sample"] = sample
        async with client_of(settings_for(platform.url, **settings)) as client:
            await GET_TICKET(client)
        spans = collector.spans
        _, trace, _, flags = headers_of(platform.requests[0])["traceparent"].split("-")

    assert (len(spans), int(flags, 16) & 1) == (2 * sample, sample)
    assert {span.trace for span in spans} <= {trace}
    assert [call["trace_id"] for call in calls(caplog)] == [trace]


async def test_a_webhook_is_two_spans_in_the_platforms_trace() -> None:
    """Delivery and call of the operator's service; what comes unsigned makes none."""
    async with collecting() as (collector, settings):
        async with circle(**settings) as running:
            await running.send("ticket_win", headers={"traceparent": PARENT, "signature": "0" * 64})
            await running.send("ticket_win", headers={"traceparent": PARENT})
            [call] = running.services.calls
        webhook, dispatched = collector.spans

    assert (webhook.name, webhook.kind, webhook.parent) == ("POST /pam/{operator}", "SERVER", SPAN)
    assert (dispatched.kind, dispatched.parent) == ("CLIENT", webhook.id)
    assert dispatched.name == "betstack.pam.v1.PamService/WinTicket"
    assert webhook.trace == dispatched.trace == TRACE
    assert call.metadata["traceparent"] == f"00-{TRACE}-{dispatched.id}-01"
    assert webhook.about["http.route"] == "/pam/{operator}"
    assert webhook.about["betstack.action"] == "ticket_win"
    assert webhook.about["betstack.request_id"] == dispatched.about["betstack.request_id"] == call.key


async def test_a_collector_that_is_down_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are served, and the gateway ends, whether spans are taken or not."""
    monkeypatch.setattr("gateway.telemetry.spans._LAST_SPANS_S", 0.05)
    with closed_port() as nowhere:
        async with asyncio.timeout(15), facing(FOUND, traces={"otlp_endpoint": nowhere}) as (client, _):
            await GET_TICKET(client)


async def test_opentelemetrys_own_variables_name_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is called as the environment says, or betstack-gateway."""
    names = []
    for name in (None, "gateway-of-ours"):
        if name is not None:
            monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        async with collecting() as (collector, settings), scripted(FOUND) as platform:
            async with client_of(settings_for(platform.url, **settings)) as client:
                await GET_TICKET(client)
            names.append({span.service for span in collector.spans})

    assert names == [{"betstack-gateway"}, {"gateway-of-ours"}]


def test_without_the_extra_the_settings_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that nothing could speak to is a problem of the settings."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(SettingsProblems, match=r"^traces\.otlp_endpoint: needs the extra betstack-gateway\[otel\]$"):
        settings_for("http://127.0.0.1:1", traces={"otlp_endpoint": "http://127.0.0.1:4318"})
    settings_for("http://127.0.0.1:1")
