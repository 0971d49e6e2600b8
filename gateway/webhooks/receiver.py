"""Is this delivery the platform's, and what is it answered? Signed HTTP in, as raw bytes first.

In this order: size, headers, timestamp, signature over the received bytes, and only then JSON. Who cannot show a signature
is told nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from gateway.failure import Violation
from gateway.ledger.database import LedgerUnavailable
from gateway.settings import Settings
from gateway.telemetry import CallRecord, Hop, Telemetry, Trace
from gateway.webhooks.answers import OK, Reply, error
from gateway.webhooks.courier import Courier
from gateway.webhooks.facts import Delivery
from gateway.webhooks.notifications import Notifications
from gateway.webhooks.ticket import Action
from gateway.wire.codec import Lost
from gateway.wire.inbound import Inbound
from gateway.wire.jsontext import NotJson, parse
from gateway.wire.signing import verify

__all__ = ["Receiver"]

_UNSIGNED: Final = Reply(401)
_TICKET_ACTIONS: Final = frozenset(Action)
_STAMP_DIGITS: Final = 15
_OPERATOR_NOT_FOUND: Final = 106

_TICKET_ID: Final = re.compile(r"[!-~]{1,128}")
"""What fits into a key that travels as metadata; the platform's own are 24 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class _Signed:
    """A delivery whose signature holds; ``named`` is the operator that its header names."""

    operator: str
    stamp: int
    signature: str
    body: bytes
    named: str | None
    trace: Trace | None


