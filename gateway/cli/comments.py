"""What do the protos say in words? Comments, read from the descriptor set that ships with the generated code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from google.protobuf.message import Message

__all__ = ["Advice", "advice", "comments", "descriptor_set"]

_REASONS: Final = "betstack.error.v1.ErrorReason"
_PREFIX: Final = "ERROR_REASON_"
_DO: Final = "Do: "
_PACKAGE: Final = (FileDescriptorProto.PACKAGE_FIELD_NUMBER,)

_PARTS: Final[Mapping[type[Message], tuple[str, ...]]] = {
    FileDescriptorProto: ("message_type", "enum_type", "service", "extension"),
    DescriptorProto: ("field", "oneof_decl", "nested_type", "enum_type"),
    EnumDescriptorProto: ("value",),
    ServiceDescriptorProto: ("method",),
}
"""Where elements with comments are, in each kind of element."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a reason means, and what the caller should do."""

    happened: str
    do: str


def descriptor_set() -> bytes:
    """Return the serialised descriptor set of the contract, comments included."""
    return (files("betstack") / "contract.binpb").read_bytes()


@cache
def comments() -> Mapping[str, str]:
    """Return the comment of every element that has one, by full name; enum values stand below their enums."""
    return {
        name: comment
        for file in FileDescriptorSet.FromString(descriptor_set()).file
        for name, comment in _comments_of(file)
    }


def _comments_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield names and comments; source info has them by paths of field numbers and places."""
    found = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}
    for path, name in ((_PACKAGE, file.package), *_elements(file, (), file.package)):
        if found.get(path):
            yield name, found[path]


def _elements(parent: Message, path: tuple[int, ...], name: str) -> Iterator[tuple[tuple[int, ...], str]]:
    for part in _PARTS.get(type(parent), ()):
        number = parent.DESCRIPTOR.fields_by_name[part].number
        for place, element in enumerate(getattr(parent, part)):
            here, full_name = (*path, number, place), f"{name}.{element.name}"
            yield here, full_name
            yield from _elements(element, here, full_name)


@cache
def advice() -> Mapping[str, Advice]:
    """Return the advice of every reason, by the reason's name without prefix."""
    prefix = f"{_REASONS}.{_PREFIX}"
    return {
        name.removeprefix(prefix): _advice(comment)
        for name, comment in comments().items()
        if name.startswith(prefix) and not name.endswith("_UNSPECIFIED")
    }


def _advice(comment: str) -> Advice:
    """Take a comment apart, whose second paragraph begins with ``Do:``."""
    happened, _, do = " ".join(comment.split()).partition(_DO)
    return Advice(happened.strip(), do)
