"""What does this HTTP answer say: a response, or a failure? The order of decision is part of the error model.

1. An answer that never arrived whole is not seen here; the wire stage decides about it.
2. 5xx, 408 and an interim 1xx, which is no answer, leave the outcome of a call that is no READ unknown, whatever the
   body says.
3. A JSON object with an integer ``code`` and a string ``message`` is an error body at any status, 200 included; a
   known code decides. Where HTTP 200 itself is the success (PAM's ticket actions, SMS), its body is never an error.
4. An unknown code with 400, or with a 2xx on a READ, is PLATFORM_CODE_UNMAPPED; with a 2xx on any other call the
   outcome is unknown.
5. Any other status that is no success has its row, whatever the body is.
6. A 2xx that does not fit is UPSTREAM_BAD_PAYLOAD for a READ; for any other call the outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message

from gateway.contract.routes import Route, Success
from gateway.failure import Failure, Reason
from gateway.wire.codec import Decode, Lost, Unfit, decoder, field_decoder
from gateway.wire.codes import CodesOf, reason_of_status
from gateway.wire.jsontext import NotJson, parse

__all__ = ["HttpAnswer", "Read", "reader"]

_NOTHING: Final = object()
_NO_JSON: Final = object()
_MESSAGE_LIMIT: Final = 1024


class HttpAnswer(NamedTuple):
    """A whole answer: status, headers by lower-case name, body. ``overlong`` says that the body was cut at our limit.

    ``received`` is when it arrived, in Unix seconds; a ``Retry-After`` that names a date is counted from there.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    received: float = 0.0
    overlong: bool = False


Read = Callable[[HttpAnswer, Lost], Message]
"""Turns an answer into the response, or raises Failure and nothing else."""


class _Facts(NamedTuple):
    """What an answer shows on its face; what only a failure tells is made for a failure only."""

    api: str
    answer: HttpAnswer
    value: Any
    code: int | None
    text: str

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def retry_after_s(self) -> float | None:
        return _retry_after(self.answer)

    @property
    def metadata(self) -> dict[str, str]:
        told = {"api": self.api, "http_status": str(self.status), "payload": _payload(self.value)}
        if self.code is not None:
            told |= {"platform_code": str(self.code), "platform_message": self.text[:_MESSAGE_LIMIT]}
        return told


def reader(route: Route, codes_of: CodesOf) -> Read:
    """Compile the translation of a route's answers."""
    decode = _response_decoder(route)
    make = route.response.message
    is_read = route.call_class.is_read
    unfitting = Reason.UPSTREAM_BAD_PAYLOAD if is_read else Reason.OUTCOME_UNKNOWN

    def reason_for(facts: _Facts) -> Reason | None:
        status = facts.status
        if not is_read and (status >= 500 or status == 408 or status < 200):
            return Reason.OUTCOME_UNKNOWN
        is_success = 200 <= status < 300
        if facts.code is not None and not (status == 200 and route.success is Success.STATUS):
            known = codes_of(route.api.name).get(facts.code)
            if known is not None:
                return known
            if status == 400 or (is_success and is_read):
                return Reason.PLATFORM_CODE_UNMAPPED
            if is_success:
                return Reason.OUTCOME_UNKNOWN
        return None if is_success else reason_of_status(route, status)

    def read(answer: HttpAnswer, lost: Lost) -> Message:
        facts = _facts(route, answer)
        reason = reason_for(facts)
        if reason is not None:
            raise _failure(reason, facts)
        try:
            return make(**decode(facts.value, lost))
        except Unfit as error:
            raise _failure(unfitting, facts, f"the answer does not fit: {error}") from None

    return read


def _response_decoder(route: Route) -> Decode:
    """Compile the reader of a success: of the response itself, or of the one field that takes the answer."""
    empty_is_fine = route.success is not Success.BODY
    decode = decoder(route.response)
    answer = route.response.field(route.answer) if route.answer else None
    read_field = field_decoder(answer) if answer else None

    def read(value: Any, lost: Lost) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        if value is _NO_JSON:
            raise Unfit("it is not JSON")
        if value is _NOTHING or (value is None and empty_is_fine):
            if empty_is_fine:
                return {}
            raise Unfit("it is empty")
        if read_field is not None:
            return {route.answer: read_field(value, lost)}
        return decode(value, lost)

    return read


def _facts(route: Route, answer: HttpAnswer) -> _Facts:
    value = _value(answer)
    return _Facts(route.api.name, answer, value, *_error_body(value))


def _value(answer: HttpAnswer) -> Any:  # noqa: ANN401 - any JSON value
    if answer.overlong:
        return _NO_JSON
    if not answer.body.strip():
        return _NOTHING
    try:
        return parse(answer.body)
    except NotJson:
        return _NO_JSON


def _payload(value: object) -> str:
    if value is _NOTHING:
        return "empty"
    return "other" if value is _NO_JSON else "json"


def _error_body(value: object) -> tuple[int | None, str]:
    if not isinstance(value, dict):
        return None, ""
    code, text = value.get("code"), value.get("message")
    if type(code) is float and code.is_integer():
        code = int(code)
    return (code, text) if type(code) is int and isinstance(text, str) else (None, "")


def _failure(reason: Reason, facts: _Facts, message: str = "") -> Failure:
    if not message:
        message = f"the platform answered HTTP {facts.status}"
        if facts.code is not None:
            message += f" with code {facts.code}: {facts.text[:_MESSAGE_LIMIT]}"
    if reason is Reason.OUTCOME_UNKNOWN:
        # No delay: nothing may be sent again, however long the caller waits.
        return Failure(reason, f"the outcome is unknown: {message}", metadata=facts.metadata)
    return Failure(reason, message, metadata=facts.metadata, retry_after_s=facts.retry_after_s)


def _retry_after(answer: HttpAnswer) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3), which is a number or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
        date = date.replace(tzinfo=date.tzinfo or UTC)  # one of the three spellings has no zone, and means UTC
        return max(0.0, date.timestamp() - answer.received)
    except (ValueError, OverflowError, OSError):
        return None
