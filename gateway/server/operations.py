"""What became of a money call? ``OperationService``: the ledger's rows, and a person's verdict on them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from betstack.operation.v1 import operation_service_pb2 as pb
from gateway.contract.reasons import PREFIX
from gateway.contract.routes import CallClass, Contract, Route
from gateway.failure import Failure, Reason, Violation, invalid
from gateway.ledger.judgement import failure_of
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import ACTIVE, FINAL, Operation, State
from gateway.ledger.transactions import Ending
from gateway.server.drain import OpenCalls
from gateway.server.own import OwnRpc, once, own_rpc
from gateway.server.recording import with_statement

__all__ = ["SERVICE", "Operations"]

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["OperationService"]
SERVICE: Final = _SERVICE.full_name

_STATE: Final = "OPERATION_STATE_"
_STAGE: Final = "WIRE_STAGE_"
_VERDICT: Final = "OPERATION_VERDICT_"
_TYPE_URL: Final = "type.googleapis.com/"

_PAGE_SIZE: Final = 50
_PAGE_SIZE_LIMIT: Final = 1000
_PAGE_BYTES: Final = 3 * 1024 * 1024
_REQUEST_ID_LIMIT: Final = 128
_REASON_LIMIT: Final = 1000
_RESOLVED_BY_LIMIT: Final = 200
_SEQ_BYTES: Final = 8
_SEAL_BYTES: Final = 16

_STATE_AFTER: Final = {
    pb.OPERATION_VERDICT_EXECUTED: State.SUCCEEDED,
    pb.OPERATION_VERDICT_NOT_EXECUTED: State.REJECTED,
    pb.OPERATION_VERDICT_REVERSED: State.REVERSED,
}


class Operations:
    """Answers from the ledger. Requests name an operator of ours; ``open_calls`` says when watching has to end."""

    def __init__(self, ledger: Ledger, contract: Contract, open_calls: OpenCalls) -> None:
        self._ledger = ledger
        self._contract = contract
        self._open_calls = open_calls

    def rpcs(self) -> tuple[OwnRpc, ...]:
        """Return the RPCs of the service."""
        return (
            own_rpc(_SERVICE, "GetOperation", once(self.get), subject="request_id"),
            own_rpc(_SERVICE, "ListOperations", once(self.listed)),
            own_rpc(_SERVICE, "WatchOperation", self.watch, subject="request_id"),
            own_rpc(_SERVICE, "ResolveOperation", once(self.resolve), subject="request_id"),
        )

    async def get(self, request: pb.GetOperationRequest) -> pb.GetOperationResponse:
        """Read one operation."""
        _require(_request_id_problems(request.request_id))
        operation = await self._found(request.operator, request.request_id)
        return pb.GetOperationResponse(operation=self._told(operation))

    async def listed(self, request: pb.ListOperationsRequest) -> pb.ListOperationsResponse:
        """List operations page by page."""
        filters = _filters(request)
        below = _seq_of(request.page_token, filters)
        _require(_list_problems(request, below))
        size = request.page_size or _PAGE_SIZE
        states = [State(pb.OperationState.Name(state).removeprefix(_STATE)) for state in request.states]
        found = await self._ledger.listed(request.operator, states, _seconds(request.older_than), below, size + 1)
        page = tuple(_fitting(map(self._told, found[:size])))
        is_last = len(page) == len(found)
        return pb.ListOperationsResponse(
            operations=page, next_page_token="" if is_last else _token(found[len(page) - 1].seq, filters)
        )

    async def watch(self, request: pb.WatchOperationRequest) -> AsyncGenerator[pb.WatchOperationResponse, None]:
        """Tell how an operation is, and each time it has changed, until nothing can change it any more."""
        _require(_request_id_problems(request.request_id))
        operation = await self._found(request.operator, request.request_id)
        yield pb.WatchOperationResponse(operation=self._told(operation))
        while operation.state not in FINAL:
            before, operation = operation, await self._open_calls.until_closed(self._ledger.changed(operation))
            if operation is before:
                raise _not_found()
            yield pb.WatchOperationResponse(operation=self._told(operation))

    async def resolve(self, request: pb.ResolveOperationRequest) -> pb.ResolveOperationResponse:
        """Record a person's verdict."""
        _require(_resolve_problems(request))
        operation = await self._found(request.operator, request.request_id)
        ending = _ending(request, operation, self._route(operation))
        resolved = await self._ledger.resolve(request.operator, request.request_id, ending)
        if resolved is None:
            raise _takes_no_verdict(await self._found(request.operator, request.request_id))
        return pb.ResolveOperationResponse(operation=self._told(resolved))

    async def _found(self, operator: str, request_id: str) -> Operation:
        operation = await self._ledger.find(operator, request_id)
        if operation is None:
            raise _not_found()
        return operation

    def _route(self, operation: Operation) -> Route:
        return self._contract.routes[f"/{operation.method}"]

    def _told(self, operation: Operation) -> pb.Operation:
        """Return a row as callers see it."""
        is_sending = operation.state is State.SENDING
        return pb.Operation(
            operator=operation.operator,
            request_id=operation.request_id,
            method=operation.method,
            state=f"{_STATE}{operation.state}",
            wire_stage=None if is_sending else f"{_STAGE}{operation.stage}",
            attempts=operation.attempts,
            ticket_id=operation.ticket_id or "",
            received_time=_time(operation.received),
            sent_time=_time(operation.sent),
            update_time=_time(operation.updated),
            next_time=_time(operation.next_at) if operation.state is State.UNKNOWN else None,
            response=self._response(operation),
            failure=_failure(operation),
            notes=(pb.OperationNote(time=_time(note.time), text=note.text) for note in operation.notes),
        )

    def _response(self, operation: Operation) -> AnyMessage | None:
        if operation.state is not State.SUCCEEDED or operation.response is None:
            return None
        return AnyMessage(type_url=_TYPE_URL + self._route(operation).response.name, value=operation.response)


