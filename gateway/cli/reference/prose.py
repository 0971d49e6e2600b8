"""What does a comment say, and what does it speak of? Paragraphs of spans: text, code, links, and the word Assumed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from gateway.cli.comments import comments
from gateway.cli.reference.facts import FILES, METHODS, messages, package_of, reasons, short_name

__all__ = ["Paragraph", "Span", "Style", "anchor_of_reason", "paragraphs", "said"]


class Style(Enum):
    """How a span is set."""

    TEXT = "text"
    CODE = "code"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Span:
    """Some words; ``target`` is the anchor of what they name, empty where they name nothing."""

    text: str
    style: Style = Style.TEXT
    target: str = ""


Paragraph = tuple[Span, ...]

_CODE: Final = re.compile(r"`([^`]*)`|\b(Assumed:)")
_WORD: Final = re.compile(r"[A-Za-z_][\w./]*\w")
_NOTHING_NEW: Final = re.compile(r"\s*The (request|response) of \w+\.\s*")
_NAME: Final = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]*)+|[A-Z]+(?:_[A-Z]+)+|[A-Z][A-Za-z]+/[A-Z][A-Za-z]+")
"""What is a name also where it is not marked as code: it has two humps, an underscore or a slash."""


def anchor_of_reason(reason: str) -> str:
    """Return the anchor of an error reason."""
    return f"reason.{reason}"


def said(full_name: str) -> tuple[Paragraph, ...]:
    """Return what the comment of an element says; names in it are those of the element's package.

    That a message is the request or the response of an RPC is not repeated where that RPC stands.
    """
    comment = comments().get(full_name, "")
    return () if _NOTHING_NEW.fullmatch(comment) else paragraphs(comment, package_of(full_name))


def paragraphs(text: str, package: str = "") -> tuple[Paragraph, ...]:
    """Take a text apart, whose paragraphs are parted by empty lines."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return tuple(tuple(_spans(part, package)) for part in parts if part)


def _spans(text: str, package: str) -> Iterator[Span]:
    written = 0
    for match in _CODE.finditer(text):
        yield from _linked(text[written : match.start()], package)
        yield _marked(match, package)
        written = match.end()
    yield from _linked(text[written:], package)


def _marked(match: re.Match[str], package: str) -> Span:
    if match[2]:
        return Span("Assumed:", Style.ASSUMED)
    return Span(match[1], Style.CODE, _target(match[1], package))


def _linked(text: str, package: str) -> Iterator[Span]:
    """Yield the spans of a text without code, its names linked."""
    written = 0
    for match in _WORD.finditer(text):
        is_name = _NAME.fullmatch(match[0]) is not None or match[0] in _reasons()
        if is_name and (target := _target(match[0], package)):
            yield Span(text[written : match.start()])
            yield Span(match[0], target=target)
            written = match.end()
    yield Span(text[written:])


def _target(name: str, package: str) -> str:
    """Return the anchor of a name: what this package calls so, or else the only one that is called so."""
    if name in _reasons():
        return _reasons()[name]
    found = _named().get(name, {})
    return found.get(package) or (next(iter(found.values())) if len(found) == 1 else "")


@cache
def _reasons() -> Mapping[str, str]:
    return {reason.name: anchor_of_reason(reason.name) for reason in reasons()}


@cache
def _named() -> Mapping[str, Mapping[str, str]]:
    """Return the anchors of everything that has a name: by the name, and by the package that has it."""
    found: dict[str, dict[str, str]] = {}
    for name, package, anchor in _names():
        found.setdefault(name, {})[package] = anchor
    return found


def _names() -> Iterator[tuple[str, str, str]]:
    for file in FILES:
        package = file.package
        for kind in (*file.services_by_name.values(), *messages(file), *file.enum_types_by_name.values()):
            yield kind.name, package, kind.full_name
            yield kind.full_name, package, kind.full_name
        for enum in file.enum_types_by_name.values():
            yield from ((value.name, package, f"{enum.full_name}.{value.name}") for value in enum.values)
    for method in METHODS.values():
        yield method.name, method.containing_service.file.package, method.full_name
        yield short_name(method), method.containing_service.file.package, method.full_name
