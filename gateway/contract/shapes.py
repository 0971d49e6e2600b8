"""How is a message spelled in JSON? The fields of each message with keys, kinds and tokens, in declared order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.contract.annotations import rule_of, token_of, variant_of, wire_of
from gateway.contract.problems import ContractError
from gateway.contract.rules import NO_RULE, Rule, read_rule

__all__ = ["OPERATOR", "REQUEST_ID", "UNMAPPED", "Field", "Kind", "Shape", "Variant", "shape_of"]

OPERATOR: Final = "operator"
REQUEST_ID: Final = "request_id"
UNMAPPED: Final = "unmapped"

_TIMESTAMP: Final = "google.protobuf.Timestamp"
_STRUCT: Final = "google.protobuf.Struct"


class Kind(Enum):
    """What a field holds."""

    INT32 = "int32"
    INT64 = "int64"
    NUMBER = "double"
    TEXT = "string"
    FLAG = "bool"
    TOKEN = "enum"  # noqa: S105 - the kind of field
    TIME = "timestamp"
    OBJECT = "message"


_KINDS: Final = {
    FieldDescriptor.TYPE_INT32: Kind.INT32,
    FieldDescriptor.TYPE_INT64: Kind.INT64,
    FieldDescriptor.TYPE_DOUBLE: Kind.NUMBER,
    FieldDescriptor.TYPE_STRING: Kind.TEXT,
    FieldDescriptor.TYPE_BOOL: Kind.FLAG,
    FieldDescriptor.TYPE_ENUM: Kind.TOKEN,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its proto name, its JSON key, and what may stand there.

    ``nullable`` says that absent differs from zero (``optional``, or a single message): absent is ``null`` in a body.
    ``tokens`` spells the values of an enum by number. ``shape`` is the message of an object. ``mapped`` marks a map
    with string keys, of which the rest describes the values. ``rule`` says what callers may put there.
    """

    name: str
    key: str
    kind: Kind
    repeated: bool = False
    mapped: bool = False
    nullable: bool = False
    required: bool = False
    sensitive: bool = False
    tokens: Mapping[int, str] | None = None
    shape: Shape | None = None
    rule: Rule = NO_RULE


@dataclass(frozen=True, slots=True)
class Variant:
    """A oneof written flat: ``key`` carries the name of the field chosen, the fields of its message follow."""

    name: str
    key: str
    choices: Mapping[str, Shape]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One message: its class, its parts in declared order, and whether it keeps what the contract does not know.

    There is one shape a message, so shapes are compared by identity, and what is compiled from one is kept.
    """

    message: type[Message]
    parts: tuple[Field | Variant, ...]
    unmapped: bool

    @property
    def name(self) -> str:
        """Full name of the message."""
        return str(self.message.DESCRIPTOR.full_name)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The parts that are plain fields."""
        return tuple(part for part in self.parts if isinstance(part, Field))

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The parts that are written flat."""
        return tuple(part for part in self.parts if isinstance(part, Variant))

    def field(self, name: str) -> Field | None:
        """Return the field of this proto name."""
        return _by_name(self).get(name)

    def ruled(self) -> Iterator[str]:
        """Yield the fields of this message, and of those inside, that have a rule: full names."""
        inner = [shape for variant in self.variants for shape in variant.choices.values()]
        for field in self.fields:
            if field.rule != NO_RULE:
                yield f"{self.name}.{field.name}"
            inner += [field.shape] if field.shape else []
        for shape in inner:
            yield from shape.ruled()


@cache
def _by_name(shape: Shape) -> Mapping[str, Field]:
    return {field.name: field for field in shape.fields}


@cache
def shape_of(descriptor: Descriptor) -> Shape:
    """Read a message's shape from its descriptor; raises ContractError for what JSON spelling is not defined for."""
    return Shape(
        message=GetMessageClass(descriptor),
        parts=tuple(_parts(descriptor)),
        unmapped=UNMAPPED in descriptor.fields_by_name,
    )


def _shape_behind(field: FieldDescriptor) -> Shape:
    if field.message_type is None:
        raise ContractError([f"{field.full_name}: has to be a message"])
    return shape_of(field.message_type)


def _parts(descriptor: Descriptor) -> Iterator[Field | Variant]:
    seen: set[str] = set()
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if field.name == UNMAPPED:
            _expect_struct(field)
            _expect_no_rule(field)
        elif oneof is None or _is_optional(oneof):
            yield _field(field)
        elif oneof.name not in seen:
            seen.add(oneof.name)
            yield _variant(oneof)


def _is_optional(oneof: OneofDescriptor) -> bool:
    """Tell whether this is the oneof that proto3 makes for an ``optional`` field."""
    return len(oneof.fields) == 1 and oneof.fields[0].has_presence and oneof.name == f"_{oneof.fields[0].name}"


def _expect_struct(field: FieldDescriptor) -> None:
    if field.message_type is None or field.message_type.full_name != _STRUCT:
        raise ContractError([f"{field.full_name}: has to be a {_STRUCT}"])


def _expect_no_rule(field: FieldDescriptor) -> None:
    if rule_of(field).ListFields():
        raise ContractError([f"{field.full_name}: takes no rule"])


def _variant(oneof: OneofDescriptor) -> Variant:
    key = variant_of(oneof)
    if not key:
        raise ContractError([f"{oneof.full_name}: a oneof needs the option variant"])
    for field in oneof.fields:
        _expect_no_rule(field)
    choices = {field.name: _shape_behind(field) for field in oneof.fields}
    return Variant(name=oneof.name, key=key, choices=choices)


def _field(field: FieldDescriptor) -> Field:
    entry = field.message_type if field.message_type and field.message_type.GetOptions().map_entry else None
    value = entry.fields_by_name["value"] if entry else field
    wire = wire_of(field)
    kind = _kind(value)
    return Field(
        name=field.name,
        key=wire.name or field.name,
        kind=kind,
        repeated=field.is_repeated and not entry,
        mapped=entry is not None,
        nullable=field.has_presence,
        required=wire.required,
        sensitive=wire.sensitive,
        tokens=_tokens(value.enum_type) if value.enum_type else None,
        shape=_shape_behind(value) if kind is Kind.OBJECT else None,
        rule=read_rule(field),
    )


def _kind(field: FieldDescriptor) -> Kind:
    if field.message_type is not None:
        return Kind.TIME if field.message_type.full_name == _TIMESTAMP else Kind.OBJECT
    try:
        return _KINDS[field.type]
    except KeyError:
        raise ContractError([f"{field.full_name}: this type has no JSON spelling here"]) from None


def _tokens(enum: EnumDescriptor) -> Mapping[int, str]:
    values = [value for value in enum.values if value.number]
    tokens = {value.number: token_of(value) for value in values}
    missing = [value.name for value in values if not tokens[value.number]]
    if missing:
        raise ContractError(f"{enum.full_name}.{name}: has no token" for name in missing)
    return tokens
