"""What is on the page? Its elements with ids, links and texts, read without the code that wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

from gateway.cli.comments import descriptor_set

__all__ = ["Element", "Page", "contract_files", "names_in"]

_EMPTY = {"br", "input", "link", "meta"}


@dataclass
class Element:
    """One element with what is in it."""

    name: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        """Yield this element and all inside, in their order."""
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def has(self, kind: str) -> bool:
        """Tell whether it is of a class."""
        return kind in self.attributes.get("class", "").split()

    def all(self, name: str = "", kind: str = "") -> list[Element]:
        """Return the elements inside that have this name and class."""
        return [each for each in self if name in ("", each.name) and (not kind or each.has(kind))]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


@dataclass(frozen=True)
class Page:
    """A page with its elements."""

    source: str
    elements: list[Element]
    by_id: dict[str, Element]

    @classmethod
    def of(cls, source: str) -> Page:
        """Read a page; every element has to be closed, and no id may be there twice."""
        reader = _Reader()
        reader.feed(source)
        reader.close()
        assert len(reader.open) == 1
        elements = list(reader.open[0])
        ids = [each.attributes["id"] for each in elements if "id" in each.attributes]
        assert len(ids) == len(set(ids))
        return cls(source, elements, {each.attributes["id"]: each for each in elements if "id" in each.attributes})


def contract_files() -> list[FileDescriptorProto]:
    """Return the files of the contract, as protoc wrote them."""
    files = FileDescriptorSet.FromString(descriptor_set()).file
    return [file for file in files if file.package.startswith("betstack.")]


def names_in(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield every element of a file: its kind and its full name, that of an enum value below its enum."""
    for service in file.service:
        yield "service", f"{file.package}.{service.name}"
        yield from (("rpc", f"{file.package}.{service.name}.{method.name}") for method in service.method)
    for message in file.message_type:
        yield from _in_message(message, f"{file.package}.{message.name}")
    for enum in file.enum_type:
        yield from _in_enum(enum, f"{file.package}.{enum.name}")
    yield from (("option", f"{file.package}.{option.name}") for option in file.extension)


def _in_message(message: DescriptorProto, name: str) -> Iterator[tuple[str, str]]:
    yield "message", name
    yield from (("field", f"{name}.{each.name}") for each in message.field)
    assert all(each.options.map_entry for each in message.nested_type), "a kind of element that is not looked for"
    assert not message.enum_type, "a kind of element that is not looked for"


def _in_enum(enum: EnumDescriptorProto, name: str) -> Iterator[tuple[str, str]]:
    yield "enum", name
    if enum.name == "ErrorReason":
        yield from (("reason", each.name.removeprefix("ERROR_REASON_")) for each in enum.value if each.number)
    else:
        yield from (("value", f"{name}.{each.name}") for each in enum.value)
