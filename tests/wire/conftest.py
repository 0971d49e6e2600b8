"""Random messages, built over their descriptors: what every test of this floor that is a property draws from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from betstack.upstream.v1 import options_pb2

Draw = Callable[[type[Message]], SearchStrategy[Message]]

WIRE: Any = options_pb2.wire  # the stubs give extensions no type of their own

SPECIAL = ["", " ", "a  b", 'say "no"', "C:\\", "a/b?c=d&e#f", "100%", "Zürich", "東京", "🎉", "\x00\x1f\x7f", "\r\n\t"]
TEXTS = st.text(max_size=12) | st.sampled_from(SPECIAL)
WORDS = (st.text(min_size=1, max_size=12) | st.sampled_from(["..x", "~", "a b", "a/b", "%2e", "é"])).filter(
    lambda text: text not in (".", "..")
)
REQUEST_IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)
INT32S = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-(2**31), 0, 10, 2**31 - 1])
INT64S = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), -1, 0, 3500, 2**53 + 1, 2**63 - 1])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 10.0, 1.95, 12.5, -3.0, 1e14, 999999999999999.0, 1e15, 1e16, 1e22, 5e-324, 1e-7, 1.7976931348623157e308]
)
MICROSECONDS = st.integers(0, 999_999).map(lambda micros: micros * 1000)
INSTANTS = st.builds(Timestamp, seconds=st.integers(-62_135_596_800, 253_402_300_799), nanos=MICROSECONDS)

# Mostly fit to be sent, so that what is wrong is often the only thing that is.
WILD_INSTANTS = INSTANTS | st.builds(Timestamp, seconds=INT64S, nanos=INT32S)
WILD_NUMBERS = NUMBERS | st.sampled_from([1.0, 1.5, 2.0, 2.5, 1e300, float("nan"), float("inf"), float("-inf")])
WILD_TEXTS = WORDS | REQUEST_IDS | st.sampled_from(["x", "", ".", "..", "a b", "é", "x" * 129])
WILD_NUMBERS_OF_ENUMS = [0, -1, 99, 2**31 - 1]
UNMAPPED = st.sampled_from([{}, {}, {}, {"unmapped": Struct()}])


@cache
def _messages(descriptor: Any, *, valid: bool) -> SearchStrategy[Message]:
    message: type[Message] = GetMessageClass(descriptor)
    always: dict[str, SearchStrategy[Any]] = {}
    sometimes: dict[str, SearchStrategy[Any]] = {}
    others: list[SearchStrategy[dict[str, Any]]] = []
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if field.name == "unmapped":
            others += [] if valid else [UNMAPPED]
        elif oneof is not None and oneof.name != f"_{field.name}":
            others += [_branches(oneof.fields, valid=valid)] if field.index == oneof.fields[0].index else []
        elif field.has_presence:
            sometimes[field.name] = _values(field, valid=valid)
        else:
            always[field.name] = _values(field, valid=valid)
    parts = st.tuples(st.fixed_dictionaries(always, optional=sometimes), *others)
    return parts.map(lambda parts: message(**{name: value for part in parts for name, value in part.items()}))


def _branches(fields: Any, *, valid: bool) -> SearchStrategy[dict[str, Any]]:
    chosen = [st.fixed_dictionaries({field.name: _values(field, valid=valid)}) for field in fields]
    return st.one_of(*chosen) if valid else st.one_of(*chosen, st.just({}))


def _values(field: FieldDescriptor, *, valid: bool) -> SearchStrategy[Any]:
    if field.message_type and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        return st.dictionaries(TEXTS, _value(entry["value"], valid=valid), max_size=4)
    value = _value(field, valid=valid)
    return st.lists(value, max_size=3) if field.is_repeated else value


def _value(field: FieldDescriptor, *, valid: bool) -> SearchStrategy[Any]:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return INSTANTS if valid else WILD_INSTANTS
        return _messages(field.message_type, valid=valid)
    if field.enum_type is not None:
        numbers = [value.number for value in field.enum_type.values if value.number]
        return st.sampled_from(numbers if valid else [*numbers * 3, *WILD_NUMBERS_OF_ENUMS])
    match field.type:
        case FieldDescriptor.TYPE_INT32:
            return INT32S
        case FieldDescriptor.TYPE_INT64:
            return INT64S
        case FieldDescriptor.TYPE_DOUBLE:
            return NUMBERS if valid else WILD_NUMBERS
        case FieldDescriptor.TYPE_BOOL:
            return st.booleans()
        case _:
            return _texts(field, valid=valid)


def _texts(field: FieldDescriptor, *, valid: bool) -> SearchStrategy[str]:
    if not valid:
        return st.one_of(REQUEST_IDS, REQUEST_IDS, WILD_TEXTS) if field.name == "request_id" else WILD_TEXTS
    required: bool = field.GetOptions().Extensions[WIRE].required
    if field.name == "request_id":
        return REQUEST_IDS if required else st.just("") | REQUEST_IDS
    return WORDS if required else TEXTS


@pytest.fixture(scope="session")
def valid_messages() -> Draw:
    """Return the strategy of a message's valid values: every field, set or not, and every branch of a oneof."""
    return lambda message: _messages(message.DESCRIPTOR, valid=True)


@pytest.fixture(scope="session")
def any_messages() -> Draw:
    """Return the strategy of everything that protobuf lets a message hold, most of it not to be sent."""
    return lambda message: _messages(message.DESCRIPTOR, valid=False)
