"""What happens to a call between its arrival and the platform? Each concern is one step, in the order of ``road``."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, cast

from google.protobuf.message import Message
from google.rpc.code_pb2 import Code

from gateway.callers import require_known
from gateway.contract.reasons import STATUS_OF
from gateway.contract.shapes import REQUEST_ID
from gateway.failure import Execution, Failure, Reason, invalid
from gateway.ledger.ledger import Answer, Ledger, Repeat
from gateway.ledger.operation import State, new_operation, stored_request
from gateway.server.call import Call, Proceed, Step, chain
from gateway.server.drain import OpenCalls
from gateway.server.limits import Limits
from gateway.settings import Settings
from gateway.telemetry import CallRecord, Hop, Telemetry, Trace
from gateway.upstream.platform import Platform
from gateway.wire.attempt import Attempt
from gateway.wire.translation import Translation

__all__ = ["recording", "road", "with_statement"]

_NO_STATEMENT = frozenset({Reason.CALLER_UNKNOWN, Reason.CALLER_NOT_ALLOWED})
_UNKNOWN = frozenset({Reason.OUTCOME_UNKNOWN, Reason.GATEWAY_FAULT})
_OF_THE_MOMENT = frozenset(
    {Reason.SHUTTING_DOWN, Reason.OVER_LIMIT, Reason.UPSTREAM_CIRCUIT_OPEN, Reason.DEADLINE_TOO_SHORT}
)
_STORED = frozenset({State.SUCCEEDED, State.REJECTED})
_CODES: Final[Mapping[Reason, str]] = {reason: Code.Name(status) for reason, status in STATUS_OF.items()}
_REPLAY: Final = "idempotent-replay"


def road(
    settings: Settings,
    translations: Mapping[str, Translation],
    platform: Platform,
    *,
    ledger: Ledger,
    repeat: Repeat,
    open_calls: OpenCalls,
    limits: Limits,
    telemetry: Telemetry,
) -> Proceed:
    """Return the way of every call, in reading order."""
    return chain(
        [
            counted(open_calls),
            recorded(telemetry),
            authenticated,
            authorised,
            enabled(settings.server.enable),
            served(platform),
            remembered(ledger),
            validated(translations),
            sized(limits),
            admitted(open_calls, platform),
            unhurried(settings.upstream.min_deadline_ms / 1000),
            surviving(open_calls),
            limited(limits),
        ],
        sent(platform, settings, ledger, repeat),
    )


def counted(open_calls: OpenCalls) -> Step:
    """Count the call as open, so that a shutdown waits for it."""

    async def step(call: Call, proceed: Proceed) -> Message:
        with open_calls.counted():
            return await proceed(call)

    return step


def recorded(telemetry: Telemetry) -> Step:
    """Leave one record of every call, and let no unexpected exception out."""

    async def step(call: Call, proceed: Proceed) -> Message:
        route = call.route
        record = CallRecord(Hop.RPC, route.rpc, call.operator, call.request_id, trace=Trace.read(call.metadata))
        record.caller = call.caller.name if call.caller else ""
        with recording(telemetry, record, is_money=route.call_class.is_money):
            try:
                return await proceed(call)
            finally:
                record.is_replay = _REPLAY in call.reply_metadata

    return step


@contextmanager
def recording(telemetry: Telemetry, record: CallRecord, *, is_money: bool) -> Iterator[None]:
    """Leave a record of what is done meanwhile; an unexpected exception becomes GATEWAY_FAULT.

    Every failure says which request it is about and, for a money call, whether it was executed.
    """
    record.code = record.reason = "CANCELLED"
    telemetry.begin(record)
    try:
        yield
        record.code, record.reason = "OK", ""
    except Failure as failure:
        raise _said(failure, record, is_money) from None
    except Exception as error:
        raise _said(_fault(record.name, error, telemetry), record, is_money) from error
    finally:
        telemetry.end(record)


def _said(failure: Failure, record: CallRecord, is_money: bool) -> Failure:
    with_statement(failure, record.request_id, is_money=is_money)
    record.code, record.reason = _CODES[failure.reason], failure.reason
    record.execution = failure.metadata.get("execution", "")
    return failure


def _fault(rpc: str, error: Exception, telemetry: Telemetry) -> Failure:
    error_id = secrets.token_hex(8)
    telemetry.fault(error_id, rpc, error)
    return Failure(Reason.GATEWAY_FAULT, f"the gateway failed, error {error_id}", metadata={"error_id": error_id})


def with_statement(failure: Failure, request_id: str, *, is_money: bool) -> Failure:
    """Add the request id and, for a money call, ``execution``, unless the failure knows better."""
    if request_id:
        failure.metadata.setdefault("request_id", request_id)
    if is_money and failure.reason not in _NO_STATEMENT:
        execution = Execution.UNKNOWN if failure.reason in _UNKNOWN else Execution.NOT_EXECUTED
        failure.metadata.setdefault("execution", execution)
    return failure


async def authenticated(call: Call, proceed: Proceed) -> Message:
    """Refuse callers that the gateway does not know."""
    require_known(call.caller)
    return await proceed(call)


async def authorised(call: Call, proceed: Proceed) -> Message:
    """Refuse callers without the right that the RPC needs for this operator."""
    require_known(call.caller).require(call.route.right, call.operator)
    return await proceed(call)


def enabled(names: Collection[str]) -> Step:
    """Refuse RPCs that the platform does not support, unless the settings enable them."""

    async def step(call: Call, proceed: Proceed) -> Message:
        if call.route.disabled and call.route.short not in names:
            raise Failure(
                Reason.NOT_SUPPORTED_BY_PLATFORM,
                f"{call.route.short} is not supported by the platform; server.enable in the settings enables it",
            )
        return await proceed(call)

    return step


def served(platform: Platform) -> Step:
    """Refuse calls for an operator that is not configured, or has no URL for this API."""

    async def step(call: Call, proceed: Proceed) -> Message:
        platform.require(call.route, call.operator)
        return await proceed(call)

    return step


def sized(limits: Limits) -> Step:
    """Refuse requests that are too large."""

    async def step(call: Call, proceed: Proceed) -> Message:
        if call.size > limits.request_bytes:
            raise Failure(
                Reason.OVER_LIMIT,
                f"the request has {call.size} bytes, and {limits.request_bytes} are the limit (limits.request_bytes)",
            )
        return await proceed(call)

    return step


def validated(translations: Mapping[str, Translation]) -> Step:
    """Refuse requests that cannot be sent, naming every field that is wrong."""

    async def step(call: Call, proceed: Proceed) -> Message:
        if call.unreadable:
            raise Failure(Reason.INVALID_REQUEST, f"the bytes are no {call.route.request.name}")
        violations = translations[call.route.rpc].check(call.request)
        if violations:
            raise invalid(violations)
        return await proceed(call)

    return step


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
            if not call.route.call_class.is_money or not _speaks_of_this_try(failure):
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


def admitted(open_calls: OpenCalls, platform: Platform) -> Step:
    """Refuse new work while shutting down, and while the platform is given a pause."""

    async def step(call: Call, proceed: Proceed) -> Message:
        if open_calls.is_closed:
            raise Failure(Reason.SHUTTING_DOWN, "the gateway is shutting down; nothing was sent")
        platform.admit(call.route, call.operator)
        return await proceed(call)

    return step


def unhurried(floor_s: float) -> Step:
    """Refuse a money call whose caller would be gone before an answer can be there."""

    async def step(call: Call, proceed: Proceed) -> Message:
        remaining = call.remaining_s
        if call.route.call_class.is_money and remaining is not None and remaining < floor_s:
            raise Failure(
                Reason.DEADLINE_TOO_SHORT,
                f"{max(remaining, 0) * 1000:.0f} ms are left and {floor_s * 1000:.0f} ms are needed",
            )
        return await proceed(call)

    return step


def surviving(open_calls: OpenCalls) -> Step:
    """Let a call that changes something run to its end, whatever becomes of its caller."""

    async def step(call: Call, proceed: Proceed) -> Message:
        if call.route.call_class.is_read:
            return await proceed(call)
        return await open_calls.run(proceed(call))

    return step


def limited(limits: Limits) -> Step:
    """Refuse what is more than the limits allow, before anything is sent or written."""

    async def step(call: Call, proceed: Proceed) -> Message:
        with limits.place(call.operator):
            return await proceed(call)

    return step


def sent(platform: Platform, settings: Settings, ledger: Ledger, repeat: Repeat) -> Proceed:
    """Send the call to the platform and return what it answers; a money call goes by way of the ledger."""
    limits = settings.upstream

    async def send(call: Call, request: Message) -> Attempt:
        remaining = call.remaining_s
        if call.route.call_class.is_read:
            budget_s = limits.read_timeout_s if remaining is None else max(remaining, 0)
        else:
            # A repeat that began later could still be waiting for its answer when its row is looked at.
            longest_s = settings.reconcile.settle_s if call.route.call_class.is_money else limits.timeout_s
            budget_s = longest_s if remaining is None else min(remaining, longest_s)
        return await platform.call(call.route, request, call.operator, budget_s)

    async def end(call: Call) -> Message:
        if not call.route.call_class.is_money:
            return (await send(call, call.request)).result()
        new = new_operation(call.route, call.request, call.operator, call.request_id)
        request = correlated(call, settings.operators[call.operator].correlate)
        if request is not call.request:
            new = replace(new, request=stored_request(call.route, request))
        return replayed(call, await ledger.perform(new, lambda: send(call, request), repeat))

    return end


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
