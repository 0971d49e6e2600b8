"""Do both directions agree? What is written as JSON reads back as the same message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from gateway.contract import Field, Shape, Variant, load_contract
from gateway.wire.codec import decoder, encoder

Draw = Callable[[type[Message]], SearchStrategy[Message]]

ROUTES = {route.short: route for route in load_contract().routes.values()}
WEBHOOKS = [rpc for rpc in ROUTES if rpc.startswith(("PamService/", "SmsService/"))]


def _there_and_back(shape: Shape, message: Message) -> Message:
    """Write a message, and read it with nothing lost on the way."""
    lost: list[str] = []
    read = shape.message(**decoder(shape)(json.loads(encoder(shape.parts)(message)), lost))
    assert lost == []
    return read


def _facts(message: Message) -> dict[str, Any]:
    """Say all that a message holds; -0.0 and 0.0, which have one spelling on the wire, are the same."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _travelling(message: Message, parts: Iterable[Field | Variant]) -> Message:
    """Return a message with nothing but these parts, which are those of a body."""
    copy = type(message)()
    copy.CopyFrom(message)
    for field in message.DESCRIPTOR.fields:
        if field.name not in {part.name for part in parts}:
            copy.ClearField(field.name)
    return copy


@pytest.mark.parametrize("rpc", WEBHOOKS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_webhook_s_body_reads_back_as_the_request(rpc: str, valid_messages: Draw, data: DataObject) -> None:
    """What the gateway sends to an operator is what it would receive in the operator's place."""
    route = ROUTES[rpc]
    body = route.body or ()
    request = data.draw(valid_messages(route.request.message))

    read = _there_and_back(replace(route.request, parts=body), request)

    assert _facts(read) == _facts(_travelling(request, body))


@pytest.mark.parametrize("rpc", ROUTES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_an_answer_reads_back_as_the_response(rpc: str, valid_messages: Draw, data: DataObject) -> None:
    """A response that somebody writes as JSON is the same response when it is read."""
    shape = ROUTES[rpc].response
    response = data.draw(valid_messages(shape.message))

    assert _facts(_there_and_back(shape, response)) == _facts(response)
