"""What may callers put into a field? Its rule, read from the annotation and refused where it makes no sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Final

from google.protobuf.descriptor import FieldDescriptor

from betstack.upstream.v1 import options_pb2
from gateway.contract.annotations import rule_of
from gateway.contract.problems import ContractError

__all__ = ["MAX_LENGTH", "NO_RULE", "Format", "Rule", "read_rule"]

MAX_LENGTH: Final = 256
"""Most characters of a text whose rule does not say it."""

_INTEGERS: Final = frozenset({FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64})
_NUMBERS: Final = _INTEGERS | {FieldDescriptor.TYPE_DOUBLE}


class Format(Enum):
    """What a text has to be."""

    ANYTHING = options_pb2.FORMAT_UNSPECIFIED
    CURRENCY = options_pb2.FORMAT_CURRENCY


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field of a caller's request may hold; each value of a list is judged.

    ``least`` is the smallest number, an integer where the field is one. ``not_empty`` is about a list as a whole.
    ``max_length`` counts characters, ``lines`` lets a text have several lines.
    """

    least: float | None = None
    not_empty: bool = False
    max_length: int = MAX_LENGTH
    lines: bool = False
    format: Format = Format.ANYTHING


NO_RULE: Final = Rule()
"""The rule of a field that declares none."""


def read_rule(field: FieldDescriptor) -> Rule:
    """Return the rule of a field; raises ContractError where it makes no sense."""
    declared = rule_of(field)
    if problems := [f"{field.full_name}: {problem}" for problem in _problems(field, declared)]:
        raise ContractError(problems)
    return Rule(
        least=_least(field, declared),
        not_empty=declared.not_empty,
        max_length=declared.max_length or MAX_LENGTH,
        lines=declared.lines,
        format=Format(declared.format),
    )


def _least(field: FieldDescriptor, declared: options_pb2.Rule) -> float | None:
    if not declared.HasField("min"):
        return None
    return int(declared.min) if field.type in _INTEGERS else declared.min


def _problems(field: FieldDescriptor, declared: options_pb2.Rule) -> Iterator[str]:
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    is_text = field.type == FieldDescriptor.TYPE_STRING
    if is_map and declared.ListFields():
        yield "a map takes no rule"
        return
    if declared.HasField("min"):
        yield from _problems_of_min(field, declared.min)
    if declared.not_empty and not field.is_repeated:
        yield "not_empty is for lists"
    if declared.max_length < 0:
        yield "max_length is negative"
    if not is_text and (declared.max_length or declared.lines or declared.format):
        yield "max_length, lines and format are for texts"
    if declared.format and (declared.max_length or declared.lines):
        yield "a format says all about a text"


def _problems_of_min(field: FieldDescriptor, least: float) -> Iterator[str]:
    if field.type not in _NUMBERS:
        yield "min is for numbers"
    elif not isfinite(least) or (field.type in _INTEGERS and not least.is_integer()):
        yield "min is no number that the field can have"
