"""What does the platform say to this request? One signed call: bound, signed, sent, read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from google.protobuf.message import Message

from gateway.contract.routes import Api, Route
from gateway.failure import Failure, Reason
from gateway.settings import Settings
from gateway.telemetry import CallRecord, Hop, Telemetry, Trace
from gateway.upstream.breaker import Breaker, Outcome
from gateway.upstream.exchange import Exchange, Loss, Outgoing, Transport
from gateway.upstream.giving_way import GivingWay
from gateway.upstream.repeats import repeated
from gateway.wire.attempt import Attempt, Stage
from gateway.wire.binding import HttpCall
from gateway.wire.codec import Lost
from gateway.wire.envelope import HttpAnswer
from gateway.wire.signing import Whitespace, sign
from gateway.wire.translation import Translation

__all__ = ["Platform"]

_LONG: Final = 65_536
"""From how many bytes on an answer is read in pieces; a shorter one takes no longer than two milliseconds."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where an operator's calls to one API go; hosts share their breakers."""

    url: httpx.URL
    path: bytes
    peer: str
    breaker: Breaker


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
        self._endpoints: dict[tuple[str, str], _Endpoint] = {}
        self._breakers: dict[str, Breaker] = {}
        self._giving_way = GivingWay(time.monotonic)

    def require(self, route: Route, operator: str) -> None:
        """Raise Failure unless the operator is configured and has a URL for this route's API."""
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
        breaker = self._endpoint(route.api, operator).breaker
        if breaker.is_open and (wait_s := breaker.wait_s(is_read=route.call_class.is_read)):
            raise _paused(route, wait_s)

    async def call(self, route: Route, request: Message, operator: str, budget_s: float) -> Attempt:
        """Try, and repeat what may be repeated, within ``budget_s`` seconds; raises nothing but CancelledError.

        The budget bounds each try of a READ and all of them together; other calls are bounded by ``timeout_s`` alone.
        """
        tries = 0

        async def one_try(left_s: float) -> Attempt:
            nonlocal tries
            tries += 1
            if tries > 1:
                self._spend(operator)
            return await self.attempt(route, request, operator, left_s if is_read else self._limits.timeout_s)

        is_read = route.call_class.is_read
        return await repeated(route, one_try, budget_s, self._limits)

    async def attempt(self, route: Route, request: Message, operator: str, timeout_s: float) -> Attempt:
        """Try once, within ``timeout_s`` seconds; the request has been checked. Raises nothing but CancelledError."""
        call, endpoint = self._translations[route.rpc].bind(request), self._endpoint(route.api, operator)
        if wait_s := endpoint.breaker.enter(is_read=route.call_class.is_read):
            return Attempt(Stage.NEVER_SENT, failure=_paused(route, wait_s))
        record = _record(route, operator, endpoint.peer)
        self._telemetry.begin(record)
        try:
            done = await self._transport.exchange(
                self._outgoing(route, call, endpoint, operator, record.context),
                timeout_s=timeout_s,
                connect_timeout_s=self._limits.connect_timeout_s,
                max_answer_bytes=self._limits.max_answer_bytes,
                clock=self._clock,
            )
            self._report(endpoint, _outcome(done))
            attempt = await self._attempted(route, done)
            record.stage, record.reason = attempt.stage, attempt.failure.reason if attempt.failure else ""
            record.code = str(done.answer.status) if done.answer else ""
            return attempt
        finally:
            self._telemetry.end(record)

    async def _attempted(self, route: Route, done: Exchange) -> Attempt:
        if done.answer is None:
            return Attempt(done.stage, failure=_unanswered(route, done))
        return await self._read(route, done.answer)

    async def _read(self, route: Route, answer: HttpAnswer) -> Attempt:
        lost: Lost = []
        translation = self._translations[route.rpc]
        try:
            if len(answer.body) < _LONG:
                return Attempt(Stage.ANSWERED, response=translation.read(answer, lost))
            response = await self._giving_way.result_of(translation.pieces(answer, lost))
            return Attempt(Stage.ANSWERED, response=response)
        except Failure as failure:
            if failure.reason is Reason.PLATFORM_CODE_UNMAPPED:
                self._telemetry.unknown_code(route.api.name, failure.metadata["platform_code"])
            return Attempt(Stage.ANSWERED, failure=failure)
        finally:
            self._telemetry.lost(lost)

    def _report(self, endpoint: _Endpoint, outcome: Outcome) -> None:
        breaker = endpoint.breaker
        was_open = breaker.is_open
        breaker.report(outcome)
        if breaker.is_open is not was_open:
            self._telemetry.breaker(endpoint.peer, is_open=breaker.is_open)

    def _outgoing(
        self, route: Route, call: HttpCall, endpoint: _Endpoint, operator: str, trace: Trace | None
    ) -> Outgoing:
        target = (endpoint.path + call.target.encode()) or b"/"
        headers = self._headers(route, call, operator)
        if trace is not None:  # not signed: the signature is over timestamp and body
            headers.update(trace.headers())
        return Outgoing(call.verb, endpoint.url, target, headers, call.body)

    def _headers(self, route: Route, call: HttpCall, operator: str) -> dict[str, str]:
        headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "betstack-gateway"}
        if call.body:
            headers["content-type"] = "application/json"
        if route.api.operator_name:
            headers["operator-name"] = operator
        if route.signed:
            timestamp = str(int(self._clock()))
            headers["timestamp"] = timestamp
            headers["signature"] = sign(self._key_of(operator), timestamp, call.body, self._whitespace)
        return headers

    def _endpoint(self, api: Api, operator: str) -> _Endpoint:
        key = (operator, api.base_url.setting)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            url = httpx.URL(getattr(self._operators[operator], api.base_url.setting))
            peer = url.netloc.decode("ascii")
            breaker = self._breakers.setdefault(peer, Breaker(self._limits, time.monotonic))
            endpoint = self._endpoints[key] = _Endpoint(url, url.raw_path.rstrip(b"/"), peer, breaker)
        return endpoint


def _record(route: Route, operator: str, peer: str) -> CallRecord:
    name = f"{route.verb} {route.path or route.api.base_url.setting}"
    action = route.envelope.token if route.envelope else ""
    return CallRecord(
        Hop.UPSTREAM,
        name,
        operator,
        api=route.api.name,
        action=action,
        peer=peer,
        reason="CANCELLED",
        stage="CANCELLED",
    )


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
