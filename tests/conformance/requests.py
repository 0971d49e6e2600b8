"""Which requests could a client send? Made from a descriptor alone: what fits, what nearly fits, and anything at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

__all__ = ["Known", "Sent", "requests"]

Draw = Callable[[st.SearchStrategy[Any]], Any]
Known = Mapping[str, Sequence[Any]]
"""Values that the platform knows, by a field's name, and messages, by their own."""

_LARGEST: Final = 300_000
"""About how many bytes a request has at the most: somewhat more than the gateway takes, far less than gRPC does."""

_DEPTH: Final = 4
_INT32: Final = (0, 1, -1, 2**31 - 1, -(2**31), 1000, 1001)
_INT64: Final = (*_INT32, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))
_DOUBLES: Final = (0.0, -0.0, 1.0, 0.1, 1.005, -1.0, 2.0**53, 1e22, 5e-324, 1.8e308, math.nan, math.inf, -math.inf)
_DOUBLES_MAX: Final = 1.7976931348623157e308
_TEXTS: Final = (
    *("", " ", "  x", "\x00", "a\x00b", "\x1b[31m", "\x7f", "\x85", "\r\nx-injected: 1", "\t", "\n"),
    *("../../etc/passwd", "%2F", "a/b", "?x=1&operator=acme", "#", "{}", "null", '"', "\\", "'; DROP TABLE x; --"),
    *("Žižka", "日本語", "\U0001f3b2", "e\u0301", "\u202e", "\u2028", "\ufeff", "\ufffe", "\U0010ffff", "ß" * 128),
    *("a" * 128, "a" * 129, "a" * 256, "a" * 257, "ß" * 4097, "a" * 70_000),
)
_METADATA: Final[tuple[tuple[tuple[str, str | bytes], ...], ...]] = (
    *[()] * 6,
    (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),),
    (("traceparent", "00-" + "0" * 200), ("tracestate", "=,=")),
    (("authorization", "Bearer nobody-s-token"), ("operator-name", "acme"), ("request-id", "another")),
    (("x-bin", bytes(range(256))), ("user-agent", "-"), ("idempotent-replay", "true")),
)
_ASKING: Final = "betstack.operation.v1"
"""Where a request id is not one's own."""