class Receiver:
    """The HTTP side of the webhooks; ``keys_of`` gives every key of an operator that holds now."""

    def __init__(
        self,
        settings: Settings,
        courier: Courier,
        notifications: Notifications,
        actions: Mapping[str, Mapping[str, Inbound]],
        telemetry: Telemetry,
        clock: Callable[[], float],
        keys_of: Callable[[str], Iterable[bytes]],
    ) -> None:
        self._operators = settings.operators
        self._keys_of = keys_of
        self._settings = settings.webhooks
        self._courier = courier
        self._notifications = notifications
        self._actions = actions
        self._telemetry = telemetry
        self._clock = clock

    def app(self) -> Starlette:
        """Return the ASGI application."""
        app = Starlette(
            routes=[
                HttpRoute("/pam/{operator}", self._pam, methods=["POST"]),
                HttpRoute("/sms/{operator}", self._sms, methods=["POST"]),
            ],
            exception_handlers={HTTPException: self._elsewhere},
        )
        app.router.redirect_slashes = False
        return app

    async def _elsewhere(self, _: Request, problem: Exception) -> Response:
        """Answer what is no POST, or goes to a path that is none of ours."""
        assert isinstance(problem, HTTPException)
        response = _response(error(problem.status_code, self._settings.other_code, problem.detail))
        response.headers.update(problem.headers or {})
        return response

    async def _pam(self, request: Request) -> Response:
        return await self._received(request, "pam", "action")

    async def _sms(self, request: Request) -> Response:
        return await self._received(request, "sms", "type")

    async def _received(self, request: Request, api: str, key: str) -> Response:
        try:
            reply = await self._reply(request, api, key)
        except ClientDisconnect:
            reply = OK
        except LedgerUnavailable:
            reply = error(500, self._settings.other_code, "the gateway cannot write")
        except Exception as problem:  # noqa: BLE001 - whatever it is, the platform is told in its own form
            error_id = secrets.token_hex(8)
            self._telemetry.fault(error_id, f"webhook/{api}", problem)
            reply = error(500, self._settings.other_code, f"the gateway failed, error {error_id}")
        return _response(reply)

    async def _reply(self, request: Request, api: str, key: str) -> Reply:
        operator = request.path_params["operator"]
        if operator not in self._operators:
            return error(404, _OPERATOR_NOT_FOUND, f"Operator {operator[:100]} was not found")
        body = await self._body(request)
        if body is None:
            return error(413, self._settings.other_code, "the body is too large")
        if "signature" not in request.headers:
            return OK if api == "pam" and _is_ping(body) else self._unsigned("no signature")
        signed = self._verified(request.headers, operator, body)
        if signed is None:
            return self._unsigned("wrong signature")
        return await self._recorded(signed, api, key)

    async def _body(self, request: Request) -> bytes | None:
        """Read the body; None where it is larger than the limit."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                return None
        return bytes(body)

    def _verified(self, headers: Mapping[str, str], operator: str, body: bytes) -> _Signed | None:
        stamp, signature = headers.get("timestamp", ""), headers.get("signature", "")
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > _STAMP_DIGITS:
            return None
        if abs(self._clock() - int(stamp)) > self._settings.tolerance_s:
            return None
        if not verify(self._keys_of(operator), stamp, body, signature):
            return None
        return _Signed(operator, int(stamp), signature, body, headers.get("operator-name"), Trace.read(headers))

    def _unsigned(self, why: str) -> Reply:
        self._telemetry.webhook(why)
        return _UNSIGNED

    def _malformed(self, why: str) -> Reply:
        self._telemetry.webhook("malformed")
        return error(400, self._settings.other_code, why)

    async def _recorded(self, signed: _Signed, api: str, key: str) -> Reply:
        """Leave one record of every delivery whose signature holds; what comes unsigned is only counted."""
        record = CallRecord(Hop.WEBHOOK, f"POST /{api}/{{operator}}", signed.operator, api=api, trace=signed.trace)
        record.code = "500"
        self._telemetry.begin(record)
        try:
            reply = await self._opened(signed, api, key, record)
            record.code = str(reply.status)
            return reply
        finally:
            self._telemetry.end(record)

    async def _opened(self, signed: _Signed, api: str, key: str, record: CallRecord) -> Reply:
        if api == "sms" and signed.named != signed.operator:
            return self._malformed("operator-name is not the operator of this URL")
        try:
            envelope = parse(signed.body)
        except NotJson:
            return self._malformed("the body is not JSON")
        if not isinstance(envelope, dict) or not isinstance(envelope.get(key), str):
            return self._malformed(f"{key}: a string is expected")
        token, data = envelope[key], envelope.get("data")
        inbound = self._actions[api].get(token)
        if inbound is None:
            self._telemetry.webhook("unknown action")
            return error(400, self._settings.unknown_action_code, f"{token} feature not implemented yet"[:200])
        record.action = token
        if not isinstance(data, dict):
            return self._malformed("data: an object is expected")
        if api == "pam" and data.get("operator") != signed.operator:
            return self._malformed("data.operator is not the operator of this URL")
        lost: Lost = []
        message = inbound.open(data, lost)
        self._telemetry.lost(lost)
        if isinstance(message, list):
            return self._malformed(_described(message))
        return await self._passed_on(signed, api, token, inbound, message)

    async def _passed_on(
        self,
        signed: _Signed,
        api: str,
        token: str,
        inbound: Inbound,
        message: Any,  # noqa: ANN401 - a request of the contract
    ) -> Reply:
        if token == "ping":  # noqa: S105 - the action's name
            return OK
        message.operator = signed.operator  # not in the data of an SMS
        is_ticket = token in _TICKET_ACTIONS
        if is_ticket and not _TICKET_ID.fullmatch(message.ticket_id):
            return self._malformed("data.ticket_id: has to be 1 to 128 printable ASCII characters without blanks")
        if not self._courier.serves(signed.operator, api):
            return error(500, self._settings.other_code, f"no {api}_target is configured")
        if is_ticket:
            return await self._courier.deliver(_delivery(signed, token, message))
        if api == "pam":
            return await self._notifications.ask(signed.operator, inbound, message)
        return await self._notifications.notify(signed.operator, signed.stamp, signed.signature, inbound, message)


def _delivery(signed: _Signed, token: str, message: Any) -> Delivery:  # noqa: ANN401 - a PAM request
    request = message.SerializeToString(deterministic=True)
    return Delivery(
        operator=signed.operator,
        ticket_id=message.ticket_id,
        action=Action(token),
        stamp=signed.stamp,
        signature=signed.signature,
        data=hashlib.sha256(request).digest(),
        request=request,
    )


def _response(reply: Reply) -> Response:
    return Response(reply.body, status_code=reply.status, media_type="application/json" if reply.body else None)


def _is_ping(body: bytes) -> bool:
    try:
        envelope = parse(body)
    except NotJson:
        return False
    return isinstance(envelope, dict) and envelope.get("action") == "ping"


def _described(violations: list[Violation]) -> str:
    return "; ".join(f"{violation.field}: {violation.description}" for violation in violations)[:1000]
