"""Does an answer keep the contract? What is wrong with it, in sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from tests.conformance.contract import Rpc, Served, is_sensitive
from tests.conformance.requests import Sent
from tests.secrecy import look

__all__ = ["Answer", "problems", "problems_of_repeat"]

_DOMAIN: Final = "betstack-gateway"
_STATUS_LIMIT: Final = 4096
_STATEMENTS: Final = {"NOT_EXECUTED", "EXECUTED", "UNKNOWN"}
_SHORTEST_PERSONAL: Final = 8
"""Fewer characters are found in any text by chance."""

NEVER: Final = {
    "GATEWAY_FAULT",
    "SIGNATURE_REJECTED",
    "ACCESS_DENIED",
    "UPSTREAM_ROUTE_MISSING",
    "UPSTREAM_REDIRECT",
    "UPSTREAM_CONTRACT",
    "UPSTREAM_UNAVAILABLE",
    "UPSTREAM_ERROR",
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_BAD_PAYLOAD",
    "UPSTREAM_UNREACHABLE",
    "UPSTREAM_CIRCUIT_OPEN",
    "OUTCOME_UNKNOWN",
    "OPERATOR_NOT_FOUND",
    "RATE_LIMITED",
    "DEADLINE_TOO_SHORT",
    "CALLER_UNKNOWN",
    "CALLER_NOT_ALLOWED",
    "SHUTTING_DOWN",
}
"""What no request may cause while gateway and platform are well."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: bytes, or an error."""

    body: bytes | None
    error: Any = None
    initial: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> grpc.StatusCode:
        """The status."""
        return grpc.StatusCode.OK if self.error is None else self.error.code()

    @property
    def trailers(self) -> dict[str, Any]:
        """The trailing metadata."""
        return {} if self.error is None else dict(self.error.trailing_metadata() or ())

    @property
    def reason(self) -> str:
        """The reason in the ErrorInfo; empty without one."""
        infos = list(_details(self.status, ErrorInfo))
        return infos[0].reason if infos else ""

    @property
    def status(self) -> Status:
        """The status in the trailers; empty where there is none."""
        return Status.FromString(self.trailers.get("grpc-status-details-bin", b""))


def problems(served: Served, rpc: Rpc, sent: Sent, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with an answer."""
    if answer.error is None:
        yield from _of_response(rpc, answer)
        return
    infos = list(_details(answer.status, ErrorInfo))
    if len(infos) != 1:
        yield f"an error with {len(infos)} ErrorInfos: {answer.code} {answer.error.details()}"
        return
    yield from _of_info(served, rpc, sent, answer, infos[0])
    yield from _of_status(answer)
    yield from _of_fields(sent, answer)
    yield from _of_secrecy(sent, answer)


def problems_of_repeat(first: Answer, second: Answer) -> Iterator[str]:
    """Yield what is wrong with the answer to the same request sent once more, after one that moved money."""
    if second.body != first.body:
        yield f"the same request id was answered in another way: {second.reason or second.code}"
    elif second.initial.get("idempotent-replay") != "true":
        yield "a repeat does not say that it is one"


def _of_response(rpc: Rpc, answer: Answer) -> Iterator[str]:
    try:
        rpc.response.FromString(answer.body or b"")
    except DecodeError:
        yield "the response is none"


def _of_info(served: Served, rpc: Rpc, sent: Sent, answer: Answer, info: Any) -> Iterator[str]:
    if info.domain != _DOMAIN:
        yield f"the domain is {info.domain!r}"
    if info.reason not in served.statuses:
        yield f"nobody documented the reason {info.reason}"
    elif served.statuses[info.reason] is not answer.code:
        yield f"{info.reason} is documented as {served.statuses[info.reason]}, and came as {answer.code}"
    if info.reason in NEVER:
        yield f"{info.reason}: {answer.error.details()}"
    if rpc.is_money != ("execution" in info.metadata) or info.metadata.get("execution", "UNKNOWN") not in _STATEMENTS:
        yield f"a call that is {'' if rpc.is_money else 'not '}about money says execution {info.metadata}"
    given = getattr(sent.message, "request_id", "")
    is_id = given.isascii() and given.isprintable() and 0 < len(given) <= 128
    if is_id and info.metadata.get("request_id", given) != given:
        yield f"the request id {given} became {info.metadata['request_id']}"


def _of_status(answer: Answer) -> Iterator[str]:
    status = answer.status
    if (status.code, status.message) != (answer.code.value[0], answer.error.details()):
        yield f"the details speak of another error: {status.code} {status.message!r}"
    if status.ByteSize() > _STATUS_LIMIT:
        yield f"the status has {status.ByteSize()} bytes"
    if not status.message or any(unicodedata.category(character) == "Cc" for character in status.message):
        yield f"a message for people has control characters, or nothing in it: {status.message!r}"


def _of_fields(sent: Sent, answer: Answer) -> Iterator[str]:
    for violation in (each for found in _details(answer.status, BadRequest) for each in found.field_violations):
        if answer.reason != "INVALID_REQUEST":
            yield f"{answer.reason} with a BadRequest"
        if not violation.description:
            yield f"nothing is said about {violation.field}"
        if sent.message is None or not _exists(sent.message, violation.field):
            yield f"the request has no {violation.field}"


_STEP: Final = re.compile(r'(\w+)(?:\[(?:(\d+)|"(.*)")\])?')


def _exists(message: Message, path: str) -> bool:
    """Tell whether a path leads to a field, or an element of a list, of a message."""
    here: Any = message
    for step in path.split("."):
        match = _STEP.fullmatch(step)
        if match is None or not isinstance(here, Message):
            return False
        name, index, _ = match.groups()
        if name not in here.DESCRIPTOR.fields_by_name and name not in here.DESCRIPTOR.oneofs_by_name:
            return False
        here = getattr(here, name, None)
        if index is not None:
            if int(index) >= len(here):
                return False
            here = here[int(index)]
    return True


def _of_secrecy(sent: Sent, answer: Answer) -> Iterator[str]:
    told = look("an error", f"{answer.error.details()}\n{answer.status}\n{answer.trailers}")
    if sent.message is not None:
        for value in _personal(sent.message):
            if len(value) >= _SHORTEST_PERSONAL and value in told:
                yield f"personal data is told: {value!r}"


def _personal(message: Message) -> set[str]:
    """Return the texts that are personal, and stand nowhere else in the message."""
    texts = list(_texts(message))
    return {text for text, is_personal in texts if is_personal} - {
        text for text, is_personal in texts if not is_personal
    }


def _texts(message: Message) -> Iterator[tuple[str, bool]]:
    for described, value in message.ListFields():
        values = value if described.is_repeated else [value]
        if described.type == described.TYPE_STRING:
            yield from ((text, is_sensitive(described)) for text in values)
        elif described.message_type is not None and not described.message_type.GetOptions().map_entry:
            for each in values:
                yield from _texts(each)


def _details(status: Status, kind: type[Message]) -> Iterator[Any]:
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            found = kind()
            detail.Unpack(found)
            yield found
