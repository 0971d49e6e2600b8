"""In which words is the contract told? Types, limits, places and classes, the same on every page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from betstack.upstream.v1 import options_pb2
from gateway.cli.describing import in_package, scalar
from gateway.cli.reference.facts import package_of
from gateway.contract import OperatorPlace, Route
from gateway.contract.annotations import rule_of, wire_of
from gateway.contract.routes import Success

__all__ = ["WELL_KNOWN", "label", "limits", "oneof_of", "places_of_operator", "type_of", "what_comes_back"]

WELL_KNOWN: Final[Mapping[str, str]] = {
    "google.protobuf.Timestamp": "A point in time. In JSON a text in UTC, such as `2026-01-01T09:00:14Z`.",
    "google.protobuf.Duration": "A span of time. In JSON seconds with an `s`, such as `1.5s`.",
    "google.protobuf.Struct": "Any JSON object.",
    "google.protobuf.Any": "A message of any type. In JSON an object whose key `@type` names the type.",
}
"""What the messages mean that come with protobuf."""


def type_of(field: FieldDescriptor) -> tuple[str, str]:
    """Return a field's type as a proto file of its package has it, and the full name of its message or enum, if any."""
    entry = _entry(field)
    if entry is not None:
        (key, _), (value, target) = (type_of(entry.fields_by_name[name]) for name in ("key", "value"))
        return f"map<{key}, {value}>", target
    kind = field.message_type or field.enum_type
    if kind is None:
        return scalar(field), ""
    return in_package(kind.full_name, package_of(field.full_name)), str(kind.full_name)


def label(field: FieldDescriptor) -> str:
    """Return ``repeated`` or ``optional``, or nothing."""
    if _entry(field) is not None:
        return ""
    if field.is_repeated:
        return "repeated"
    return "optional" if field.containing_oneof is not None and not oneof_of(field) else ""


def oneof_of(field: FieldDescriptor) -> str:
    """Return the name of the oneof that a field is a choice of; empty where it is none."""
    oneof = field.containing_oneof
    return "" if oneof is None or oneof.name == f"_{field.name}" else str(oneof.name)


def _entry(field: FieldDescriptor) -> Descriptor | None:
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None


def limits(field: FieldDescriptor) -> Iterator[str]:
    """Yield what the options of a field say about its values."""
    wire, rule = wire_of(field), rule_of(field)
    if wire.required:
        yield "required"
    if rule.HasField("min"):
        yield f"at least {rule.min:g}"
    if rule.not_empty:
        yield "not empty"
    if rule.max_length:
        yield f"at most {rule.max_length} characters"
    if rule.lines:
        yield "may have several lines"
    if rule.format == options_pb2.FORMAT_CURRENCY:
        yield "ISO 4217 code"
    if wire.sensitive:
        yield "personal data"


def places_of_operator(route: Route) -> str:
    """Return where the operator's name travels."""
    places = ["in the header `operator-name`"] if route.api.operator_name else []
    if route.operator is OperatorPlace.QUERY:
        places.append("first in the query")
    if route.operator is OperatorPlace.BODY:
        places.append("first in `data`" if route.envelope else "first in the body")
    return " and ".join(places)


def what_comes_back(route: Route) -> str:
    """Return what becomes of the platform's answer."""
    if route.success is Success.STATUS:
        return "HTTP 200 is success, whatever the body is"
    if route.success is Success.BODY_OPTIONAL:
        return "is the response itself, and may be empty"
    return f"becomes the field `{route.answer}`" if route.answer else "is the response itself"
