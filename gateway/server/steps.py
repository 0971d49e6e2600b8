"""What happens to a call between its arrival and the platform? Each concern is one step, in the order of ``roads``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from google.protobuf.message import Message

from gateway.callers import require_known
from gateway.contract.routes import Route
from gateway.contract.shapes import REQUEST_ID
from gateway.failure import Failure, Reason, invalid
from gateway.ledger.ledger import Answer, Ledger, Repeat
from gateway.ledger.operation import State, new_operation, stored_request
from gateway.server.call import Call, Check, Proceed, Roads, Step, chain, checked
from gateway.server.drain import OpenCalls
from gateway.server.limits import Limits
from gateway.server.recording import recording
from gateway.settings import Settings
from gateway.telemetry import CallRecord, Hop, Telemetry
from gateway.upstream.platform import Platform
from gateway.wire.attempt import Attempt
from gateway.wire.translation import Translation

__all__ = ["roads"]

_OF_THE_MOMENT = frozenset(
    {Reason.SHUTTING_DOWN, Reason.OVER_LIMIT, Reason.UPSTREAM_CIRCUIT_OPEN, Reason.DEADLINE_TOO_SHORT}
)
_STORED = frozenset({State.SUCCEEDED, State.REJECTED})
_REPLAY: Final = "idempotent-replay"


def roads(
    settings: Settings,
    translations: Mapping[str, Translation],
    platform: Platform,
    *,
    ledger: Ledger,
    repeat: Repeat,
    open_calls: OpenCalls,
    limits: Limits,
    telemetry: Telemetry,
) -> Roads:
    """Return the way of every route's calls, in reading order; what does not concern a route is not on its way."""

    def road(route: Route) -> Proceed:
        is_money, is_read = route.call_class.is_money, route.call_class.is_read
        if is_money:
            end = performed(platform, settings, ledger, repeat)
        else:
            end = reached(platform, settings) if is_read else sent(platform, settings)
        of_callers = (authorised, enabled(settings.server.enable), served(platform))
        of_this_try = (validated(translations[route.rpc]), sized(limits), admitted(open_calls, platform))
        if is_money:
            patience = unhurried(settings.upstream.min_deadline_ms / 1000)
            judged = [checked(*of_callers), remembered(ledger), checked(*of_this_try, patience)]
        else:
            judged = [checked(*of_callers, *of_this_try)]
        survived = [] if is_read else [surviving(open_calls)]
        return chain([counted(open_calls), recorded(telemetry, route), *judged, *survived, limited(limits)], end)

    return road


def counted(open_calls: OpenCalls) -> Step:
    """Count the call as open, so that a shutdown waits for it."""

    async def step(call: Call, proceed: Proceed) -> Message:
        with open_calls.counted:
            return await proceed(call)

    return step


def recorded(telemetry: Telemetry, route: Route) -> Step:
    """Leave one record of every call, and let no unexpected exception out."""
    rpc, is_money = route.rpc, route.call_class.is_money

    async def step(call: Call, proceed: Proceed) -> Message:
        record = CallRecord(Hop.RPC, rpc, call.operator, call.request_id, trace=call.trace)
        record.caller = call.caller.name if call.caller else ""
        with recording(telemetry, record, is_money=is_money):
            try:
                return await proceed(call)
            finally:
                record.is_replay = _REPLAY in call.reply_metadata

    return step


def authorised(call: Call) -> None:
    """Refuse callers that the gateway does not know, or without the right that the RPC needs for this operator."""
    require_known(call.caller).require(call.route.right, call.operator)


def enabled(names: Collection[str]) -> Check:
    """Refuse RPCs that the platform does not support, unless the settings enable them."""

    def check(call: Call) -> None:
        if call.route.disabled and call.route.short not in names:
            raise Failure(
                Reason.NOT_SUPPORTED_BY_PLATFORM,
                f"{call.route.short} is not supported by the platform; server.enable in the settings enables it",
            )

    return check


def served(platform: Platform) -> Check:
    """Refuse calls for an operator that is not configured, or has no URL for this API."""
    return lambda call: platform.require(call.route, call.operator)


def sized(limits: Limits) -> Check:
    """Refuse requests that are too large."""

    def check(call: Call) -> None:
        if call.size > limits.request_bytes:
            raise Failure(
                Reason.OVER_LIMIT,
                f"the request has {call.size} bytes, and {limits.request_bytes} are the limit (limits.request_bytes)",
            )

    return check


def validated(translation: Translation) -> Check:
    """Refuse requests that cannot be sent, naming every field that is wrong."""

    def check(call: Call) -> None:
        if call.unreadable:
            raise Failure(Reason.INVALID_REQUEST, f"the bytes are no {call.route.request.name}")
        violations = translation.check(call.request)
        if violations:
            raise invalid(violations)

    return check


