"""What does the platform say to this request? One signed call: bound, signed, sent, read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx
from google.protobuf.message import Message

from gateway.contract.routes import Route
from gateway.failure import Failure, Reason
from gateway.settings import Settings
from gateway.telemetry import CallRecord, Hop, Telemetry, Trace
from gateway.upstream.breaker import Breaker, Outcome
from gateway.upstream.exchange import Exchange, Headers, Loss, Outgoing, Transport
from gateway.upstream.giving_way import GivingWay
from gateway.upstream.repeats import delay_before_repeat_s
from gateway.wire.attempt import Attempt, Stage
from gateway.wire.binding import HttpCall
from gateway.wire.codec import Lost
from gateway.wire.envelope import HttpAnswer
from gateway.wire.signing import Whitespace, sign
from gateway.wire.translation import Translation

__all__ = ["Platform"]

_LONG: Final = 65_536
"""From how many bytes on an answer is read in pieces; a shorter one takes no longer than two milliseconds."""


class _Stamp(NamedTuple):
    """What signs a request without a body: its second and its key; and the headers with that signature."""

    timestamp: str
    key: bytes
    headers: Headers


@dataclass(slots=True)
class _Operation:
    """One route for one operator: all that its calls have in common. Hosts share their breakers.

    Without a body there is nothing to sign but the second, so that all calls of one second have the same ``stamp``.
    """

    route: Route
    operator: str
    is_read: bool
    translation: Translation
    url: str
    path: bytes
    headers: Headers
    peer: str
    breaker: Breaker
    name: str
    action: str
    stamp: _Stamp | None = None

    def record(self) -> CallRecord:
        """Begin the record of one try."""
        return CallRecord(
            Hop.UPSTREAM,
            self.name,
            self.operator,
            api=self.route.api.name,
            action=self.action,
            peer=self.peer,
            reason="CANCELLED",
            stage="CANCELLED",
        )


class Platform:
    """The platform as the configured operators see it.

    ``key_of`` gives the key that signs for an operator now; ``spend`` is told of every repeat that goes out for one.
    """

    def __init__(
        self,
        settings: Settings,
        translations: Mapping[str, Translation],
        transport: Transport,
        telemetry: Telemetry,
        clock: Callable[[], float],
        key_of: Callable[[str], bytes],
        spend: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._spend = spend
        self._operators = settings.operators
        self._limits = settings.upstream
        self._whitespace = Whitespace(settings.upstream.whitespace)
        self._translations = translations
        self._transport = transport
        self._telemetry = telemetry
        self._clock = clock
        self._key_of = key_of
        self._operations: dict[tuple[str, str], _Operation] = {}
        self._breakers: dict[str, Breaker] = {}
        self._giving_way = GivingWay(time.monotonic)

    def require(self, route: Route, operator: str) -> None:
        """Raise Failure unless the operator is configured and has a URL for this route's API."""
        if (operator, route.rpc) in self._operations:
            return
        if operator not in self._operators:
            raise Failure(
                Reason.OPERATOR_NOT_CONFIGURED,
                f"operator {operator!r} is not configured" if operator else "operator is empty and there is no default",
            )
        setting = route.api.base_url.setting
        if getattr(self._operators[operator], setting) is None:
            raise Failure(
                Reason.NOT_CONFIGURED,
                f"operator {operator!r} has no {setting}",
                metadata={"api": route.api.name, "setting": f"operators.{operator}.{setting}"},
            )

    def admit(self, route: Route, operator: str) -> None:
        """Raise UPSTREAM_CIRCUIT_OPEN where the platform failed so often that it is given a pause."""
        operation = self._operation(route, operator)
        breaker = operation.breaker
        if breaker.is_open and (wait_s := breaker.wait_s(is_read=operation.is_read)):
            raise _paused(route, wait_s)

    async def call(self, route: Route, request: Message, operator: str, budget_s: float) -> Attempt:
        """Try, and repeat what may be repeated, within ``budget_s`` seconds; raises nothing but CancelledError.

        The budget bounds each try of a READ and all of them together; other calls are bounded by ``timeout_s`` alone.
        """
        operation = self._operation(route, operator)
        ends = time.monotonic() + budget_s
        left_s, tries = max(budget_s, 0), 0
        while True:
            tries += 1
            done = await self._attempt(operation, request, left_s if operation.is_read else self._limits.timeout_s)
            delay_s = delay_before_repeat_s(route, done, tries, self._limits)
            if delay_s is None or delay_s >= ends - time.monotonic():
                return done
            await asyncio.sleep(delay_s)
            self._spend(operator)
            left_s = max(ends - time.monotonic(), 0)

    async def attempt(self, route: Route, request: Message, operator: str, timeout_s: float) -> Attempt:
        """Try once, within ``timeout_s`` seconds; the request has been checked. Raises nothing but CancelledError."""
        return await self._attempt(self._operation(route, operator), request, timeout_s)

    async def _attempt(self, operation: _Operation, request: Message, timeout_s: float) -> Attempt:
        call = operation.translation.bind(request)
        breaker = operation.breaker
        if breaker.is_open and (wait_s := breaker.enter(is_read=operation.is_read)):
            return Attempt(Stage.NEVER_SENT, failure=_paused(operation.route, wait_s))
        record = operation.record()
        self._telemetry.begin(record)
        try:
            done = await self._transport.exchange(
                self._outgoing(operation, call, record.context),
                timeout_s=timeout_s,
                connect_timeout_s=self._limits.connect_timeout_s,
                max_answer_bytes=self._limits.max_answer_bytes,
                clock=self._clock,
            )
            self._report(operation, _outcome(done))
            if done.answer is not None and len(done.answer.body) >= _LONG:
                attempt = await self._read_in_pieces(operation, done.answer)
            else:
                attempt = self._attempted(operation, done)
            record.stage, record.reason = attempt.stage, attempt.failure.reason if attempt.failure else ""
            record.code = str(done.answer.status) if done.answer else ""
            return attempt
        finally:
            self._telemetry.end(record)

    def _attempted(self, operation: _Operation, done: Exchange) -> Attempt:
        if done.answer is None:
            return Attempt(done.stage, failure=_unanswered(operation.route, done))
        lost: Lost = []
        try:
            return Attempt(Stage.ANSWERED, operation.translation.read(done.answer, lost))
        except Failure as failure:
            return self._refused(operation, failure)
        finally:
            if lost:
                self._telemetry.lost(lost)

    async def _read_in_pieces(self, operation: _Operation, answer: HttpAnswer) -> Attempt:
        lost: Lost = []
        try:
            response = await self._giving_way.result_of(operation.translation.pieces(answer, lost))
            return Attempt(Stage.ANSWERED, response)
        except Failure as failure:
            return self._refused(operation, failure)
        finally:
            if lost:
                self._telemetry.lost(lost)

    def _refused(self, operation: _Operation, failure: Failure) -> Attempt:
        if failure.reason is Reason.PLATFORM_CODE_UNMAPPED:
            self._telemetry.unknown_code(operation.route.api.name, failure.metadata["platform_code"])
        return Attempt(Stage.ANSWERED, failure=failure)

    def _report(self, operation: _Operation, outcome: Outcome) -> None:
        breaker = operation.breaker
        was_open = breaker.is_open
        breaker.report(outcome)
        if breaker.is_open is not was_open:
            self._telemetry.breaker(operation.peer, is_open=breaker.is_open)

    def _outgoing(self, operation: _Operation, call: HttpCall, trace: Trace | None) -> Outgoing:
        headers, always = {}, operation.headers
        if operation.route.signed:
            timestamp, key = str(int(self._clock())), self._key_of(operation.operator)
            if call.body:
                headers = self._signed(key, timestamp, call.body)
            else:
                always = self._stamped(operation, key, timestamp)
        if trace is not None:  # not signed: the signature is over timestamp and body
            headers.update(trace.headers())
        target = (operation.path + call.target.encode()) or b"/"
        return Outgoing(call.verb, operation.url, target, headers, call.body, always)

    def _stamped(self, operation: _Operation, key: bytes, timestamp: str) -> Headers:
        stamp = operation.stamp
        if stamp is None or stamp.timestamp != timestamp or stamp.key != key:
            headers = Headers({**operation.headers.fields, **self._signed(key, timestamp, b"")})
            stamp = operation.stamp = _Stamp(timestamp, key, headers)
        return stamp.headers

    def _signed(self, key: bytes, timestamp: str, body: bytes) -> dict[str, str]:
        return {"timestamp": timestamp, "signature": sign(key, timestamp, body, self._whitespace)}

    def _operation(self, route: Route, operator: str) -> _Operation:
        key = (operator, route.rpc)
        operation = self._operations.get(key)
        if operation is None:
            operation = self._operations[key] = self._operation_of(route, operator)
        return operation

    def _operation_of(self, route: Route, operator: str) -> _Operation:
        setting = route.api.base_url.setting
        url = httpx.URL(getattr(self._operators[operator], setting))
        peer = url.netloc.decode("ascii")
        return _Operation(
            route=route,
            operator=operator,
            is_read=route.call_class.is_read,
            translation=self._translations[route.rpc],
            url=str(url),
            path=url.raw_path.rstrip(b"/"),
            headers=_headers(route, operator),
            peer=peer,
            breaker=self._breakers.setdefault(peer, Breaker(self._limits, time.monotonic)),
            name=f"{route.verb} {route.path or setting}",
            action=route.envelope.token if route.envelope else "",
        )


