"""What is there in the contract? Services, RPCs, messages, enums and reasons, with what options and comments say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.rpc.code_pb2 import Code

from betstack.error.v1 import error_reason_pb2
from betstack.event.v1 import event_service_pb2
from betstack.operation.v1 import operation_service_pb2
from betstack.sandbox.v1 import sandbox_service_pb2
from betstack.upstream.v1 import options_pb2
from gateway.cli.comments import Advice, advice, comments
from gateway.contract import STATUS_OF, Route, load_contract, right_of
from gateway.contract.reasons import PREFIX
from gateway.contract.routes import PLATFORM_FILES

__all__ = [
    "FILES",
    "METHODS",
    "Reason",
    "Rpc",
    "Service",
    "assumed",
    "enums",
    "is_assumed",
    "messages",
    "own_messages",
    "package_of",
    "reasons",
    "services",
    "shared_messages",
    "short_name",
    "used_by",
]

FILES: Final[tuple[FileDescriptor, ...]] = (
    *PLATFORM_FILES,
    operation_service_pb2.DESCRIPTOR,
    event_service_pb2.DESCRIPTOR,
    sandbox_service_pb2.DESCRIPTOR,
    error_reason_pb2.DESCRIPTOR,
    options_pb2.DESCRIPTOR,
)
"""The whole contract, in the order in which a reader meets it."""

METHODS: Final[Mapping[str, MethodDescriptor]] = {
    f"{service.name}/{method.name}": method
    for file in FILES
    for service in file.services_by_name.values()
    for method in service.methods
}
"""Every RPC, by service and name as people say it: ``TicketService/CreateTicket``."""

_SANDBOX: Final = sandbox_service_pb2.DESCRIPTOR.package


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC; ``route`` is the platform call that serves it, None where there is none; ``right`` is what callers need."""

    method: MethodDescriptor
    route: Route | None
    right: str

    @property
    def full_name(self) -> str:
        """Name with package and service, parted by dots."""
        return str(self.method.full_name)

    @property
    def short(self) -> str:
        """Service and method, as people say it."""
        return short_name(self.method)

    @property
    def path(self) -> str:
        """What gRPC calls it on the wire."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"


@dataclass(frozen=True, slots=True)
class Service:
    """One service with its RPCs."""

    descriptor: ServiceDescriptor
    rpcs: tuple[Rpc, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call fails; ``full_name`` is that of the enum value."""

    name: str
    full_name: str
    status: str
    advice: Advice


@cache
def services() -> tuple[Service, ...]:
    """Return all services, those that the platform serves first, the sandbox's last."""
    found = (service for file in FILES for service in file.services_by_name.values())
    routes = load_contract().routes
    return tuple(Service(service, tuple(_rpc(method, routes) for method in service.methods)) for service in found)


def _rpc(method: MethodDescriptor, routes: Mapping[str, Route]) -> Rpc:
    route = routes.get(f"/{method.containing_service.full_name}/{method.name}")
    right = "" if method.containing_service.file.package == _SANDBOX else right_of(method).value
    return Rpc(method, route, right)


def short_name(method: MethodDescriptor) -> str:
    """Return service and method without the package."""
    return f"{method.containing_service.name}/{method.name}"


def package_of(full_name: str) -> str:
    """Return the package of an element of the contract; empty for any other."""
    packages = (str(file.package) for file in FILES)
    return next((package for package in packages if f"{full_name}.".startswith(f"{package}.")), "")


def messages(file: FileDescriptor) -> Iterator[Descriptor]:
    """Yield the messages of a file in declared order."""
    yield from file.message_types_by_name.values()


@cache
def own_messages() -> Mapping[str, Rpc]:
    """Return the messages that are the request or the response of one RPC, by full name."""
    return {
        message.full_name: rpc
        for service in services()
        for rpc in service.rpcs
        for message in (rpc.method.input_type, rpc.method.output_type)
    }


def shared_messages(file: FileDescriptor) -> list[Descriptor]:
    """Return the messages of a file that are no RPC's own."""
    own = own_messages()
    return [message for message in messages(file) if message.full_name not in own]


def enums(file: FileDescriptor) -> Iterator[EnumDescriptor]:
    """Yield the enums of a file in declared order, without the reasons, which are told apart."""
    reasons_enum = error_reason_pb2.ErrorReason.DESCRIPTOR
    yield from (enum for enum in file.enum_types_by_name.values() if enum is not reasons_enum)


@cache
def reasons() -> tuple[Reason, ...]:
    """Return all reasons in declared order."""
    enum = error_reason_pb2.ErrorReason.DESCRIPTOR.full_name
    return tuple(
        Reason(reason.value, f"{enum}.{PREFIX}{reason.value}", Code.Name(status), advice()[reason])
        for reason, status in STATUS_OF.items()
    )


@cache
def used_by() -> Mapping[str, tuple[FieldDescriptor, ...]]:
    """Return the fields that hold a message or an enum, by the full name of what they hold."""
    found: dict[str, list[FieldDescriptor]] = {}
    for file in FILES:
        for field in (field for message in messages(file) for field in message.fields):
            kind = field.message_type or field.enum_type
            if kind is not None:
                found.setdefault(kind.full_name, []).append(field)
    return {name: tuple(fields) for name, fields in found.items()}


def is_assumed(name: str) -> bool:
    """Tell whether the comment of an element says that something about it is assumed."""
    return "assumed" in comments().get(name, "").lower()


def assumed(file: FileDescriptor) -> list[str]:
    """Return the full names of all elements of a file of which something is assumed, in declared order."""
    return [name for name in comments() if name.startswith(f"{file.package}.") and is_assumed(name)]
