"""Which JSON is this message, and which message is this JSON?

Both directions are functions that were generated once for their ``Shape``: a call walks no descriptors. Encoding writes
the fields in declared order, because the text is signed. Decoding is forgiving and loses nothing: what the contract does
not know and what does not fit is kept in ``unmapped``; only an object without the fields it cannot be without does
not decode.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from gateway.contract.shapes import UNMAPPED, Field, Kind, Shape, Variant
from gateway.failure import Violation, invalid
from gateway.wire.generating import Names, attribute, function
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
    return _writer(parts, "{{", "}}")


def _writer(parts: Iterable[Field | Variant], opening: str, closing: str) -> Encode:
    """Generate the function that writes these parts, between what opens and closes them, as one f-string."""
    names = Names(text=spell_string, number=spell_number, time=_spell_time, yes="true", no="false", null="null")
    members = [_variant(part, names) if isinstance(part, Variant) else _member(part, names) for part in parts]
    written: Encode = function("encoder", "message", [f"return f{opening + ','.join(members) + closing!r}"], names)
    return written


def _variant(variant: Variant, names: Names) -> str:
    write = names.add(_chosen(variant))
    return f"{{{write}(message)}}"


def _chosen(variant: Variant) -> Encode:
    heads = {name: f"{spell_string(variant.key)}:{spell_string(name)}" for name in variant.choices}
    writers = {name: _writer(shape.parts, "", "") for name, shape in variant.choices.items()}

    def write(message: Message) -> str:
        chosen = message.WhichOneof(variant.name)
        if chosen is None:
            raise invalid([Violation(variant.name, f"one of {', '.join(heads)} is required")])
        members = writers[chosen](getattr(message, chosen))
        return f"{heads[chosen]},{members}" if members else heads[chosen]

    return write


def _member(field: Field, names: Names) -> str:
    """Return what stands for a field in the f-string; braces of its own are doubled there."""
    key = spell_string(field.key).replace("{", "{{").replace("}", "}}")
    return f"{key}:{{{_spelling(field, attribute('message', field.name), names)}}}"


def _spelling(field: Field, value: str, names: Names) -> str:
    """Return the expression that spells a field's value."""
    if field.mapped or field.repeated:
        return f"{names.add(_spell_many(field))}({value})"
    spelt = _item_spelling(field, value, names)
    if not field.nullable:
        return spelt
    given = f"message.HasField({names.add(field.name)})"
    if field.kind is Kind.TOKEN:
        given += f" and {value}"
    return f"{spelt} if {given} else null"


def _item_spelling(field: Field, value: str, names: Names) -> str:
    match field.kind:
        case Kind.INT32 | Kind.INT64:
            return value
        case Kind.NUMBER:
            return f"number({value})"
        case Kind.TEXT:
            return f"text({value})"
        case Kind.FLAG:
            return f"(yes if {value} else no)"
        case Kind.TIME:
            return f"time({value})"
        case Kind.TOKEN:
            return f"{names.add(_spelt_tokens(field))}[{value}]"
        case Kind.OBJECT:
            return f"{names.add(encoder(field.shape.parts if field.shape else ()))}({value})"


def _spell_many(field: Field) -> Callable[[Any], str]:
    spell = _spell_item(field)
    if field.mapped:
        return lambda items: "{" + ",".join([f"{spell_string(key)}:{spell(items[key])}" for key in items]) + "}"
    return lambda items: "[" + ",".join([spell(item) for item in items]) + "]"


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
            return _spell_time
        case Kind.TOKEN:
            return _spelt_tokens(field).__getitem__
        case Kind.OBJECT:
            return encoder(field.shape.parts if field.shape else ())


def _spell_time(time: Any) -> str:  # noqa: ANN401 - a Timestamp
    return f'"{spell_instant(time.seconds, time.nanos)}"'


