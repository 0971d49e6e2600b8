"""What became of money calls, and what does a person say about those that nobody could find out about?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import Any, Final

import click
import grpc
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from betstack.error.v1.error_reason_pb2 import ErrorReason
from betstack.operation.v1 import operation_service_pb2 as pb
from betstack.operation.v1.operation_service_pb2_grpc import OperationServiceStub
from gateway.cli.comments import advice
from gateway.cli.connecting import Connection, connecting, no_answer
from gateway.cli.status_text import as_call, printable, reason_of, refusal
from gateway.cli.tables import Table, terminal_width
from gateway.contract import load_contract

__all__ = ["ledger_command"]

_TIMEOUT_S: Final = 20.0
_PAGE_SIZE: Final = 1000
_STATE: Final = "OPERATION_STATE_"
_STAGE: Final = "WIRE_STAGE_"
_REASON: Final = "ERROR_REASON_"
_STATES: Final = tuple(
    name.removeprefix(_STATE) for name, number in pb.OperationState.items() if number != pb.OPERATION_STATE_UNSPECIFIED
)
_VERDICTS: Final = {
    "executed": pb.OPERATION_VERDICT_EXECUTED,
    "not-executed": pb.OPERATION_VERDICT_NOT_EXECUTED,
    "reversed": pb.OPERATION_VERDICT_REVERSED,
}
_AGE: Final = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

Line = tuple[str, str]


class _Age(click.ParamType[timedelta, str | timedelta]):
    """The type of an option that is a length of time, such as ``15m`` or ``1d12h``."""

    name = "age"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time, or refuse it."""
        if isinstance(value, timedelta):
            return value
        found = _AGE.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} has to be a length of time such as 90s, 15m, 2h or 1d12h", param, ctx)
        days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
        try:
            return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            self.fail(f"{value!r} is too long", param, ctx)


_OPERATOR: Final = click.option("--operator", default="", metavar="NAME", help="Whose; the server's default if absent.")


@click.group()
def ledger_command() -> None:
    """List, show and resolve money calls."""