def remembered(ledger: Ledger) -> Step:
    """Answer a request id that has a row from it, whatever the moment says, and whatever rules have come since.

    Such a refusal speaks of this try; the caller asks about the request id with all its tries, the first of which another
    release may have let through. The row is looked for only where a refusal would go out, because the claim of a row finds
    it anyway.
    """

    async def step(call: Call, proceed: Proceed) -> Message:
        try:
            return await proceed(call)
        except Failure as failure:
            if not _speaks_of_this_try(failure):
                raise
            answer = await ledger.known(new_operation(call.route, call.request, call.operator, call.request_id))
            if answer is None:
                raise
            return replayed(call, answer)

    return step


def _speaks_of_this_try(failure: Failure) -> bool:
    if failure.violations:  # no row has an id that cannot be one
        return all(violation.field != REQUEST_ID for violation in failure.violations)
    return failure.reason in _OF_THE_MOMENT


def admitted(open_calls: OpenCalls, platform: Platform) -> Check:
    """Refuse new work while shutting down, and while the platform is given a pause."""

    def check(call: Call) -> None:
        if open_calls.is_closed:
            raise Failure(Reason.SHUTTING_DOWN, "the gateway is shutting down; nothing was sent")
        platform.admit(call.route, call.operator)

    return check


def unhurried(floor_s: float) -> Check:
    """Refuse a call whose caller would be gone before an answer can be there."""

    def check(call: Call) -> None:
        remaining = call.remaining_s
        if remaining is not None and remaining < floor_s:
            raise Failure(
                Reason.DEADLINE_TOO_SHORT,
                f"{max(remaining, 0) * 1000:.0f} ms are left and {floor_s * 1000:.0f} ms are needed",
            )

    return check


def surviving(open_calls: OpenCalls) -> Step:
    """Let a call that changes something run to its end, whatever becomes of its caller."""

    async def step(call: Call, proceed: Proceed) -> Message:
        return await open_calls.run(proceed(call))

    return step


def limited(limits: Limits) -> Step:
    """Refuse what is more than the limits allow, before anything is sent or written."""

    async def step(call: Call, proceed: Proceed) -> Message:
        with limits.place(call.operator):
            return await proceed(call)

    return step


def reached(platform: Platform, settings: Settings) -> Proceed:
    """Ask the platform and return what it answers, as long as the caller waits."""
    longest_s = settings.upstream.read_timeout_s

    async def end(call: Call) -> Message:
        remaining = call.remaining_s
        budget_s = longest_s if remaining is None else max(remaining, 0)
        return (await platform.call(call.route, call.request, call.operator, budget_s)).result()

    return end


def sent(platform: Platform, settings: Settings) -> Proceed:
    """Send to the platform what moves no money and return what it answers."""
    longest_s = settings.upstream.timeout_s

    async def end(call: Call) -> Message:
        return (await platform.call(call.route, call.request, call.operator, _budget_s(call, longest_s))).result()

    return end


def performed(platform: Platform, settings: Settings, ledger: Ledger, repeat: Repeat) -> Proceed:
    """Send a money call to the platform by way of the ledger and return what its row answers with."""
    # A repeat that began later could still be waiting for its answer when its row is looked at.
    longest_s = settings.reconcile.settle_s

    async def end(call: Call) -> Message:
        new = new_operation(call.route, call.request, call.operator, call.request_id)
        request = correlated(call, settings.operators[call.operator].correlate)
        if request is not call.request:
            new = replace(new, request=stored_request(call.route, request))

        async def send() -> Attempt:
            return await platform.call(call.route, request, call.operator, _budget_s(call, longest_s))

        return replayed(call, await ledger.perform(new, send, repeat))

    return end


def _budget_s(call: Call, longest_s: float) -> float:
    remaining = call.remaining_s
    return longest_s if remaining is None else min(remaining, longest_s)


def correlated(call: Call, correlate: str | None) -> Message:
    """Return the request as it is sent: with the request id in an empty ``rtag`` where the operator wants that."""
    if correlate is None or call.route.request.field(correlate) is None or getattr(call.request, correlate):
        return call.request
    if call.route.envelope is not None:
        return call.request
    request: Any = type(call.request)()
    request.CopyFrom(call.request)
    setattr(request, correlate, call.request_id)
    return cast("Message", request)


def replayed(call: Call, answer: Answer) -> Message:
    """Return or raise what a row answers with, and say whether it is an answer from before."""
    failure = answer.failure()
    if answer.is_replay and answer.operation.state in _STORED:
        call.reply_metadata[_REPLAY] = "true"
    if failure is not None:
        raise failure
    return call.route.response.message.FromString(answer.operation.response or b"")
