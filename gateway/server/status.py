"""Which gRPC status is this failure? The one place that builds statuses.

Every status has an ErrorInfo (AIP-193). The whole serialised status stays under 4 KiB: bigger ones run into the header
limits of gRPC implementations, which then replace the status by one of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.contract.reasons import STATUS_OF
from gateway.failure import Failure, Reason

__all__ = ["DOMAIN", "PUSHBACK", "STATUS_LIMIT", "Described", "to_status", "trailing_metadata"]

DOMAIN: Final = "betstack-gateway"
STATUS_LIMIT: Final = 4096
"""Largest serialised status, in bytes."""

PUSHBACK: Final = ("grpc-retry-pushback-ms", "-1")
"""Tells a client with a retry policy to stop (gRFC A6)."""

_MESSAGE_LIMIT: Final = 512
_VALUE_LIMITS: Final = (1024, 256, 64)

_RESOURCES: Final = {
    Reason.TICKET_NOT_FOUND: ("ticket", ""),
    Reason.OPERATOR_NOT_FOUND: ("operator", "operator"),
    Reason.OPERATOR_NOT_CONFIGURED: ("operator", "operator"),
    Reason.PLAYER_NOT_FOUND: ("player", "player_id"),
    Reason.OPERATION_NOT_FOUND: ("operation", "request_id"),
}
"""What was not found, and the request field that names it; none means what the call is about."""

_PRECONDITIONS: Final = {
    Reason.TICKET_NOT_RESERVED: ("TICKET_STATUS", "the ticket has to be reserved"),
    Reason.NOT_CONFIGURED: ("GATEWAY_SETTINGS", "the operator needs a URL for this API"),
    Reason.OPERATION_FINAL: ("OPERATION_STATE", "the operation may not be final"),
    Reason.PLATFORM_CODE_UNMAPPED: ("PLATFORM", "the platform refused with a code that the gateway does not know"),
}


class Described(Protocol):
    """An RPC, as far as a status needs it."""

    @property
    def subject(self) -> str:
        """The request field that names what the call is about; empty where there is none."""


def to_status(failure: Failure, rpc: Described | None = None, request: Message | None = None) -> Status:
    """Return the status of a failure; RPC and request, where known, name the resource it is about."""
    bad_request = _bad_request(failure)
    extras = [*_extras(failure, bad_request, rpc.subject if rpc else "", request)]
    message = _message(failure, bad_request)
    for limit in _VALUE_LIMITS:
        status = _assemble(failure, message, _error_info(failure, limit), extras)
        if status.ByteSize() <= STATUS_LIMIT:
            return status
    return _assemble(failure, message, _error_info(failure, _VALUE_LIMITS[-1]), [])


def trailing_metadata(failure: Failure, status: Status) -> tuple[tuple[str, str | bytes], ...]:
    """Return the trailers that carry the status."""
    details = ("grpc-status-details-bin", status.SerializeToString())
    return (details, PUSHBACK) if failure.reason is Reason.OUTCOME_UNKNOWN else (details,)


def _assemble(failure: Failure, message: str, info: ErrorInfo, extras: list[Message]) -> Status:
    status = Status(code=STATUS_OF[failure.reason], message=message)
    for detail in (info, *extras):
        packed = AnyMessage()
        packed.Pack(detail)
        if status.ByteSize() + packed.ByteSize() + 8 <= STATUS_LIMIT or detail is info:
            status.details.append(packed)
    return status


def _error_info(failure: Failure, limit: int) -> ErrorInfo:
    metadata = {key: _cut(value, limit) for key, value in failure.metadata.items()}
    return ErrorInfo(reason=failure.reason, domain=DOMAIN, metadata=metadata)


def _message(failure: Failure, bad_request: BadRequest) -> str:
    """Return the message, which says so where BadRequest had no room for all violations."""
    left_out = len(failure.violations) - len(bad_request.field_violations)
    note = f" ({left_out} more than BadRequest has room for)" if left_out else ""
    return _cut(failure.message, _MESSAGE_LIMIT - len(note)) + note


def _extras(failure: Failure, bad_request: BadRequest, subject: str, request: Message | None) -> Iterator[Message]:
    if failure.violations:
        yield bad_request
    if failure.retry_after_s is not None:
        yield RetryInfo(retry_delay=_duration(failure.retry_after_s))
    if failure.reason in _PRECONDITIONS:
        kind, description = _PRECONDITIONS[failure.reason]
        named = _named(request, subject)
        violation = PreconditionFailure.Violation(type=kind, subject=named, description=description)
        yield PreconditionFailure(violations=[violation])
    if failure.reason in _RESOURCES:
        kind, field = _RESOURCES[failure.reason]
        if name := _named(request, field or subject):
            yield ResourceInfo(resource_type=kind, resource_name=name, description=_cut(failure.message, 256))


def _named(request: Message | None, field: str) -> str:
    return getattr(request, field, "") if field else ""


def _bad_request(failure: Failure) -> BadRequest:
    """Name the fields, as many as leave room for the rest of the status."""
    bad_request = BadRequest()
    for violation in failure.violations:
        added = bad_request.field_violations.add(
            field=_cut(violation.field, 256), description=_cut(violation.description, 256)
        )
        if bad_request.ByteSize() > STATUS_LIMIT // 2:
            bad_request.field_violations.remove(added)
            break
    return bad_request


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration


def _cut(text: str, limit: int) -> str:
    """Shorten a text to ``limit`` UTF-8 bytes."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= limit else encoded[: limit - 3].decode("utf-8", "ignore") + "…"
