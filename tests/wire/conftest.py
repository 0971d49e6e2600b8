"""Random messages, built over their descriptors: what every test of this floor that is a property draws from."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
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

# The stubs give extensions no type of their own.
WIRE: Any = options_pb2.wire
RULE: Any = options_pb2.rule

SPECIAL = ["", " ", "a  b", 'say "no"', "C:\\", "a/b?c=d&e#f", "100%", "Zürich", "東京", "🎉", "\x00\x1f\x7f", "\r\n\t"]
TEXTS = st.text(max_size=12) | st.sampled_from(SPECIAL)
WORDS = (st.text(min_size=1, max_size=12) | st.sampled_from(["..x", "~", "a b", "a/b", "%2e", "é"])).filter(
    lambda text: text not in (".", "..")
)
LETTERS = st.characters(exclude_categories=["Cc", "Cs"])
LINES = st.text(LETTERS | st.sampled_from("\t\r\n"), max_size=12)
CURRENCIES = st.sampled_from(["KES", "USD", "XOF", "ZMW"])
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


class Fit(Enum):
    """What the messages are good for."""

    TYPES = "each value has its field's type"
    RULES = "callers may send them"
    NOTHING = "most of them may not be sent"


@cache
def _messages(descriptor: Any, fit: Fit) -> SearchStrategy[Message]:
    message: type[Message] = GetMessageClass(descriptor)
    always: dict[str, SearchStrategy[Any]] = {}
    sometimes: dict[str, SearchStrategy[Any]] = {}
    others: list[SearchStrategy[dict[str, Any]]] = []
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if field.name == "unmapped":
            others += [UNMAPPED] if fit is Fit.NOTHING else []
        elif oneof is not None and oneof.name != f"_{field.name}":
            others += [_branches(oneof.fields, fit)] if field.index == oneof.fields[0].index else []
        elif field.has_presence:
            sometimes[field.name] = _values(field, fit)
        else:
            always[field.name] = _values(field, fit)
    parts = st.tuples(st.fixed_dictionaries(always, optional=sometimes), *others)
    return parts.map(lambda parts: message(**{name: value for part in parts for name, value in part.items()}))


def _branches(fields: Any, fit: Fit) -> SearchStrategy[dict[str, Any]]:
    chosen = [st.fixed_dictionaries({field.name: _values(field, fit)}) for field in fields]
    return st.one_of(*chosen, st.just({})) if fit is Fit.NOTHING else st.one_of(*chosen)


def _values(field: FieldDescriptor, fit: Fit) -> SearchStrategy[Any]:
    if field.message_type and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        return st.dictionaries(TEXTS, _value(entry["value"], fit), max_size=4)
    if not field.is_repeated:
        return _value(field, fit)
    fewest = 1 if fit is Fit.RULES and _rule(field).not_empty else 0
    return st.lists(_value(field, fit), min_size=fewest, max_size=3)


def _value(field: FieldDescriptor, fit: Fit) -> SearchStrategy[Any]:
    match fit:
        case Fit.TYPES:
            return _fitting(field)
        case Fit.RULES:
            return _sendable(field)
        case Fit.NOTHING if field.type == FieldDescriptor.TYPE_MESSAGE:
            return WILD_INSTANTS if _is_time(field) else _messages(field.message_type, fit)
        case Fit.NOTHING:
            return st.one_of(_sendable(field), _sendable(field), _wild(field))


def _fitting(field: FieldDescriptor) -> SearchStrategy[Any]:
    if field.message_type is not None:
        return INSTANTS if _is_time(field) else _messages(field.message_type, Fit.TYPES)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values if value.number])
    match field.type:
        case FieldDescriptor.TYPE_INT32:
            return INT32S
        case FieldDescriptor.TYPE_INT64:
            return INT64S
        case FieldDescriptor.TYPE_DOUBLE:
            return NUMBERS
        case FieldDescriptor.TYPE_BOOL:
            return st.booleans()
        case _ if field.name == "request_id":
            return REQUEST_IDS if _is_required(field) else st.just("") | REQUEST_IDS
        case _:
            return WORDS if _is_required(field) else TEXTS


def _sendable(field: FieldDescriptor) -> SearchStrategy[Any]:
    """Return what keeps the rule that the proto declares for a field."""
    rule = _rule(field)
    if field.type == FieldDescriptor.TYPE_MESSAGE and not _is_time(field):
        return _messages(field.message_type, Fit.RULES)
    if rule.HasField("min"):
        if field.type == FieldDescriptor.TYPE_DOUBLE:
            return st.floats(rule.min, allow_nan=False, allow_infinity=False) | st.just(rule.min)
        return st.integers(int(rule.min), 2**63 - 1) | st.just(int(rule.min))
    if field.type != FieldDescriptor.TYPE_STRING or field.name == "request_id":
        return _fitting(field)
    if rule.format:
        return CURRENCIES
    longest = rule.max_length or 256
    texts = LINES if rule.lines else st.text(LETTERS, max_size=12) | st.sampled_from(SPECIAL).filter(str.isprintable)
    texts |= st.sampled_from(["x" * longest, "\u0142" * longest])
    return texts.filter(lambda text: text not in ("", ".", "..")) if _is_required(field) else texts


def _wild(field: FieldDescriptor) -> SearchStrategy[Any]:
    if field.enum_type is not None:
        return st.sampled_from(WILD_NUMBERS_OF_ENUMS)
    match field.type:
        case FieldDescriptor.TYPE_DOUBLE:
            return WILD_NUMBERS
        case FieldDescriptor.TYPE_STRING:
            return WILD_TEXTS
        case _:
            return _fitting(field)


def _rule(field: FieldDescriptor) -> options_pb2.Rule:
    rule: options_pb2.Rule = field.GetOptions().Extensions[RULE]
    return rule


def _is_required(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[WIRE].required)


def _is_time(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp"


@pytest.fixture(scope="session")
def valid_messages() -> Draw:
    """Return the strategy of whatever fits the types of a message: every field, set or not, every branch of a oneof."""
    return lambda message: _messages(message.DESCRIPTOR, Fit.TYPES)


@pytest.fixture(scope="session")
def sendable_messages() -> Draw:
    """Return the strategy of the requests that a caller may send, which keep the declared rules."""
    return lambda message: _messages(message.DESCRIPTOR, Fit.RULES)


@pytest.fixture(scope="session")
def any_messages() -> Draw:
    """Return the strategy of everything that protobuf lets a message hold, most of it not to be sent."""
    return lambda message: _messages(message.DESCRIPTOR, Fit.NOTHING)
