"""How does a call fail? With one exception, whose reason is the public vocabulary of ``betstack.error.v1``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Execution", "Failure", "Reason", "Violation", "invalid"]


class Reason(StrEnum):
    """Why a call failed: the values of ``betstack.error.v1.ErrorReason`` without their prefix.

    The proto says what each one means, which status it has and what the caller should do. A test holds the two lists
    together.
    """

    FEATURE_NOT_IMPLEMENTED = "FEATURE_NOT_IMPLEMENTED"
    PLAYER_NOT_FOUND = "PLAYER_NOT_FOUND"
    TICKET_NOT_FOUND = "TICKET_NOT_FOUND"
    OPERATOR_NOT_FOUND = "OPERATOR_NOT_FOUND"
    TICKET_NOT_RESERVED = "TICKET_NOT_RESERVED"
    ODDS_CHANGED = "ODDS_CHANGED"
    PLATFORM_CODE_UNMAPPED = "PLATFORM_CODE_UNMAPPED"
    INVALID_REQUEST = "INVALID_REQUEST"
    SIGNATURE_REJECTED = "SIGNATURE_REJECTED"
    PLAYER_REFUSED = "PLAYER_REFUSED"
    ACCESS_DENIED = "ACCESS_DENIED"
    UPSTREAM_ROUTE_MISSING = "UPSTREAM_ROUTE_MISSING"
    CONFLICT = "CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    UPSTREAM_REDIRECT = "UPSTREAM_REDIRECT"
    UPSTREAM_CONTRACT = "UPSTREAM_CONTRACT"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_ERROR = "UPSTREAM_ERROR"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_BAD_PAYLOAD = "UPSTREAM_BAD_PAYLOAD"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    UPSTREAM_UNREACHABLE = "UPSTREAM_UNREACHABLE"
    UPSTREAM_CIRCUIT_OPEN = "UPSTREAM_CIRCUIT_OPEN"
    OPERATOR_NOT_CONFIGURED = "OPERATOR_NOT_CONFIGURED"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    NOT_SUPPORTED_BY_PLATFORM = "NOT_SUPPORTED_BY_PLATFORM"
    DEADLINE_TOO_SHORT = "DEADLINE_TOO_SHORT"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    OPERATION_REVERSED = "OPERATION_REVERSED"
    OPERATION_NOT_FOUND = "OPERATION_NOT_FOUND"
    OPERATION_FINAL = "OPERATION_FINAL"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    OVER_LIMIT = "OVER_LIMIT"
    CALLER_UNKNOWN = "CALLER_UNKNOWN"
    CALLER_NOT_ALLOWED = "CALLER_NOT_ALLOWED"
    GATEWAY_FAULT = "GATEWAY_FAULT"
    SHUTTING_DOWN = "SHUTTING_DOWN"


class Execution(StrEnum):
    """What became of a money call, over all tries of its request id."""

    NOT_EXECUTED = "NOT_EXECUTED"
    EXECUTED = "EXECUTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request and what was expected of it."""

    field: str
    description: str


class Failure(Exception):  # noqa: N818 - the word of the architecture: what failed is the call, not the program
    """The only exception that crosses floors.

    ``message`` is one English sentence for people, without secrets and personal data. ``metadata`` goes into the
    ErrorInfo. ``violations`` become a ``BadRequest``, ``retry_after_s`` (seconds) a ``RetryInfo``.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Iterable[Violation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s

    def __repr__(self) -> str:
        return f"Failure({self.reason}, {self.message!r}, {self.metadata!r})"


def invalid(violations: Iterable[Violation]) -> Failure:
    """Return the failure of a request that breaks the contract; nothing has been sent."""
    found = tuple(violations)
    return Failure(
        Reason.INVALID_REQUEST,
        "; ".join(f"{violation.field}: {violation.description}" for violation in found),
        violations=found,
    )
