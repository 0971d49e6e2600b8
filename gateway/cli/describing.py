"""What does a method take and give? Its shape, written as in a proto file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)

__all__ = ["described", "in_package", "listed", "scalar", "signature"]

_SCALARS: Final = {
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_FIXED64: "fixed64",
    FieldDescriptor.TYPE_FIXED32: "fixed32",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_SFIXED32: "sfixed32",
    FieldDescriptor.TYPE_SFIXED64: "sfixed64",
    FieldDescriptor.TYPE_SINT32: "sint32",
    FieldDescriptor.TYPE_SINT64: "sint64",
}


def scalar(field: FieldDescriptor) -> str:
    """Return the type of a field that holds no message and no enum."""
    return _SCALARS[field.type]


def in_package(full_name: str, package: str) -> str:
    """Return a name as it is said inside a package."""
    return full_name.removeprefix(f"{package}.")


def listed(service: ServiceDescriptor) -> str:
    """Return a service's methods, one a line."""
    return "\n".join((service.full_name, *(f"  {signature(method)}" for method in service.methods)))


def signature(method: MethodDescriptor) -> str:
    """Return name, request and response of a method."""
    package = method.containing_service.file.package
    request = _streamed(in_package(method.input_type.full_name, package), method.client_streaming)
    response = _streamed(in_package(method.output_type.full_name, package), method.server_streaming)
    return f"{method.name}({request}) returns ({response})"


def _streamed(name: str, streams: bool) -> str:
    return f"stream {name}" if streams else name


def described(element: MethodDescriptor | Descriptor | EnumDescriptor) -> str:
    """Return a proto-like description; that of a method has its messages too."""
    if isinstance(element, MethodDescriptor):
        request, response = described(element.input_type), described(element.output_type)
        return f"rpc {signature(element)};\n\n{request}\n\n{response}"
    if isinstance(element, EnumDescriptor):
        return _block("enum", element.full_name, (f"{value.name} = {value.number};" for value in element.values))
    return _block("message", element.full_name, _lines(element))


def _block(kind: str, name: str, lines: Iterator[str]) -> str:
    return "\n".join((f"{kind} {name} {{", *(f"  {line}" for line in lines), "}"))


def _lines(message: Descriptor) -> Iterator[str]:
    """Yield fields in declared order, those of a oneof at the place of its first."""
    seen: set[str] = set()
    package = message.file.package
    for field in message.fields:
        oneof = field.containing_oneof
        if oneof is None or _is_optional(oneof):
            yield _line(field, package)
        elif oneof.name not in seen:
            seen.add(oneof.name)
            yield f"oneof {oneof.name} {{"
            yield from (f"  {_line(choice, package)}" for choice in oneof.fields)
            yield "}"


def _is_optional(oneof: OneofDescriptor) -> bool:
    """Tell whether this is the oneof that proto3 makes for an ``optional`` field."""
    return len(oneof.fields) == 1 and oneof.name == f"_{oneof.fields[0].name}"


def _line(field: FieldDescriptor, package: str) -> str:
    return f"{_label(field)}{_type(field, package)} {field.name} = {field.number};"


def _label(field: FieldDescriptor) -> str:
    if _entry(field):
        return ""
    if field.is_repeated:
        return "repeated "
    return "optional " if field.containing_oneof and _is_optional(field.containing_oneof) else ""


def _type(field: FieldDescriptor, package: str) -> str:
    entry = _entry(field)
    if entry is not None:
        key, value = (_type(entry.fields_by_name[name], package) for name in ("key", "value"))
        return f"map<{key}, {value}>"
    kind = field.message_type or field.enum_type
    return in_package(kind.full_name, package) if kind is not None else scalar(field)


def _entry(field: FieldDescriptor) -> Descriptor | None:
    """Return the message of a map's entries, None if the field is no map."""
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None