def _headers(route: Route, operator: str) -> Headers:
    """Return the headers that all calls of a route have."""
    headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "betstack-gateway"}
    if route.body is not None:
        headers["content-type"] = "application/json"
    if route.api.operator_name:
        headers["operator-name"] = operator
    return Headers(headers)


_DOWN: Final = frozenset({502, 503, 504})


def _outcome(done: Exchange) -> Outcome:
    if done.answer is not None:
        return Outcome.DOWN if done.answer.status in _DOWN else Outcome.ANSWERED
    if done.stage is Stage.NEVER_SENT or done.loss is Loss.TIMEOUT:
        return Outcome.DOWN
    return Outcome.BROKEN


def _paused(route: Route, wait_s: float) -> Failure:
    return Failure(
        Reason.UPSTREAM_CIRCUIT_OPEN,
        "the platform failed so often that the gateway gives it a pause; nothing was sent",
        metadata={"api": route.api.name},
        retry_after_s=wait_s,
    )


def _unanswered(route: Route, done: Exchange) -> Failure:
    """Return the failure of a call that has no whole answer, by how far it got (error model, first decision)."""
    loss = str(done.loss)
    metadata = {"api": route.api.name}
    if done.stage is Stage.NEVER_SENT:
        return Failure(Reason.UPSTREAM_UNREACHABLE, "the platform could not be reached", metadata=metadata)
    if not route.call_class.is_read:
        return Failure(Reason.OUTCOME_UNKNOWN, f"the outcome is unknown: {loss}", metadata=metadata)
    if done.loss is Loss.TIMEOUT:
        return Failure(Reason.UPSTREAM_TIMEOUT, loss, metadata=metadata)
    return Failure(Reason.UPSTREAM_UNAVAILABLE, loss, metadata=metadata)
