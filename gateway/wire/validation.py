"""May this request be sent? All that is wrong with it, each with the field and what was expected of it.

Each rule of a message is compiled once into a closure; on a request that is right it makes no path and no list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from math import inf, isfinite
from operator import attrgetter
from sys import float_info
from typing import Any, Final

from google.protobuf.message import Message

from gateway.contract.routes import Route
from gateway.contract.rules import Format, Rule
from gateway.contract.shapes import OPERATOR, REQUEST_ID, UNMAPPED, Field, Kind, Shape, Variant
from gateway.failure import Violation
from gateway.wire.currencies import CURRENCIES
from gateway.wire.timestamps import EARLIEST, LATEST

__all__ = ["Check", "checker"]

Check = Callable[[Message], tuple[Violation, ...]]
"""Returns everything that keeps a request from being sent."""

_Rule = Callable[[Any, list[Violation]], None]
"""Adds what is wrong with a message; paths begin inside it."""

_Judge = Callable[[Any], str]
"""Says what was expected of a value; nothing where it is right."""

_REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SAME_OR_PARENT: Final = (".", "..")
_NANOS: Final = 1_000_000_000
_LEAST: Final = -float_info.max

_JUDGED_BY_NAME: Final = (OPERATOR, REQUEST_ID)
"""Texts with judges of their own: the settings know the operators, and a request id is more than a text."""


def checker(route: Route) -> Check:
    """Compile the check of a route's requests."""
    rules = [*_rules(route.request), *(_path_rule(name) for name in route.variables)]
    if route.takes_request_id:
        rules.insert(0, _request_id)

    def check(request: Message) -> tuple[Violation, ...]:
        found: list[Violation] = []
        for rule in rules:
            rule(request, found)
        return tuple(found)

    return check


def _rules(shape: Shape) -> list[_Rule]:
    rules: list[_Rule] = []
    for part in shape.parts:
        rules += [_variant_rule(part)] if isinstance(part, Variant) else _field_rules(part)
    return [*rules, _unmapped] if shape.unmapped else rules


def _field_rules(field: Field) -> Iterator[_Rule]:
    if field.rule.not_empty:
        yield _filled(field.name)
    if field.kind is Kind.OBJECT:
        if field.shape and (rules := _rules(field.shape)):
            yield _on_objects(field, rules)
    elif judge := _judge(field):
        yield _on_values(field, judge)


def _filled(name: str) -> _Rule:
    get = attrgetter(name)

    def rule(message: Message, found: list[Violation]) -> None:
        if not get(message):
            found.append(Violation(name, "may not be empty"))

    return rule


def _on_values(field: Field, judge: _Judge) -> _Rule:
    name, nullable = field.name, field.nullable
    get = attrgetter(name)
    each = _each(field)

    def on_many(message: Message, found: list[Violation]) -> None:
        for place, value in each(message):
            if problem := judge(value):
                found.append(Violation(f"{name}[{place}]", problem))

    def on_value(message: Message, found: list[Violation]) -> None:
        if (problem := judge(get(message))) and (not nullable or message.HasField(name)):
            found.append(Violation(name, problem))

    return on_many if field.repeated or field.mapped else on_value


def _on_objects(field: Field, rules: Iterable[_Rule]) -> _Rule:
    name = field.name
    get = attrgetter(name)
    each = _each(field)

    def on_many(message: Message, found: list[Violation]) -> None:
        for place, item in each(message):
            _inside(f"{name}[{place}]", rules, item, found)

    def on_object(message: Message, found: list[Violation]) -> None:
        if message.HasField(name):
            _inside(name, rules, get(message), found)

    return on_many if field.repeated or field.mapped else on_object


def _each(field: Field) -> Callable[[Message], Iterable[tuple[object, Any]]]:
    """Return what gives the values of a list or a map, each with its place."""
    get = attrgetter(field.name)
    return (lambda message: get(message).items()) if field.mapped else (lambda message: enumerate(get(message)))


def _inside(name: str, rules: Iterable[_Rule], item: object, found: list[Violation]) -> None:
    """Add what is wrong with an object; the paths go through the name of its field."""
    before = len(found)
    for rule in rules:
        rule(item, found)
    if len(found) > before:
        found[before:] = [Violation(f"{name}.{each.field}", each.description) for each in found[before:]]


