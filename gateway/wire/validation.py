"""May this request be sent? All that is wrong with it, each with the field and what was expected of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from operator import attrgetter
from typing import Any, Final

from google.protobuf.message import Message

from gateway.contract.routes import Route
from gateway.contract.shapes import REQUEST_ID, UNMAPPED, Field, Kind, Shape, Variant
from gateway.failure import Violation
from gateway.wire.timestamps import EARLIEST, LATEST

__all__ = ["Check", "checker"]

Check = Callable[[Message], tuple[Violation, ...]]
"""Returns everything that keeps a request from being sent."""

_Rule = Callable[[Any, str], Iterable[Violation]]
"""Looks at a message whose path, with a trailing dot, is the second argument."""

_REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")
_SAME_OR_PARENT: Final = (".", "..")
_NANOS: Final = 1_000_000_000


def checker(route: Route) -> Check:
    """Compile the check of a route's requests."""
    rules = [*_rules(route.request), *(_path_rule(name) for name in route.variables)]
    if route.takes_request_id:
        rules.insert(0, _request_id)
    return lambda request: tuple(violation for rule in rules for violation in rule(request, ""))


def _rules(shape: Shape) -> list[_Rule]:
    rules: list[_Rule] = []
    for part in shape.parts:
        rules += [_variant_rule(part)] if isinstance(part, Variant) else _field_rules(part)
    return [*rules, _unmapped] if shape.unmapped else rules


def _field_rules(field: Field) -> Iterator[_Rule]:
    if field.required and field.kind is Kind.TEXT:
        yield _required(field.name)
    item = _item_rule(field)
    if item is not None:
        yield _on_items(field, item)


def _item_rule(field: Field) -> _Rule | None:
    """Return what has to hold for each value of a field; its path comes without a trailing dot."""
    match field.kind:
        case Kind.NUMBER:
            return _finite
        case Kind.TOKEN:
            return _token(field)
        case Kind.TIME:
            return _instant
        case Kind.OBJECT if field.shape and (rules := _rules(field.shape)):
            return lambda value, path: _run(rules, value, f"{path}.")
        case _:
            return None


def _on_items(field: Field, rule: _Rule) -> _Rule:
    name = field.name
    get = attrgetter(name)
    if field.repeated:
        return lambda message, path: [
            violation for index, value in enumerate(get(message)) for violation in rule(value, f"{path}{name}[{index}]")
        ]
    if field.nullable:
        return lambda message, path: rule(get(message), path + name) if message.HasField(name) else ()
    return lambda message, path: rule(get(message), path + name)


def _run(rules: Iterable[_Rule], value: object, path: str) -> list[Violation]:
    return [violation for rule in rules for violation in rule(value, path)]


def _variant_rule(variant: Variant) -> _Rule:
    choices = {name: _rules(shape) for name, shape in variant.choices.items()}
    missing = f"one of {', '.join(choices)} is required"

    def check(message: Message, path: str) -> Iterable[Violation]:
        chosen = message.WhichOneof(variant.name)
        if chosen is None:
            return [Violation(path + variant.name, missing)]
        return _run(choices[chosen], getattr(message, chosen), f"{path}{chosen}.")

    return check


def _required(name: str) -> _Rule:
    get = attrgetter(name)
    return lambda message, path: () if get(message) else [Violation(path + name, "is required")]


def _path_rule(name: str) -> _Rule:
    """``.`` and ``..`` as a path segment would make another path of it, however they are encoded."""
    get = attrgetter(name)
    return lambda message, path: (
        [Violation(path + name, "may not be . or ..")] if get(message) in _SAME_OR_PARENT else ()
    )


def _request_id(message: Any, path: str) -> Iterable[Violation]:  # noqa: ANN401 - a message with a request id
    text = message.request_id
    if not text or _REQUEST_ID.fullmatch(text):
        return ()
    return [Violation(path + REQUEST_ID, "has to be 1 to 128 printable ASCII characters without blanks")]


def _unmapped(message: Message, path: str) -> Iterable[Violation]:
    if not message.HasField(UNMAPPED):
        return ()
    return [Violation(path + UNMAPPED, "is filled by the gateway only")]


def _finite(value: float, path: str) -> Iterable[Violation]:
    return () if isfinite(value) else [Violation(path, "has to be a finite number")]


def _token(field: Field) -> _Rule:
    tokens = field.tokens or {}
    expected = f"has to be one of {', '.join(tokens.values())}"
    unspecified_is_absent = field.nullable and not field.repeated

    def check(value: int, path: str) -> Iterable[Violation]:
        if value in tokens or (not value and unspecified_is_absent):
            return ()
        return [Violation(path, expected)]

    return check


def _instant(value: Any, path: str) -> Iterable[Violation]:  # noqa: ANN401 - a Timestamp
    if EARLIEST <= value.seconds <= LATEST and 0 <= value.nanos < _NANOS:
        return ()
    return [Violation(path, "has to lie between the years 1 and 9999")]