def _spelt_tokens(field: Field) -> dict[int, str]:
    return {number: spell_string(token) for number, token in (field.tokens or {}).items()}


def spell_scalar(field: Field) -> Callable[[Any], str]:
    """Compile the writer of one value outside JSON, as a query or a path has it: text without quotes."""
    if field.kind is Kind.TEXT:
        return str
    spell = _spell_item(field)
    return lambda value: spell(value).strip('"')


# ---------------------------------------------------------------------------------------------- JSON → message


@cache
def decoder(shape: Shape) -> Decode:
    """Compile the reader of this shape: each field is looked for by its key, and what is of its type is taken as it is."""
    names = Names(Unfit=Unfit, known=frozenset(field.key for field in shape.fields), kept=_unmapped_of(shape))
    statements = [
        f"if type(value) is not dict: raise Unfit({f'{shape.name} is an object'!r})",
        "fields, unfit, get = {}, (), value.get",
    ]
    for field in shape.fields:
        statements += _taking(field, names)
    statements.append("if unfit or not value.keys() <= known: kept(value, unfit, fields, lost)")
    for field in shape.fields:
        if field.required:
            problem = f"{shape.name} is nothing without {field.name}"
            statements.append(f"if fields.get({field.name!r}, '') == '': raise Unfit({problem!r})")
    decode: Decode = function(f"decoder of {shape.name}", "value, lost", [*statements, "return fields"], names)
    return decode


def _taking(field: Field, names: Names) -> Iterator[str]:
    """Yield the statements that take a field; ``null`` is as good as absent, and what does not fit is noted."""
    read, tokens = names.add(field_decoder(field)), ""
    if field.kind is Kind.TOKEN and _is_single(field):
        tokens = names.add({token: number for number, token in (field.tokens or {}).items()})
    yield f"item = get({field.key!r})"
    if taken := _as_it_is(field, tokens):
        condition, value = taken
        yield f"if {condition}: fields[{field.name!r}] = {value}"
        yield "elif item is not None:"
    else:
        yield "if item is not None:"
    if field.kind is Kind.OBJECT:
        yield "    before = len(lost)"
    yield f"    try: fields[{field.name!r}] = {read}(item, lost)"
    yield "    except Unfit:"
    yield f"        unfit = (*unfit, {field.key!r})"
    if field.kind is Kind.OBJECT:
        yield "        del lost[before:]  # it is kept as a whole, with all that was lost inside"


def _is_single(field: Field) -> bool:
    return not field.repeated and not field.mapped


def _as_it_is(field: Field, tokens: str) -> tuple[str, str] | None:
    """Return when an item can be taken without reading it, and as what; None where it always has to be read."""
    if not _is_single(field):
        return None
    match field.kind:
        case Kind.TEXT:
            return "type(item) is str", "item"
        case Kind.FLAG:
            return "type(item) is bool", "item"
        case Kind.NUMBER:
            return "type(item) is float", "item"
        case Kind.INT32 | Kind.INT64:
            limit = _INT_RANGES[field.kind]
            return f"type(item) is int and {-limit} <= item < {limit}", "item"
        case Kind.TOKEN:
            return f"type(item) is str and item in {tokens}", f"{tokens}[item]"
        case _:
            return None


def _unmapped_of(shape: Shape) -> Callable[[dict[str, Any], Collection[str], dict[str, Any], Lost], None]:
    """Return what keeps the rest of an object: keys that the contract does not know, and those whose values do not fit."""
    known = frozenset(field.key for field in shape.fields)

    def keep(value: dict[str, Any], unfit: Collection[str], fields: dict[str, Any], lost: Lost) -> None:
        rest = {key: item for key, item in value.items() if key not in known or key in unfit}
        if not shape.unmapped:
            raise Unfit(f"{shape.name} has no room for {', '.join(rest)}")
        lost.extend(f"{shape.name}.{key}" for key in rest)
        fields[UNMAPPED] = to_struct(rest)

    return keep


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