@ledger_command.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES, case_sensitive=False),
    metavar="STATE",
    help=f"Only in this state, or one of several: {', '.join(_STATES)}.",
)
@click.option("--older-than", type=_Age(), metavar="AGE", help="Only if received so long ago: 90s, 15m, 2h, 1d12h.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@_OPERATOR
@connecting
def list_command(
    *, states: tuple[str, ...], older_than: timedelta | None, limit: int, operator: str, connection: Connection
) -> None:
    """List money calls, newest first."""
    request = pb.ListOperationsRequest(operator=operator, states=[f"{_STATE}{state}" for state in states])
    if older_than is not None:
        request.older_than.CopyFrom(_duration(older_than))
    with _asked(connection) as ask:
        operations, is_all = _listed(ask, request, limit)
    click.echo(_table(operations).text(terminal_width()), nl=False)
    if not is_all:
        click.echo(f"there are more than {limit}; --limit shows them", err=True)


@ledger_command.command("show")
@click.argument("request_id")
@_OPERATOR
@connecting
def show_command(*, request_id: str, operator: str, connection: Connection) -> None:
    """Show all that is known of a money call."""
    with _asked(connection) as ask:
        request = pb.GetOperationRequest(operator=operator, request_id=request_id)
        operation = ask("GetOperation", request).operation
    click.echo(_shown(operation))


@ledger_command.command("resolve")
@click.argument("request_id")
@click.option(
    "--verdict", type=click.Choice(tuple(_VERDICTS), case_sensitive=False), required=True, help="What you found out."
)
@click.option("--reason", required=True, metavar="TEXT", help="How you know, for the record.")
@click.option("--by", default="", metavar="NAME", help="Who you are, for the record.")
@_OPERATOR
@connecting
def resolve_command(
    *, request_id: str, verdict: str, reason: str, by: str, operator: str, connection: Connection
) -> None:
    """Say what became of a money call that nobody else can find out about.

    It has to be UNKNOWN or NEEDS_HUMAN. `executed` makes it SUCCEEDED, `not-executed` REJECTED and its request id free
    again, `reversed` REVERSED. The verdict is final.
    """
    request = pb.ResolveOperationRequest(
        operator=operator, request_id=request_id, verdict=_VERDICTS[verdict], reason=reason, resolved_by=by
    )
    with _asked(connection) as ask:
        operation = ask("ResolveOperation", request).operation
    click.echo(_shown(operation))


# ----------------------------------------------------------------------------------------------------- asking


class _Ask:
    """Calls RPCs of the service by name."""

    def __init__(self, channel: grpc.Channel, connection: Connection) -> None:
        self._stub = OperationServiceStub(channel)  # type: ignore[no-untyped-call]
        self._metadata = tuple(connection.metadata)

    def __call__(self, method: str, request: Any) -> Any:  # noqa: ANN401 - a message of the service
        return getattr(self._stub, method)(request, timeout=_TIMEOUT_S, metadata=self._metadata)


@contextmanager
def _asked(connection: Connection) -> Iterator[_Ask]:
    """Give what asks the server; a refusal is printed as `call` does, and ends the program with status 1."""
    with connection.channel() as channel:
        try:
            yield _Ask(channel, connection)
        except grpc.RpcError as error:
            if not reason_of(as_call(error)) and as_call(error).code() in _NO_ANSWER:
                raise click.ClickException(no_answer(connection.target, error)) from None
            click.echo(refusal(as_call(error)), err=True)
            raise SystemExit(1) from None


_NO_ANSWER: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def _listed(ask: _Ask, request: pb.ListOperationsRequest, limit: int) -> tuple[list[pb.Operation], bool]:
    """Return at most so many operations, page by page, and whether these are all."""
    operations: list[pb.Operation] = []
    while True:
        request.page_size = min(limit - len(operations), _PAGE_SIZE)
        page = ask("ListOperations", request)
        operations += page.operations
        request.page_token = page.next_page_token
        if not page.next_page_token or len(operations) >= limit:
            return operations, not page.next_page_token


def _duration(age: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(age)
    return duration


# ---------------------------------------------------------------------------------------------------- printing


def _table(operations: Iterable[pb.Operation]) -> Table:
    head = ("Received", "State", "RPC", "Request id", "What is known")
    rows = (
        (_time(each.received_time), _state(each), _short(each.method), each.request_id, _latest(each))
        for each in operations
    )
    return Table(head, tuple(tuple(map(printable, row)) for row in rows), code=4)


def _latest(operation: pb.Operation) -> str:
    """Return what was found out last, or else why it failed."""
    return operation.notes[-1].text if operation.notes else operation.failure.message


def _short(method: str) -> str:
    service, _, name = method.rpartition("/")
    return f"{service.rpartition('.')[2]}/{name}"


def _state(operation: pb.Operation) -> str:
    return pb.OperationState.Name(operation.state).removeprefix(_STATE)


def _shown(operation: pb.Operation) -> str:
    """Return an operation, one fact a line, and what it was answered with."""
    lines = [(name, value) for name, value in _facts(operation) if value]
    width = max(len(name) for name, _ in lines)
    shown = [f"{name.ljust(width)}  {printable(value)}".rstrip() for name, value in lines]
    return "\n".join((*shown, *_response(operation)))


def _facts(operation: pb.Operation) -> Iterator[Line]:
    yield "request id", operation.request_id
    yield "operator", operation.operator
    yield "rpc", operation.method
    yield "ticket", operation.ticket_id
    yield "state", _state(operation)
    yield "wire stage", _stage(operation)
    yield "attempts", str(operation.attempts)
    for name in ("received", "sent", "update", "next"):
        field = f"{name}_time"
        yield name.replace("update", "updated"), _time(getattr(operation, field)) if operation.HasField(field) else ""
    if operation.HasField("failure"):
        yield from _failure(operation.failure)
    for note in operation.notes:
        yield "note", f"{_time(note.time)}  {note.text}"


def _stage(operation: pb.Operation) -> str:
    return pb.WireStage.Name(operation.wire_stage).removeprefix(_STAGE) if operation.wire_stage else ""


def _failure(failure: pb.OperationFailure) -> Iterator[Line]:
    reason = ErrorReason.Name(failure.reason).removeprefix(_REASON)
    yield "failure", failure.message
    yield "reason", reason
    yield "do", advice()[reason].do if reason in advice() else ""
    yield from sorted((name, value) for name, value in failure.metadata.items() if name != "request_id")


def _response(operation: pb.Operation) -> Iterator[str]:
    """Yield the response as JSON; one that this program does not know by the name of its type."""
    if not operation.HasField("response"):
        return
    packed = operation.response
    yield f"\n{printable(packed.type_url.rpartition('/')[2])}"
    route = load_contract().routes.get(f"/{operation.method}")
    if route is not None and packed.TypeName() == route.response.name:
        response = route.response.message.FromString(packed.value)
        yield json_format.MessageToJson(response, preserving_proto_field_name=True, indent=2, ensure_ascii=False)


def _time(timestamp: Timestamp) -> str:
    return timestamp.ToDatetime(UTC).isoformat(" ", "milliseconds").replace("+00:00", " UTC")
