"""Which gRPC status does a reason have? Exactly one, annotated on its value in ``error_reason.proto``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from betstack.error.v1 import error_reason_pb2
from gateway.contract.annotations import status_of
from gateway.contract.problems import ContractError
from gateway.failure import Reason

__all__ = ["PREFIX", "STATUS_OF"]

PREFIX: Final = "ERROR_REASON_"


def _read_statuses() -> Mapping[Reason, int]:
    values = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    statuses = {name.removeprefix(PREFIX): status_of(value) for name, value in values.items() if value.number}
    known = {reason.value for reason in Reason}
    problems = [f"{PREFIX}{name}: has no status" for name, status in statuses.items() if not status]
    problems += [f"{PREFIX}{name}: gateway.failure.Reason lacks it" for name in statuses if name not in known]
    problems += [f"gateway.failure.Reason.{reason}: the proto lacks it" for reason in Reason if reason not in statuses]
    if problems:
        raise ContractError(problems)
    return MappingProxyType({Reason(name): status for name, status in statuses.items()})


STATUS_OF: Final = _read_statuses()
