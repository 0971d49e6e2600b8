"""What is known of one call? One record a call, whoever calls whom; nothing in it is personal data."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.telemetry.trace import Trace

__all__ = ["CURRENT", "CallRecord", "Hop"]


class Hop(StrEnum):
    """Between whom a call goes."""

    RPC = "rpc"
    """From a caller to the gateway."""

    UPSTREAM = "upstream"
    """From the gateway to the platform; one try."""

    WEBHOOK = "webhook"
    """From the platform to the gateway, its signature verified."""

    DISPATCH = "dispatch"
    """From the gateway to the operator's own service; one try."""


@dataclass(slots=True, eq=False)
class CallRecord:
    """One call from its beginning to its end. Whoever makes it fills it in; sinks only read it.

    ``name`` is the path of an RPC, or verb and path template of an HTTP call. ``caller`` is the name that the settings
    give whoever called, ``peer`` the address of whoever is called. ``code`` is the gRPC code or the HTTP
    status; ``reason`` is empty where it succeeded. An RPC also has ``api``, ``stage`` and ``http_status`` of its last
    try. ``trace`` is what it was called with; ``own_trace`` its own place in it, where spans are kept. ``within`` is the
    call that it was made for.
    """

    hop: Hop
    name: str
    operator: str
    request_id: str = ""
    caller: str = ""
    api: str = ""
    action: str = ""
    peer: str = ""
    trace: Trace | None = None
    code: str = ""
    reason: str = ""
    stage: str = ""
    http_status: str = ""
    execution: str = ""
    is_replay: bool = False
    seconds: float = 0.0
    began: float = 0.0
    within: CallRecord | None = None
    own_trace: Trace | None = None
    span: Any = None

    @property
    def context(self) -> Trace | None:
        """What calls that are made for this one are called with."""
        return self.own_trace or self.trace


CURRENT: Final[ContextVar[CallRecord | None]] = ContextVar("current call", default=None)
"""The call that is being served; tasks that are started for it have it too."""
