"""What does a running server say that it serves? Its contract, read over reflection, as any client could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from betstack.upstream.v1 import options_pb2

__all__ = ["Rpc", "Served", "is_sensitive", "served"]

_OURS: Final = "betstack."
_REASONS: Final = "betstack.error.v1.ErrorReason"
_PREFIX: Final = "ERROR_REASON_"
_MONEY: Final = {options_pb2.CALL_CLASS_DEBIT, options_pb2.CALL_CLASS_RESERVE, options_pb2.CALL_CLASS_CREDIT}
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Rpc:
    """A unary RPC."""

    method: MethodDescriptor
    is_money: bool

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def name(self) -> str:
        """Its name as the documentation has it."""
        return f"{self.method.containing_service.name}/{self.method.name}"

    @property
    def request(self) -> Descriptor:
        """What it takes."""
        return self.method.input_type

    @property
    def response(self) -> type[Message]:
        """What it answers."""
        return GetMessageClass(self.method.output_type)


@dataclass(frozen=True, slots=True)
class Served:
    """The unary RPCs of a contract, and its reasons with the status that each is documented with."""

    rpcs: tuple[Rpc, ...]
    statuses: Mapping[str, grpc.StatusCode]

    def rpc(self, name: str) -> Rpc:
        """Return the RPC of this name."""
        [found] = [rpc for rpc in self.rpcs if rpc.name == name]
        return found


def served(channel: grpc.Channel) -> Served:
    """Ask a server for its contract."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    services = sorted(name for name in database.get_services() if name.startswith(_OURS))
    rpcs = (rpc for name in services for rpc in _unary(pool.FindServiceByName(name).methods))
    values = pool.FindEnumTypeByName(_REASONS).values
    reasons = {each.name.removeprefix(_PREFIX): _option(each, options_pb2.status) for each in values}
    return Served(tuple(rpcs), {name: _CODES[status] for name, status in reasons.items() if status})


def is_sensitive(field: FieldDescriptor) -> bool:
    """Tell whether a field has personal data."""
    return bool(_option(field, options_pb2.wire).sensitive)


def _unary(methods: Any) -> Iterator[Rpc]:
    for method in methods:
        if not method.client_streaming and not method.server_streaming:
            yield Rpc(method, getattr(_option(method, options_pb2.call), "class") in _MONEY)


def _option(described: Any, option: Any) -> Any:
    return described.GetOptions().Extensions[option]
