"""What is annotated on this proto element? The only place that reads custom options."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import (
    EnumValueDescriptor,
    FieldDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)

from betstack.upstream.v1 import options_pb2

__all__ = ["api_of", "call_of", "right_annotated", "rule_of", "status_of", "token_of", "variant_of", "wire_of"]

Described = ServiceDescriptor | MethodDescriptor | FieldDescriptor | OneofDescriptor | EnumValueDescriptor


def _read(element: Described, option: Any) -> Any:  # noqa: ANN401 - the stubs give extensions no type of their own
    return element.GetOptions().Extensions[option]


def api_of(service: ServiceDescriptor) -> options_pb2.Api:
    """Return the platform API behind a service."""
    return _read(service, options_pb2.api)  # type: ignore[no-any-return]


def call_of(method: MethodDescriptor) -> options_pb2.Call:
    """Return the platform call behind an RPC."""
    return _read(method, options_pb2.call)  # type: ignore[no-any-return]


def right_annotated(method: MethodDescriptor) -> int:
    """Return the right that callers of an RPC need: its own, or else that of its service."""
    return int(_read(method, options_pb2.rpc_right) or _read(method.containing_service, options_pb2.right))


def wire_of(field: FieldDescriptor) -> options_pb2.Wire:
    """Return how a field is spelled."""
    return _read(field, options_pb2.wire)  # type: ignore[no-any-return]


def rule_of(field: FieldDescriptor) -> options_pb2.Rule:
    """Return what callers may put into a field."""
    return _read(field, options_pb2.rule)  # type: ignore[no-any-return]


def variant_of(oneof: OneofDescriptor) -> str:
    """Return the key that carries the name of the field chosen."""
    return str(_read(oneof, options_pb2.variant))


def token_of(value: EnumValueDescriptor) -> str:
    """Return the JSON spelling of an enum value."""
    return str(_read(value, options_pb2.token))


def status_of(value: EnumValueDescriptor) -> int:
    """Return the gRPC status of an error reason."""
    return int(_read(value, options_pb2.status))
