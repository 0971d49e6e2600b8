"""Which JSON is this message, and which message is this JSON?

Both directions are compiled once from a ``Shape`` into closures: a call walks no descriptors. Encoding writes the
fields in declared order, because the text is signed. Decoding is forgiving and loses nothing: what the contract does
not know and what does not fit is kept in ``unmapped``; only an object without the fields it cannot be without does
not decode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from gateway.contract.shapes import UNMAPPED, Field, Kind, Shape, Variant
from gateway.failure import Violation, invalid
from gateway.wire.jsontext import spell_number, spell_string, spell_value
from gateway.wire.timestamps import parse_instant, spell_instant

__all__ = ["Decode", "Encode", "Lost", "Unfit", "decoder", "encoder", "field_decoder", "spell_scalar", "to_struct"]

Encode = Callable[[Message], str]
"""Writes a message as a JSON object."""

Lost = list[str]
"""Takes a line ``Message.key`` for everything that went to ``unmapped``."""

Decode = Callable[[Any, Lost], dict[str, Any]]
"""Turns a JSON object into keyword arguments of its message; raises Unfit."""

_INT_RANGES: Final = {Kind.INT32: 2**31, Kind.INT64: 2**63}
_EXACT_IN_DOUBLE: Final = 2**53

_STRUCT_DEPTH: Final = 24
"""Deepest nesting kept as a Struct. Each level costs three protobuf messages, and readers stop at a hundred."""


class Unfit(ValueError):  # noqa: N818 - a statement about a value
    """A JSON value does not fit where it stands."""


# ---------------------------------------------------------------------------------------------- message → JSON


def encoder(parts: Iterable[Field | Variant]) -> Encode:
    """Compile the writer of these parts, in this order, as one JSON object."""
    write = _flat(parts)
    return lambda message: "{" + ",".join(write(message)) + "}"


def _flat(parts: Iterable[Field | Variant]) -> Callable[[Message], list[str]]:
    writers = [_variant(part) if isinstance(part, Variant) else _member(part) for part in parts]
    return lambda message: [text for write in writers for text in write(message)]


def _variant(variant: Variant) -> Callable[[Message], list[str]]:
    choices = {name: _flat(shape.parts) for name, shape in variant.choices.items()}
    heads = {name: f"{spell_string(variant.key)}:{spell_string(name)}" for name in choices}

    def write(message: Message) -> list[str]:
        chosen = message.WhichOneof(variant.name)
        if chosen is None:
            raise invalid([Violation(variant.name, f"one of {', '.join(choices)} is required")])
        return [heads[chosen], *choices[chosen](getattr(message, chosen))]

    return write


def _member(field: Field) -> Callable[[Message], list[str]]:
    head = f"{spell_string(field.key)}:"
    spell = _spell_field(field)
    return lambda message: [head + spell(message)]


def _spell_field(field: Field) -> Callable[[Message], str]:
    get = attrgetter(field.name)
    spell = _spell_item(field)
    if field.mapped:
        return lambda message: (
            "{" + ",".join(f"{spell_string(key)}:{spell(item)}" for key, item in get(message).items()) + "}"
        )
    if field.repeated:
        return lambda message: "[" + ",".join([spell(item) for item in get(message)]) + "]"
    if not field.nullable:
        return lambda message: spell(get(message))
    name = field.name
    if field.kind is Kind.TOKEN:
        return lambda message: spell(get(message)) if message.HasField(name) and get(message) else "null"
    return lambda message: spell(get(message)) if message.HasField(name) else "null"


def _spell_item(field: Field) -> Callable[[Any], str]:
    match field.kind:
        case Kind.INT32 | Kind.INT64:
            return str
        case Kind.NUMBER:
            return spell_number
        case Kind.TEXT:
            return spell_string
        case Kind.FLAG:
            return lambda flag: "true" if flag else "false"
        case Kind.TIME:
            return lambda time: spell_string(spell_instant(time.seconds, time.nanos))
        case Kind.TOKEN:
            tokens = {number: spell_string(token) for number, token in (field.tokens or {}).items()}
            return tokens.__getitem__
        case Kind.OBJECT:
            return encoder(field.shape.parts if field.shape else ())


def spell_scalar(field: Field) -> Callable[[Any], str]:
    """Compile the writer of one value outside JSON, as a query or a path has it: text without quotes."""
    if field.kind is Kind.TEXT:
        return str
    spell = _spell_item(field)
    return lambda value: spell(value).strip('"')


# ---------------------------------------------------------------------------------------------- JSON → message


@cache
def decoder(shape: Shape) -> Decode:
    """Compile the reader of this shape."""
    known = {field.key: (field.name, field_decoder(field)) for field in shape.fields}
    required = [field.name for field in shape.fields if field.required]

    def decode(value: Any, lost: Lost) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        if type(value) is not dict:
            raise Unfit(f"{shape.name} is an object")
        fields: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key, item in value.items():
            if key not in known:
                rest[key] = item
            elif item is not None:
                name, read = known[key]
                before = len(lost)
                try:
                    fields[name] = read(item, lost)
                except Unfit:
                    del lost[before:]  # it is kept as a whole, with all that was lost inside
                    rest[key] = item
        for name in required:
            if fields.get(name, "") == "":
                raise Unfit(f"{shape.name} is nothing without {name}")
        if rest:
            if not shape.unmapped:
                raise Unfit(f"{shape.name} has no room for {', '.join(rest)}")
            lost.extend(f"{shape.name}.{key}" for key in rest)
            fields[UNMAPPED] = to_struct(rest)
        return fields

    return decode


def field_decoder(field: Field) -> Callable[[Any, Lost], Any]:
    """Compile the reader of one field's value; a list or map with one unfitting element is unfit as a whole."""
    read = _item_decoder(field)
    if field.repeated:

        def read_list(value: Any, lost: Lost) -> list[Any]:  # noqa: ANN401 - any JSON value
            if type(value) is not list:
                raise Unfit("a list is expected")
            return [read(item, lost) for item in value]

        return read_list
    if field.mapped:

        def read_map(value: Any, lost: Lost) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
            if type(value) is not dict:
                raise Unfit("an object is expected")
            return {key: read(item, lost) for key, item in value.items()}

        return read_map
    return read


