"""Has every reason exactly one status? The error model against a literal table."""

from __future__ import annotations

import grpc
import pytest

from betstack.error.v1 import error_reason_pb2
from betstack.upstream.v1 import options_pb2
from gateway.contract import STATUS_OF
from gateway.failure import Reason

STATUSES = {
    "FEATURE_NOT_IMPLEMENTED": "UNIMPLEMENTED",
    "PLAYER_NOT_FOUND": "NOT_FOUND",
    "TICKET_NOT_FOUND": "NOT_FOUND",
    "OPERATOR_NOT_FOUND": "NOT_FOUND",
    "TICKET_NOT_RESERVED": "FAILED_PRECONDITION",
    "ODDS_CHANGED": "ABORTED",
    "PLATFORM_CODE_UNMAPPED": "FAILED_PRECONDITION",
    "INVALID_REQUEST": "INVALID_ARGUMENT",
    "SIGNATURE_REJECTED": "INTERNAL",
    "PLAYER_REFUSED": "UNAUTHENTICATED",
    "ACCESS_DENIED": "PERMISSION_DENIED",
    "UPSTREAM_ROUTE_MISSING": "UNIMPLEMENTED",
    "CONFLICT": "ABORTED",
    "RATE_LIMITED": "RESOURCE_EXHAUSTED",
    "UPSTREAM_REDIRECT": "INTERNAL",
    "UPSTREAM_CONTRACT": "INTERNAL",
    "UPSTREAM_UNAVAILABLE": "UNAVAILABLE",
    "UPSTREAM_ERROR": "INTERNAL",
    "UPSTREAM_TIMEOUT": "DEADLINE_EXCEEDED",
    "UPSTREAM_BAD_PAYLOAD": "INTERNAL",
    "OUTCOME_UNKNOWN": "UNKNOWN",
    "UPSTREAM_UNREACHABLE": "UNAVAILABLE",
    "UPSTREAM_CIRCUIT_OPEN": "UNAVAILABLE",
    "OPERATOR_NOT_CONFIGURED": "NOT_FOUND",
    "NOT_CONFIGURED": "FAILED_PRECONDITION",
    "NOT_SUPPORTED_BY_PLATFORM": "UNIMPLEMENTED",
    "DEADLINE_TOO_SHORT": "DEADLINE_EXCEEDED",
    "REQUEST_ID_REUSED": "INVALID_ARGUMENT",
    "OPERATION_REVERSED": "ABORTED",
    "OPERATION_NOT_FOUND": "NOT_FOUND",
    "OPERATION_FINAL": "FAILED_PRECONDITION",
    "CURSOR_EXPIRED": "OUT_OF_RANGE",
    "OVER_LIMIT": "RESOURCE_EXHAUSTED",
    "CALLER_UNKNOWN": "UNAUTHENTICATED",
    "CALLER_NOT_ALLOWED": "PERMISSION_DENIED",
    "GATEWAY_FAULT": "INTERNAL",
    # The architecture's table, up to here, does not name what a shutdown refuses with.
    "SHUTTING_DOWN": "UNAVAILABLE",
}


@pytest.mark.parametrize(("reason", "status"), STATUSES.items(), ids=list(STATUSES))
def test_each_reason_has_its_status(reason: str, status: str) -> None:
    """The gRPC status of a reason is the one of the architecture's error model."""
    number, _ = grpc.StatusCode[status].value

    assert STATUS_OF[Reason(reason)] == number


def test_the_table_of_statuses_is_complete() -> None:
    """Every reason stands in the literal table, and the table names no other."""
    assert {reason.value for reason in Reason} == set(STATUSES) == {reason.value for reason in STATUS_OF}


def test_the_enum_of_the_proto_is_the_enum_of_the_code() -> None:
    """The proto's values without their prefix are the reasons of the code, in the same order."""
    names = [value.name for value in error_reason_pb2.ErrorReason.DESCRIPTOR.values if value.number]

    assert names == [f"ERROR_REASON_{reason.value}" for reason in Reason]
    assert [reason.name for reason in Reason] == [reason.value for reason in Reason]


def test_statuses_are_numbered_as_grpc_numbers_them() -> None:
    """The status enum of the options repeats the numbers of gRPC, all of them but OK."""
    ours = {name.removeprefix("STATUS_"): number for name, number in options_pb2.Status.items() if number}

    assert ours == {code.name: code.value[0] for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


def test_no_reason_means_success_or_cancellation() -> None:
    """No failure of the gateway is reported as OK, CANCELLED or DATA_LOSS."""
    never = {code.value[0] for code in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, grpc.StatusCode.DATA_LOSS)}

    assert never.isdisjoint(STATUS_OF.values())
