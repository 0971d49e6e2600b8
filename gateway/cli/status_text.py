"""Why was a call refused? Status and details as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.cli.comments import advice

__all__ = ["FailedCall", "as_call", "printable", "reason_of", "refusal"]

_DETAILS: Final = "grpc-status-details-bin"
_DOMAIN: Final = "betstack-gateway"
_KNOWN: Final = (ErrorInfo, BadRequest, RetryInfo, PreconditionFailure, ResourceInfo)

Line = tuple[str, str]


class FailedCall(Protocol):
    """What is known of a call that was refused."""

    def code(self) -> grpc.StatusCode:
        """Return the status."""

    def details(self) -> str | None:
        """Return the message."""

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Return what was sent with the status."""


def as_call(error: grpc.RpcError) -> FailedCall:
    """Return the call that an error came from: the two are one object, which the types do not say."""
    return cast("FailedCall", error)


def refusal(call: FailedCall) -> str:
    """Return what a failed call says, one fact a line."""
    lines = [line for detail in _details(call) for line in _lines(detail)]
    width = max((len(name) for name, _ in lines), default=0)
    head = f"{call.code().name}: {printable(call.details() or 'no message')}"
    return "\n".join((head, *(f"  {printable(name).ljust(width)}  {printable(value)}" for name, value in lines)))


def reason_of(call: FailedCall) -> str:
    """Return why a call failed, empty where it does not say."""
    return next((detail.reason for detail in _details(call) if isinstance(detail, ErrorInfo)), "")


def printable(text: str) -> str:
    """Return a text that came from elsewhere without what would steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _details(call: FailedCall) -> Iterator[Message]:
    for name, value in call.trailing_metadata() or ():
        if name == _DETAILS and isinstance(value, bytes):
            try:
                yield from map(_unpacked, Status.FromString(value).details)
            except DecodeError:
                return


def _unpacked(packed: AnyMessage) -> Message:
    for kind in _KNOWN:
        detail: Message = kind()
        if packed.Unpack(detail):
            return detail
    return packed


def _lines(detail: Message) -> Iterator[Line]:
    match detail:
        case ErrorInfo():
            yield from _reason(detail)
        case BadRequest():
            yield from (("field", f"{each.field} {each.description}".strip()) for each in detail.field_violations)
        case RetryInfo():
            yield "retry after", f"{detail.retry_delay.ToMilliseconds() / 1000:g} s"
        case PreconditionFailure():
            yield from ((each.type, f"{each.subject} {each.description}".strip()) for each in detail.violations)
        case ResourceInfo() if detail.resource_name:
            yield detail.resource_type, detail.resource_name
        case AnyMessage():
            yield "also", detail.type_url


def _reason(info: ErrorInfo) -> Iterator[Line]:
    yield "reason", info.reason
    if info.domain != _DOMAIN:
        yield "domain", info.domain
    elif info.reason in advice():
        yield "do", advice()[info.reason].do
    yield from sorted(info.metadata.items())
