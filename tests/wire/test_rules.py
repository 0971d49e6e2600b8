"""Does the gateway judge requests by what the protos declare, neither more nor less?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from betstack.upstream.v1 import options_pb2
from gateway.contract import load_contract
from gateway.wire.validation import checker
from tests.wire.conftest import Draw

ROUTES = {route.short: route for route in load_contract().routes.values()}

# The stubs give extensions no type of their own.
WIRE: Any = options_pb2.wire
RULE: Any = options_pb2.rule

NAN, INFINITY = float("nan"), float("inf")
NO_CURRENCIES = ["", "kes", "Kes", "KE", "KESS", " KES", "KES\n", "XXX", "XAU", "XTS", "DEM", "ŁŁŁ", "K\0S"]
CONTROLS = [*map(chr, range(32)), "\x7f", "\x80", "\x85", "\x9f"]
LINE_ENDS = "\t\n\r"

Break = tuple[str, Callable[[], None]]
"""The path of a value, and what makes it wrong."""


def breaks(message: Any, path: str = "") -> Iterator[Break]:
    """Yield every way to break one rule, each with the one path that the violation has then."""
    for field in message.DESCRIPTOR.fields:
        name = field.name
        if name in ("operator", "unmapped"):
            continue
        if field.message_type is not None:
            yield from breaks_inside(message, field, path)
        elif field.is_repeated:
            for index in range(len(getattr(message, name))):
                for value in wrong(field):
                    yield f"{path}{name}[{index}]", putting(getattr(message, name), index, value)
        else:
            for value in wrong(field):
                yield path + name, setting(message, name, value)
        if field.GetOptions().Extensions[RULE].not_empty:
            yield path + name, clearing(message, name)


def breaks_inside(message: Any, field: FieldDescriptor, path: str) -> Iterator[Break]:
    """Yield every way to break a rule of an object that is there."""
    found = getattr(message, field.name)
    if field.is_repeated:
        for index, item in enumerate(found):
            yield from breaks(item, f"{path}{field.name}[{index}].")
    elif message.HasField(field.name):
        yield from breaks(found, f"{path}{field.name}.")


def wrong(field: FieldDescriptor) -> Iterator[Any]:
    """Yield values that a field may not have."""
    rule = field.GetOptions().Extensions[RULE]
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        yield from (NAN, INFINITY, -INFINITY)
    if rule.HasField("min"):
        is_double = field.type == FieldDescriptor.TYPE_DOUBLE
        yield from (rule.min - 0.001, -1e300) if is_double else (int(rule.min) - 1, -(2**63))
    if field.enum_type is not None:
        yield from (99, -1) if field.has_presence else (99, -1, 0)
    if field.type == FieldDescriptor.TYPE_STRING:
        yield from wrong_texts(field, rule)


def wrong_texts(field: FieldDescriptor, rule: options_pb2.Rule) -> Iterator[str]:
    """Yield texts that a field may not have."""
    if field.name == "request_id":
        yield from ("a b", "ł", "x" * 129)
    elif rule.format:
        yield from NO_CURRENCIES
    else:
        longest = rule.max_length or 256
        yield from ("x" * (longest + 1), "ł" * longest + "ł")
        yield from (f"a{control}b" for control in CONTROLS if not (rule.lines and control in LINE_ENDS))
    if field.GetOptions().Extensions[WIRE].required:
        yield ""


def setting(message: Any, name: str, value: Any) -> Callable[[], None]:
    """Return what sets a field."""
    return lambda: setattr(message, name, value)


def putting(values: Any, index: int, value: Any) -> Callable[[], None]:
    """Return what replaces a value of a list."""
    return lambda: values.__setitem__(index, value)


def clearing(message: Message, name: str) -> Callable[[], None]:
    """Return what empties a list."""
    return lambda: message.ClearField(name)


@pytest.mark.parametrize("rpc", ROUTES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_request_that_keeps_the_rules_may_be_sent(rpc: str, sendable_messages: Draw, data: DataObject) -> None:
    """Whatever the protos allow has no violation, up to the last character and the smallest number."""
    request = data.draw(sendable_messages(ROUTES[rpc].request.message))

    assert checker(ROUTES[rpc])(request) == ()


@pytest.mark.parametrize("rpc", [rpc for rpc in ROUTES if not rpc.startswith("CardService/List")])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_each_broken_rule_is_told_by_its_path(rpc: str, sendable_messages: Draw, data: DataObject) -> None:
    """One value of a good request made wrong is one violation, and its path leads to that value."""
    request = data.draw(sendable_messages(ROUTES[rpc].request.message))
    path, make_wrong = data.draw(st.sampled_from([*breaks(request)]))

    make_wrong()

    assert [violation.field for violation in checker(ROUTES[rpc])(request)] == [path]
