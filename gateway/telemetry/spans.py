"""How does what happened become traces? One OpenTelemetry span a call, sent to a collector by OTLP over HTTP."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)

from gateway.telemetry.record import CallRecord, Hop
from gateway.telemetry.sink import Sink
from gateway.telemetry.trace import Trace

__all__ = ["Spans"]

_NAME: Final = "betstack-gateway"
_LAST_SPANS_S: Final = 2.0
"""How long a shutdown waits for the collector to take the last spans."""

_KINDS: Final = {
    Hop.RPC: SpanKind.SERVER,
    Hop.UPSTREAM: SpanKind.CLIENT,
    Hop.WEBHOOK: SpanKind.SERVER,
    Hop.DISPATCH: SpanKind.CLIENT,
}
_SERVERS_FAULT: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""The gRPC codes that the semantic conventions count as a server's error."""


class Spans(Sink):
    """The sink that makes spans; ``sample`` is the share of the traces begun here that are kept."""

    def __init__(self, endpoint: str, sample: float, version: str) -> None:
        self._provider = TracerProvider(ParentBasedTraceIdRatio(sample), _resource(version), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
        self._tracer = self._provider.get_tracer(_NAME, version)

    def begun(self, record: CallRecord) -> None:
        """Give a call its place in the trace; whether it is kept is its caller's choice, where there is one."""
        caller = record.trace
        record.span = self._tracer.start_span(_span_name(record), _context(caller), _KINDS[record.hop])
        place = record.span.get_span_context()
        if place.is_valid:
            record.own_trace = Trace(
                format_trace_id(place.trace_id),
                format_span_id(place.span_id),
                caller.flags if caller else f"{place.trace_flags:02x}",
                caller.state if caller else "",
            )

    def ended(self, record: CallRecord) -> None:
        """Say how a call ended."""
        span = record.span
        if span.is_recording():
            span.set_attributes(_attributes(record))
            if _is_error(record):
                span.set_status(StatusCode.ERROR)
        span.end()

    async def close(self) -> None:
        """Send what is left; a collector that does not take it keeps nobody waiting for long."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop is gone: nobody waits any more
                loop.call_soon_threadsafe(sent.set)

        # A thread of its own, because the end of the loop would wait for one of the loop's.
        threading.Thread(target=send, name="last spans", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SPANS_S):
                await sent.wait()


def _resource(version: str) -> Resource:
    """Say who makes the spans; the environment variables of OpenTelemetry win."""
    ours: dict[str, str | int] = {SERVICE_NAME: _NAME, SERVICE_VERSION: version, "process.pid": os.getpid()}
    return Resource(ours).merge(OTELResourceDetector().detect())


def _context(caller: Trace | None) -> Context:
    if caller is None:
        return Context()
    flags = TraceFlags(int(caller.flags, 16))
    place = SpanContext(int(caller.trace_id, 16), int(caller.span_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(place), Context())


def _span_name(record: CallRecord) -> str:
    return record.name.removeprefix("/")


def _attributes(record: CallRecord) -> Mapping[str, str | int | bool]:
    """Describe a call in the words of the semantic conventions, and in ours where they have none."""
    about: dict[str, str | int | bool] = {
        "betstack.caller": record.caller,
        "betstack.operator": record.operator,
        "betstack.request_id": record.request_id,
        "betstack.api": record.api,
        "betstack.action": record.action,
        "betstack.execution": record.execution,
        "betstack.wire_stage": record.stage,
        "betstack.replay": record.is_replay,
        "error.type": record.reason,
    }
    host, colon, port = record.peer.rpartition(":")
    about["server.address"] = host if colon else record.peer
    about["server.port"] = int(port) if colon and port.isdigit() else 0
    about |= _of_rpc(record) if record.hop in (Hop.RPC, Hop.DISPATCH) else _of_http(record)
    return {key: value for key, value in about.items() if value not in ("", 0)}


def _of_rpc(record: CallRecord) -> dict[str, str | int | bool]:
    return {
        "rpc.system.name": "grpc",
        "rpc.method": record.name.removeprefix("/"),
        "rpc.response.status_code": record.code,
    }


def _of_http(record: CallRecord) -> dict[str, str | int | bool]:
    verb, _, path = record.name.partition(" ")
    return {
        "http.request.method": verb,
        "http.route" if record.hop is Hop.WEBHOOK else "url.template": path,
        "http.response.status_code": int(record.code or 0),
    }


def _is_error(record: CallRecord) -> bool:
    match record.hop:
        case Hop.RPC:
            return record.code in _SERVERS_FAULT
        case Hop.DISPATCH:
            return record.code != "OK"
        case Hop.WEBHOOK:
            return record.code >= "500"
        case Hop.UPSTREAM:
            return not record.code or record.code >= "400"