def _variant_rule(variant: Variant) -> _Rule:
    choices = {name: _rules(shape) for name, shape in variant.choices.items()}
    missing = f"one of {', '.join(choices)} is required"

    def rule(message: Message, found: list[Violation]) -> None:
        chosen = message.WhichOneof(variant.name)
        if chosen is None:
            found.append(Violation(variant.name, missing))
        else:
            _inside(chosen, choices[chosen], getattr(message, chosen), found)

    return rule


def _path_rule(name: str) -> _Rule:
    """``.`` and ``..`` as a path segment would make another path of it, however they are encoded."""
    get = attrgetter(name)

    def rule(message: Message, found: list[Violation]) -> None:
        if get(message) in _SAME_OR_PARENT:
            found.append(Violation(name, "may not be . or .."))

    return rule


def _request_id(message: Any, found: list[Violation]) -> None:  # noqa: ANN401 - a message with a request id
    if (text := message.request_id) and not _REQUEST_ID.fullmatch(text):
        found.append(Violation(REQUEST_ID, "has to be 1 to 128 printable ASCII characters without blanks"))


def _unmapped(message: Message, found: list[Violation]) -> None:
    if message.HasField(UNMAPPED):
        found.append(Violation(UNMAPPED, "is filled by the gateway only"))


# ---------------------------------------------------------------------------------------------- single values


def _judge(field: Field) -> _Judge | None:
    """Return what judges each value of a field; None where any value is right."""
    rule = field.rule
    match field.kind:
        case Kind.INT32 | Kind.INT64 if rule.least is not None:
            return _at_least(rule.least)
        case Kind.NUMBER:
            return _number(_LEAST if rule.least is None else rule.least)
        case Kind.TEXT if field.name in _JUDGED_BY_NAME:
            return _given if field.required else None
        case Kind.TEXT if rule.format is Format.CURRENCY:
            return _currency
        case Kind.TEXT:
            return _text(rule, is_required=field.required)
        case Kind.TOKEN:
            return _token(field)
        case Kind.TIME:
            return _instant
        case _:
            return None


def _at_least(least: float) -> _Judge:
    expected = f"has to be at least {least:g}"
    return lambda value: "" if value >= least else expected


def _number(least: float) -> _Judge:
    expected = f"has to be at least {least:g}"

    def judge(value: float) -> str:
        if least <= value < inf:
            return ""
        return expected if isfinite(value) else "has to be a finite number"

    return judge


def _given(value: str) -> str:
    return "" if value else "is required"


def _text(rule: Rule, *, is_required: bool) -> _Judge:
    longest, lines = rule.max_length, rule.lines

    def judge(value: str) -> str:
        if not value:
            return "is required" if is_required else ""
        if len(value) <= longest and value.isprintable():
            return ""
        return _text_problem(value, longest, lines=lines)

    return judge


def _text_problem(text: str, longest: int, *, lines: bool) -> str:
    """Say what was expected of a text that is long or not printable; letters that only look odd are right."""
    expected = []
    if len(text) > longest:
        expected.append(f"at most {longest} characters")
    if (_CONTROL_BUT_LINES if lines else _CONTROL).search(text):
        expected.append("no control characters")
    return f"may have {' and '.join(expected)}" if expected else ""


def _currency(value: str) -> str:
    if value in CURRENCIES:
        return ""
    if value.upper() in CURRENCIES:
        return f"has to be in capital letters: {value.upper()}"
    return "has to be a currency code of ISO 4217, such as KES"


def _token(field: Field) -> _Judge:
    tokens = field.tokens or {}
    expected = f"has to be one of {', '.join(tokens.values())}"
    unspecified_is_absent = field.nullable and not field.repeated
    return lambda value: "" if value in tokens or (not value and unspecified_is_absent) else expected


def _instant(value: Any) -> str:  # noqa: ANN401 - a Timestamp
    if EARLIEST <= value.seconds <= LATEST and 0 <= value.nanos < _NANOS:
        return ""
    return "has to lie between the years 1 and 9999"
