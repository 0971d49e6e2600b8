"""Which request is this webhook? The platform's envelope, read strictly into the messages that our contract has for it.

Answers of the platform are read forgivingly, because losing one loses knowledge. A webhook that moves money is not: a field
that may not be null has to be there, and each has to be of its type; what a request is nothing without may not be empty.
Unknown keys and unknown words of an enum are kept in ``unmapped``, because a new one is no reason to refuse a bet. The
rules that callers have to keep are not for the platform: what it has signed, it means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from gateway.contract.routes import Contract, Route
from gateway.contract.shapes import UNMAPPED, Field, Kind
from gateway.failure import Violation
from gateway.wire.codec import Lost, Unfit, field_decoder, to_struct

__all__ = ["Inbound", "inbound"]

Open = Callable[[Mapping[str, Any], Lost], "Message | list[Violation]"]
"""Turns an envelope's ``data`` into the request, or says what is wrong with it."""

_DATA: Final = "data"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One action or type that the platform may send, and how its data are read."""

    route: Route
    open: Open


def inbound(contract: Contract, api: str) -> Mapping[str, Inbound]:
    """Compile the reading of all webhooks of an API (``pam`` or ``sms``), by action or type."""
    return {
        route.envelope.token: Inbound(route, _opener(route))
        for route in contract.routes.values()
        if route.api.name == api and route.envelope is not None
    }


def _opener(route: Route) -> Open:
    fields = {part.key: part for part in route.body or () if isinstance(part, Field)}
    readers = {key: field_decoder(field) for key, field in fields.items()}
    make = route.request.message
    name = route.request.name

    def open_data(data: Mapping[str, Any], lost: Lost) -> Message | list[Violation]:
        found: dict[str, Any] = {}
        violations: list[Violation] = []
        rest = {key: value for key, value in data.items() if key not in fields}
        for key, field in fields.items():
            value = data.get(key)
            if value is None:
                if not field.nullable:
                    violations.append(Violation(f"{_DATA}.{key}", "is required"))
                continue
            if field.required and value == "":
                violations.append(Violation(f"{_DATA}.{key}", "may not be empty"))
                continue
            try:
                found[field.name] = readers[key](value, lost)
            except Unfit as error:
                if _is_unknown_word(field, value):
                    rest[key] = value
                else:
                    violations.append(Violation(f"{_DATA}.{key}", str(error)))
        if violations:
            return violations
        if rest:
            lost.extend(f"{name}.{key}" for key in rest)
            found[UNMAPPED] = to_struct(rest)
        return make(**found)

    return open_data


def _is_unknown_word(field: Field, value: object) -> bool:
    return field.kind is Kind.TOKEN and isinstance(value, str)
