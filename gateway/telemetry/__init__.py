"""What happened? One record a call, passed to the log, and to metrics and spans where the settings ask for them."""

from gateway.telemetry.record import CURRENT, CallRecord, Hop
from gateway.telemetry.sink import Sink
from gateway.telemetry.telemetry import Telemetry
from gateway.telemetry.trace import TRACE_HEADERS, Trace

__all__ = ["CURRENT", "TRACE_HEADERS", "CallRecord", "Hop", "Sink", "Telemetry", "Trace"]
