"""What do the protos say in words? Comments, read from the descriptor set that ships with the generated code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

__all__ = ["Advice", "advice", "descriptor_set"]

_REASONS_FILE: Final = "betstack/error/v1/error_reason.proto"
_PREFIX: Final = "ERROR_REASON_"
_DO: Final = "Do: "

# Where a comment belongs is written as a path of field numbers of FileDescriptorProto and EnumDescriptorProto.
_ENUMS: Final = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER
_VALUES: Final = 2


@dataclass(frozen=True, slots=True)
class Advice:
    """What a reason means, and what the caller should do."""

    happened: str
    do: str


def descriptor_set() -> bytes:
    """Return the serialised descriptor set of the contract, comments included."""
    return (files("betstack") / "contract.binpb").read_bytes()


@cache
def advice() -> Mapping[str, Advice]:
    """Return the advice of every reason, by the reason's name without prefix."""
    contract = FileDescriptorSet.FromString(descriptor_set())
    file = next(file for file in contract.file if file.name == _REASONS_FILE)
    comments = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}
    return {
        value.name.removeprefix(_PREFIX): _advice(comments[_ENUMS, place, _VALUES, number])
        for place, enum in enumerate(file.enum_type)
        for number, value in enumerate(enum.value)
        if value.number
    }


def _advice(comment: str) -> Advice:
    """Take a comment apart, whose second paragraph begins with ``Do:``."""
    happened, _, do = " ".join(comment.split()).partition(_DO)
    return Advice(happened.strip(), do)
