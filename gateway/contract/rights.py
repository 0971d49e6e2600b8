"""Which right does an RPC need? The one that is annotated on it, or else on its service."""

from __future__ import annotations

from typing import Final

from google.protobuf.descriptor import MethodDescriptor

from betstack.upstream.v1 import options_pb2
from gateway.callers import Right
from gateway.contract.annotations import right_annotated
from gateway.contract.problems import ContractError

__all__ = ["right_of"]

_PREFIX: Final = "RIGHT_"


def right_of(method: MethodDescriptor) -> Right:
    """Return the right that callers need; raises ContractError where none is annotated."""
    annotated = right_annotated(method)
    if not annotated:
        raise ContractError([f"/{method.containing_service.full_name}/{method.name}: has no right"])
    return Right[options_pb2.Right.keys()[annotated].removeprefix(_PREFIX)]
