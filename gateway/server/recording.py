"""What is left of a call once it is over? One record, and a failure that says all there is to say."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Final

from google.rpc.code_pb2 import Code

from gateway.contract.reasons import STATUS_OF
from gateway.failure import Execution, Failure, Reason
from gateway.telemetry import CallRecord, Telemetry

__all__ = ["recording", "with_statement"]

_NO_STATEMENT: Final = frozenset({Reason.CALLER_UNKNOWN, Reason.CALLER_NOT_ALLOWED})
_UNKNOWN: Final = frozenset({Reason.OUTCOME_UNKNOWN, Reason.GATEWAY_FAULT})
_CODES: Final[Mapping[Reason, str]] = {reason: Code.Name(status) for reason, status in STATUS_OF.items()}


class recording:  # noqa: N801 - a context manager, written out because a generator would cost every call
    """Leave a record of what is done meanwhile; an unexpected exception becomes GATEWAY_FAULT.

    Every failure says which request it is about and, for a money call, whether it was executed.
    """

    __slots__ = ("_is_money", "_record", "_telemetry")

    def __init__(self, telemetry: Telemetry, record: CallRecord, *, is_money: bool) -> None:
        self._telemetry = telemetry
        self._record = record
        self._is_money = is_money

    def __enter__(self) -> None:
        self._record.code = self._record.reason = "CANCELLED"
        self._telemetry.begin(self._record)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        record = self._record
        try:
            if error is None:
                record.code, record.reason = "OK", ""
            elif isinstance(error, Failure):
                self._note(error)
            elif isinstance(error, Exception):
                fault = _fault(record.name, error, self._telemetry)
                self._note(fault)
                raise fault from error
        finally:
            self._telemetry.end(record)

    def _note(self, failure: Failure) -> None:
        record = self._record
        with_statement(failure, record.request_id, is_money=self._is_money)
        record.code, record.reason = _CODES[failure.reason], failure.reason
        record.execution = failure.metadata.get("execution", "")


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