def _item_decoder(field: Field) -> Callable[[Any, Lost], Any]:
    match field.kind:
        case Kind.INT32 | Kind.INT64:
            return _integer(_INT_RANGES[field.kind])
        case Kind.NUMBER:
            return _number
        case Kind.TEXT:
            return _text
        case Kind.FLAG:
            return _flag
        case Kind.TIME:
            return _instant
        case Kind.TOKEN:
            return _token({token: number for number, token in (field.tokens or {}).items()})
        case Kind.OBJECT:
            return decoder(field.shape) if field.shape else _text


def _integer(limit: int) -> Callable[[Any, Lost], int]:
    def read(value: Any, _: Lost) -> int:  # noqa: ANN401 - any JSON value
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -limit <= value < limit:
            raise Unfit("an integer is expected")
        return value

    return read


def _number(value: Any, _: Lost) -> float:  # noqa: ANN401 - any JSON value
    if type(value) is float:
        return value
    if type(value) is not int:
        raise Unfit("a number is expected")
    try:
        return float(value)
    except OverflowError:
        raise Unfit("the number is too large") from None


def _text(value: Any, _: Lost) -> str:  # noqa: ANN401 - any JSON value
    if type(value) is not str:
        raise Unfit("a string is expected")
    return value


def _flag(value: Any, _: Lost) -> bool:  # noqa: ANN401 - any JSON value
    if type(value) is not bool:
        raise Unfit("true or false is expected")
    return value


def _instant(value: Any, _: Lost) -> dict[str, int]:  # noqa: ANN401 - any JSON value
    try:
        seconds, nanos = parse_instant(value)
    except (TypeError, ValueError):
        raise Unfit("a time is expected") from None
    return {"seconds": seconds, "nanos": nanos}


def _token(numbers: dict[str, int]) -> Callable[[Any, Lost], int]:
    def read(value: Any, _: Lost) -> int:  # noqa: ANN401 - any JSON value
        if type(value) is not str or value not in numbers:
            raise Unfit("one of the documented words is expected")
        return numbers[value]

    return read


def to_struct(rest: dict[str, Any]) -> Struct:
    """Keep JSON values that have no field; integers that a double cannot hold become strings."""
    return Struct(fields={key: _value(item, 1) for key, item in rest.items()})


def _value(item: Any, depth: int) -> Value:  # noqa: ANN401 - any JSON value
    match item:
        case None:
            return Value(null_value=0)  # type: ignore[arg-type]
        case bool():
            return Value(bool_value=item)
        case str():
            return Value(string_value=item)
        case int() if abs(item) > _EXACT_IN_DOUBLE:
            return Value(string_value=str(item))
        case int() | float():
            return Value(number_value=item)
        case _ if depth > _STRUCT_DEPTH:
            return Value(string_value=spell_value(item))
        case list():
            return Value(list_value=ListValue(values=[_value(element, depth + 1) for element in item]))
        case _:
            fields = {key: _value(element, depth + 1) for key, element in item.items()}
            return Value(struct_value=Struct(fields=fields))