def _not_found() -> Failure:
    return Failure(Reason.OPERATION_NOT_FOUND, "no money call of this operator has used the request id")


def _failure(operation: Operation) -> pb.OperationFailure | None:
    """Return what a repeat fails with; a row on its way has no outcome yet, and a response is none."""
    failure = None if operation.state in ACTIVE else failure_of(operation)
    if failure is None:
        return None
    with_statement(failure, operation.request_id, is_money=True)
    return pb.OperationFailure(reason=f"{PREFIX}{failure.reason}", message=failure.message, metadata=failure.metadata)


def _ending(request: pb.ResolveOperationRequest, operation: Operation, route: Route) -> Ending:
    """Return what a verdict makes of a row."""
    is_pam = operation.ticket_id is not None
    is_executed = request.verdict == pb.OPERATION_VERDICT_EXECUTED
    return Ending(
        _STATE_AFTER[request.verdict],
        operation.stage,
        free=request.verdict == pb.OPERATION_VERDICT_NOT_EXECUTED
        and not (is_pam and route.call_class in (CallClass.DEBIT, CallClass.RESERVE)),
        response=b"" if is_executed and is_pam else None,
        note=_note(request),
        settles_discard=is_executed and is_pam and route.method == "DiscardTicket",
    )


def _note(request: pb.ResolveOperationRequest) -> str:
    verdict = pb.OperationVerdict.Name(request.verdict).removeprefix(_VERDICT)
    person = f" by {request.resolved_by}" if request.resolved_by else ""
    return f"verdict {verdict}{person}: {request.reason}"


def _takes_no_verdict(operation: Operation) -> Failure:
    if operation.state in ACTIVE:
        return Failure(Reason.CONFLICT, "a try of the operation is on its way; wait for its end")
    return Failure(Reason.OPERATION_FINAL, f"the operation is {operation.state}")


# ------------------------------------------------------------------------------------------------ what is wrong


def _require(problems: Iterable[Violation]) -> None:
    found = tuple(problems)
    if found:
        raise invalid(found)


def _request_id_problems(request_id: str) -> Iterator[Violation]:
    if not request_id:
        yield Violation("request_id", "is required")
    elif len(request_id) > _REQUEST_ID_LIMIT or not all("!" <= character <= "~" for character in request_id):
        yield Violation("request_id", "has to be 1 to 128 printable ASCII characters without blanks")


def _list_problems(request: pb.ListOperationsRequest, below: int | None) -> Iterator[Violation]:
    known = set(pb.OperationState.values()) - {pb.OPERATION_STATE_UNSPECIFIED}
    for index, state in enumerate(request.states):
        if state not in known:
            yield Violation(f"states[{index}]", "has to be a state")
    if request.older_than.seconds < 0 or request.older_than.nanos < 0:
        yield Violation("older_than", "may not be negative")
    if not 0 <= request.page_size <= _PAGE_SIZE_LIMIT:
        yield Violation("page_size", f"has to be from 0 to {_PAGE_SIZE_LIMIT}")
    if request.page_token and below is None:
        yield Violation("page_token", "has to be the next_page_token of a list with the same filters")


def _resolve_problems(request: pb.ResolveOperationRequest) -> Iterator[Violation]:
    yield from _request_id_problems(request.request_id)
    if request.verdict not in _STATE_AFTER:
        yield Violation("verdict", "has to be EXECUTED, NOT_EXECUTED or REVERSED")
    if not request.reason.strip():
        yield Violation("reason", "is required")
    elif len(request.reason) > _REASON_LIMIT:
        yield Violation("reason", f"may have at most {_REASON_LIMIT} characters")
    if len(request.resolved_by) > _RESOLVED_BY_LIMIT:
        yield Violation("resolved_by", f"may have at most {_RESOLVED_BY_LIMIT} characters")


# ------------------------------------------------------------------------------------------------------- pages


def _fitting(operations: Iterable[pb.Operation]) -> Iterator[pb.Operation]:
    """Yield as many as fit into a message that every client takes, at least one."""
    size = 0
    for operation in operations:
        size += operation.ByteSize()
        if size > _PAGE_BYTES and size > operation.ByteSize():
            return
        yield operation


def _filters(request: pb.ListOperationsRequest) -> bytes:
    """Return what has to be alike for two pages to belong together."""
    older_than = (request.older_than.seconds, request.older_than.nanos)
    return repr((request.operator, sorted(set(request.states)), older_than)).encode()


def _token(seq: int, filters: bytes) -> str:
    """Return what leads to the rows below this one."""
    place = seq.to_bytes(_SEQ_BYTES, "big")
    return base64.urlsafe_b64encode(place + _seal(place, filters)).decode()


def _seq_of(token: str, filters: bytes) -> int | None:
    """Return where a page begins; None where the token is empty, not ours or of a list with other filters."""
    try:
        content = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    place, seal = content[:_SEQ_BYTES], content[_SEQ_BYTES:]
    return int.from_bytes(place, "big", signed=True) if hmac.compare_digest(seal, _seal(place, filters)) else None


def _seal(place: bytes, filters: bytes) -> bytes:
    """Tie a place to its filters; no secret is needed, because a place is no right to anything."""
    return hashlib.sha256(b"page_token\0" + place + filters).digest()[:_SEAL_BYTES]


# ------------------------------------------------------------------------------------------------------- times


def _time(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    timestamp = Timestamp()
    timestamp.FromMicroseconds(round(seconds * 1_000_000))
    return timestamp


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1_000_000_000
