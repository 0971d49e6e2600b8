"""What is known of one money call? A row of the ledger: one request id of one operator, with all its tries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from google.protobuf.message import Message

from gateway.contract.routes import CallClass, Route
from gateway.contract.shapes import REQUEST_ID
from gateway.failure import Failure, Reason
from gateway.wire.attempt import Stage

__all__ = [
    "ACTIVE",
    "COLUMNS",
    "FINAL",
    "UNDECIDED",
    "NewOperation",
    "Note",
    "Operation",
    "State",
    "failure_from_text",
    "failure_to_text",
    "new_operation",
    "notes_from_text",
    "notes_to_text",
    "stored_request",
]


class State(StrEnum):
    """Where an operation is.

    RECEIVED → SENDING → SUCCEEDED | REJECTED | NOT_SENT | UNKNOWN;
    UNKNOWN → SUCCEEDED | REJECTED | REVERSED | NEEDS_HUMAN; NEEDS_HUMAN → what a person says.
    """

    RECEIVED = "RECEIVED"
    SENDING = "SENDING"
    SUCCEEDED = "SUCCEEDED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    REVERSED = "REVERSED"
    NEEDS_HUMAN = "NEEDS_HUMAN"


ACTIVE: Final = frozenset({State.RECEIVED, State.SENDING})
UNDECIDED: Final = frozenset({State.UNKNOWN, State.NEEDS_HUMAN})
FINAL: Final = frozenset(State) - ACTIVE - UNDECIDED


@dataclass(frozen=True, slots=True)
class NewOperation:
    """A money call that asks for its row.

    ``fingerprint`` is a hash of the canonical request. ``request`` is the encoded request without its personal data,
    which no class that is repeated has. ``ticket_id`` is there for PAM actions, which go out one at a time for each
    ticket; ``opens`` says that the action is create or reserve, ``discards`` that it is the discard.
    """

    operator: str
    request_id: str
    method: str
    fingerprint: bytes
    request: bytes
    ticket_id: str | None
    opens: bool
    discards: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was found out, and when (Unix seconds)."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. Times are Unix seconds.

    ``free`` says that a call with this request id may be sent again. ``maybe_sent`` says that some try may have left
    the gateway. ``owner`` is the process that sends it. ``tries`` and ``looks`` count the repeats and the looks of the
    reconciliation, which comes back at ``next_at``; until ``leased_until`` one gateway is at it.
    """

    seq: int
    operator: str
    request_id: str
    method: str
    fingerprint: bytes
    request: bytes
    ticket_id: str | None
    state: State
    free: bool
    stage: Stage
    attempts: int
    maybe_sent: bool
    owner: str
    response: bytes | None
    failure: Failure | None
    notes: tuple[Note, ...]
    received: float
    sent: float | None
    updated: float
    next_at: float | None
    tries: int
    looks: int
    leased_until: float | None

    @property
    def revision(self) -> tuple[int, State, float]:
        """What is different after every change that matters to a reader."""
        return self.seq, self.state, self.updated

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        """Read the columns of ``COLUMNS``."""
        fields = dict(zip(_NAMES, row, strict=True))
        response = fields["response"]
        return cls(
            **{
                **fields,
                "fingerprint": bytes(fields["fingerprint"]),
                "request": bytes(fields["request"]),
                "state": State(fields["state"]),
                "free": bool(fields["free"]),
                "stage": Stage(fields["stage"]),
                "maybe_sent": bool(fields["maybe_sent"]),
                "response": None if response is None else bytes(response),
                "failure": failure_from_text(fields["failure"]),
                "notes": notes_from_text(fields["notes"]),
            }
        )


_NAMES: Final = tuple(Operation.__dataclass_fields__)
COLUMNS: Final = ", ".join(_NAMES)
"""What a query selects for ``Operation.from_row``."""


def new_operation(route: Route, request: Message, operator: str, request_id: str) -> NewOperation:
    """Describe a money call; ``request`` has its ``operator`` filled in."""
    token = route.envelope.token if route.envelope else ""
    is_pam = route.envelope is not None
    opens = is_pam and route.call_class in (CallClass.DEBIT, CallClass.RESERVE)
    return NewOperation(
        operator=operator,
        request_id=request_id,
        method=route.rpc.removeprefix("/"),
        fingerprint=_fingerprint(route, request),
        request=stored_request(route, request),
        ticket_id=getattr(request, "ticket_id", "") if is_pam else None,
        opens=opens,
        discards=token == "ticket_discard",  # noqa: S105 - the action's name
    )


def _fingerprint(route: Route, request: Message) -> bytes:
    canonical = type(request)()
    canonical.CopyFrom(request)
    canonical.ClearField(REQUEST_ID)
    return hashlib.sha256(route.rpc.encode() + b"\0" + canonical.SerializeToString(deterministic=True)).digest()


def stored_request(route: Route, request: Message) -> bytes:
    """Encode a request without its personal data, as the ledger keeps it."""
    copy = type(request)()
    copy.CopyFrom(request)
    for field in route.request.fields:
        if field.sensitive:
            copy.ClearField(field.name)
    return copy.SerializeToString(deterministic=True)


def failure_to_text(failure: Failure | None) -> str | None:
    """Write a failure for the ledger."""
    if failure is None:
        return None
    fields = {
        "reason": failure.reason,
        "message": failure.message,
        "metadata": failure.metadata,
        "retry_after_s": failure.retry_after_s,
    }
    return json.dumps(fields, ensure_ascii=False)


def failure_from_text(text: str | None) -> Failure | None:
    """Read a failure from the ledger."""
    if text is None:
        return None
    fields: Mapping[str, Any] = json.loads(text)
    return Failure(
        Reason(fields["reason"]),
        fields["message"],
        metadata=fields["metadata"],
        retry_after_s=fields.get("retry_after_s"),
    )


def notes_to_text(notes: tuple[Note, ...]) -> str:
    """Write notes for the ledger."""
    return json.dumps([[note.time, note.text] for note in notes], ensure_ascii=False)


def notes_from_text(text: str) -> tuple[Note, ...]:
    """Read notes from the ledger."""
    return tuple(Note(time, note) for time, note in json.loads(text))
