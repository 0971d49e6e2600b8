"""Can an answer surprise us? Every route against every status, and against anything at all as a body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from gateway.contract import Shape, load_contract
from gateway.failure import Failure, Reason
from gateway.wire.codes import code_tables
from gateway.wire.envelope import HttpAnswer, Read, reader

ROUTES = {route.short: route for route in load_contract().routes.values()}
READERS: dict[str, Read] = {rpc: reader(route, code_tables().__getitem__) for rpc, route in ROUTES.items()}

BODIES = [
    b"",
    b"\xff\xfe garbage",
    b"<html><body>It works!</body></html>",
    b'{"code":102,"message":"x"}',
    b'{"code":999,"message":"x"}',
    b"{}",
    b"[]",
    b"null",
    b'{"id":"t","code":"c","price":1,"player_id":"p"}',
]

FOR_READS_ONLY = {
    Reason.UPSTREAM_UNAVAILABLE,
    Reason.UPSTREAM_ERROR,
    Reason.UPSTREAM_TIMEOUT,
    Reason.UPSTREAM_BAD_PAYLOAD,
}
"""What only a call that changes nothing may fail with: each of them invites another try."""

WITHOUT_AN_ANSWER = {Reason.UPSTREAM_TIMEOUT, Reason.UPSTREAM_UNREACHABLE, Reason.UPSTREAM_CIRCUIT_OPEN}
"""What only a call that got no answer may fail with."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from(["\ud800", "2024-07-17T17:00:00", "open", "inclusive", 2**63, -(2**63) - 1, 2**53 + 1, 1e300])
)
LEAVES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=6), SCALARS, max_size=2)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


def _outcome(rpc: str, answer: HttpAnswer) -> Message | Reason:
    """Say what an answer means; anything but a response or a Failure flies on and fails the test."""
    try:
        return READERS[rpc](answer, [])
    except Failure as failure:
        return failure.reason


def _reason(rpc: str, status: int, body: bytes) -> Reason | None:
    outcome = _outcome(rpc, HttpAnswer(status, {}, body))
    return outcome if isinstance(outcome, Reason) else None


def _objects(shape: Shape, depth: int = 3) -> SearchStrategy[Any]:
    """Draw objects that have some of a shape's keys with anything in them, and some keys besides."""
    known = {
        field.key: st.one_of(LEAVES, *(_nested(field.shape, depth) if field.shape and depth else ()))
        for field in shape.fields
    }
    return st.tuples(
        st.fixed_dictionaries({}, optional=known), st.dictionaries(st.text(max_size=6), LEAVES, max_size=2)
    ).map(lambda both: both[1] | both[0])


def _nested(shape: Shape, depth: int) -> Iterator[SearchStrategy[Any]]:
    inner = _objects(shape, depth - 1)
    yield inner
    yield st.lists(inner, max_size=2)


@cache
def _answers(rpc: str) -> SearchStrategy[Any]:
    """Draw answers, most of them nearly right: the fields that an object cannot be without are there."""
    route = ROUTES[rpc]
    answer = route.response.field(route.answer) if route.answer else None
    shape = answer.shape if answer and answer.shape else route.response
    required: dict[str, object] = {
        field.key: "x" if field.kind.value == "string" else 1 for field in shape.fields if field.required
    }
    nearly = _objects(shape, 2).map(lambda value: required | {k: v for k, v in value.items() if v is not None})
    return nearly | st.lists(nearly, max_size=2) | VALUES


@pytest.mark.parametrize("rpc", ROUTES)
def test_every_status_means_something(rpc: str) -> None:
    """Whatever status and body come, there is a response or one failure, and none that invites to pay twice."""
    reasons = {status: {_reason(rpc, status, body) for body in BODIES} for status in range(100, 600)}

    seen = set().union(*reasons.values())
    assert seen.isdisjoint(WITHOUT_AN_ANSWER)
    assert {status for status, found in reasons.items() if None in found} <= set(range(200, 300))
    if ROUTES[rpc].call_class.is_read:
        assert Reason.OUTCOME_UNKNOWN not in seen
    else:
        assert seen.isdisjoint(FOR_READS_ONLY)
        assert all(reasons[status] == {Reason.OUTCOME_UNKNOWN} for status in (408, *range(500, 600)))


@pytest.mark.parametrize("rpc", ROUTES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), status=st.sampled_from([200, 200, 200, 201, 400, 404, 500]))
def test_any_json_is_an_answer_or_a_failure(rpc: str, data: DataObject, status: int) -> None:
    """Any JSON value as an answer is a response that other programs can read, or a failure."""
    value = data.draw(_answers(rpc))
    body = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")

    outcome = _outcome(rpc, HttpAnswer(status, {}, body))

    if isinstance(outcome, Message):
        assert type(outcome).FromString(outcome.SerializeToString()) == outcome


@settings(max_examples=300, deadline=None)
@given(
    rpc=st.sampled_from(sorted(ROUTES)),
    status=st.integers(100, 599),
    body=st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]",:0123456789.eE+-ntfu\\ \ufeff'), max_size=40).map(str.encode),
    retry_after=st.text(max_size=30) | st.text(st.sampled_from("0123456789:,+- JanGMTWed"), max_size=30),
    received=st.floats(0, 1e11),
)
def test_any_bytes_are_an_answer_or_a_failure(
    rpc: str, status: int, body: bytes, retry_after: str, received: float
) -> None:
    """Any bytes under any header are a response or a failure, to every route."""
    answer = HttpAnswer(status, {"retry-after": retry_after}, body, received)

    assert isinstance(_outcome(rpc, answer), Message | Reason)