_COUNTS: Final = (2, 17, 1000, 20_000)
_NUMBERS: Final = count()
_MODEST_WORDS: Final = st.text("abcdefgh0123456789", min_size=1, max_size=12)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it goes out; ``message`` is None where the bytes are none."""

    body: bytes
    message: Message | None
    metadata: tuple[tuple[str, str | bytes], ...] = ()

    def __repr__(self) -> str:
        """Return what a person needs to send it again."""
        return f"{self.body[:400]!r} {str(self.message)[:2000]} {self.metadata}"


def requests(descriptor: Descriptor, known: Known) -> st.SearchStrategy[Sent]:
    """Draw requests of one kind: most of them fit or have one or two things wrong, some are wild, some are broken."""

    @st.composite
    def drawn(draw: Draw) -> Sent:
        kind = draw(st.integers(0, 19))
        message = _wild(draw, descriptor, _DEPTH) if kind >= 17 else _fitting(draw, descriptor, known)
        if 8 <= kind < 17:
            for _ in range(draw(st.integers(1, 2))):
                _spoil(draw, message)
        body = message.SerializeToString()
        if kind in (16, 18):
            body = _with_bytes(draw, body)
        return Sent(body, _read(descriptor, body), draw(st.sampled_from(_METADATA)))

    return drawn()


def _read(descriptor: Descriptor, body: bytes) -> Message | None:
    message = GetMessageClass(descriptor)()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return None
    return message


# ------------------------------------------------------------------------------------------------------------ fitting


def _fitting(draw: Draw, descriptor: Descriptor, known: Known) -> Message:
    """Draw a message whose values are known to the platform, or at least likely."""
    if descriptor.full_name in known:
        copy: Message = GetMessageClass(descriptor).FromString(draw(st.sampled_from(known[descriptor.full_name])))
        return copy
    message = GetMessageClass(descriptor)()
    for field in _chosen(draw, descriptor):
        if field.name == "unmapped":
            continue
        length = draw(st.integers(1, 3)) if field.is_repeated else 1
        values = [_fitting_value(draw, field, known) for _ in range(length)]
        _put(message, field, values)
    return message


def _chosen(draw: Draw, descriptor: Descriptor) -> list[FieldDescriptor]:
    """Return all fields, but one of each oneof, and of the optional ones some."""
    chosen = []
    for oneof in descriptor.oneofs:
        fields = list(oneof.fields)
        chosen += [draw(st.sampled_from(fields))] if len(fields) > 1 or draw(st.booleans()) else []
    return [field for field in descriptor.fields if field.containing_oneof is None or field in chosen]


def _fitting_value(draw: Draw, field: Any, known: Known) -> Any:
    if field.name == "request_id" and field.file.package != _ASKING and draw(st.integers(0, 9)):
        return f"fresh-{next(_NUMBERS)}"
    for name in (f"{field.containing_type.name}.{field.name}", field.name):
        if name in known:
            return draw(st.sampled_from(known[name]))
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return _fitting(draw, field.message_type, known)
        case FieldDescriptor.CPPTYPE_ENUM:
            return draw(st.sampled_from([value.number for value in field.enum_type.values if value.number]))
        case FieldDescriptor.CPPTYPE_STRING:
            return draw(_MODEST_WORDS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return draw(st.booleans())
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return draw(st.integers(100, 1500)) / 100
        case _:
            return draw(st.integers(1, 3000))


# --------------------------------------------------------------------------------------------------------------- wild


def _spoil(draw: Draw, message: Message) -> None:
    """Give one field of a message, or of a message in it, a value that nobody asked for, or none."""
    within = [part for _, part in _messages_in(message)]
    if within and draw(st.booleans()):
        _spoil(draw, draw(st.sampled_from(within)))
        return
    if not message.DESCRIPTOR.fields:
        return
    field = draw(st.sampled_from(list(message.DESCRIPTOR.fields)))
    if draw(st.integers(0, 5)):
        _put(message, field, _wild_values(draw, field, 2))
    else:
        message.ClearField(field.name)


def _messages_in(message: Message) -> list[tuple[str, Message]]:
    found = []
    for field, value in message.ListFields():
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            found += [(field.name, each) for each in (value if field.is_repeated else [value])]
    return found


def _wild(draw: Draw, descriptor: Descriptor, depth: int) -> Message:
    """Draw a message with anything in it."""
    message = GetMessageClass(descriptor)()
    if depth:
        for field in descriptor.fields:
            if draw(st.booleans()):
                _put(message, field, _wild_values(draw, field, depth - 1))
    return message


def _wild_values(draw: Draw, field: Any, depth: int) -> list[Any]:
    """Draw what goes into a field: a value, or of a list some, among them one very many times."""
    if not field.is_repeated:
        return [_wild_value(draw, field, depth)]
    values = [_wild_value(draw, field, depth) for _ in range(draw(st.integers(0, 3)))]
    if values and not draw(st.integers(0, 4)):
        size = values[-1].ByteSize() + 2 if isinstance(values[-1], Message) else len(str(values[-1])) + 2
        values += [values[-1]] * min(draw(st.sampled_from(_COUNTS)), _LARGEST // size)
    return values


def _wild_value(draw: Draw, field: Any, depth: int) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return _wild(draw, field.message_type, depth)
        case FieldDescriptor.CPPTYPE_ENUM:
            known = [value.number for value in field.enum_type.values]
            return draw(st.sampled_from([*known, max(known) + 1, -1, 2**31 - 1, -(2**31)]))
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return draw(st.binary(max_size=20))
        case FieldDescriptor.CPPTYPE_STRING:
            return draw(st.sampled_from(_TEXTS) | st.text(max_size=20))
        case FieldDescriptor.CPPTYPE_BOOL:
            return draw(st.booleans())
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return draw(st.sampled_from((*_DOUBLES, _DOUBLES_MAX)) | st.floats())
        case FieldDescriptor.CPPTYPE_INT32:
            return draw(st.sampled_from(_INT32) | st.integers(-(2**31), 2**31 - 1))
        case _:
            return draw(st.sampled_from(_INT64) | st.integers(-(2**63), 2**63 - 1))


def _put(message: Message, field: Any, values: list[Any]) -> None:
    """Replace what is in a field."""
    message.ClearField(field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for entry in values:
            _put_entry(getattr(message, field.name), entry)
    elif field.is_repeated:
        getattr(message, field.name).extend(values)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(values[0])
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, values[0])


def _put_entry(values: Any, entry: Any) -> None:
    if isinstance(entry.value, Message):
        values[entry.key].CopyFrom(entry.value)
    else:
        values[entry.key] = entry.value


_FRAGMENTS: Final = (
    b"\xc2\x3e\x03new",  # field 1000, a text
    b"\xc0\x3e\x01",  # field 1000, a number
    b"\xc2\x3e\xc0\xcf\x11" + bytes(288_704),  # field 1000, more than the gateway takes
    b"\xc5\x3e\x00\x00\x00\x00",  # field 1000, four bytes
    b"\x0a\xff\xff\xff\xff\x0f",  # field 1, longer than the rest
    b"\x0a\x02\xff\xfe",  # field 1, no UTF-8
    b"\x08\x01",  # field 1, as a number
    b"\x0b",  # the begin of a group
    b"\x00\x00",  # field 0
    b"\xff" * 12,
)


def _with_bytes(draw: Draw, body: bytes) -> bytes:
    """Add to the bytes of a message what it does not know, or cut them."""
    if body and not draw(st.integers(0, 3)):
        return body[: draw(st.integers(0, len(body) - 1))]
    more: bytes = draw(st.sampled_from(_FRAGMENTS) | st.binary(max_size=12))
    return body + more
