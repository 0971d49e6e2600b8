"""What do the sections of the page have in common? Headings with anchors, prose, chips and code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from gateway.cli.reference.blocks import Block, Fold, Language
from gateway.cli.reference.page.markup import Child, Html, tag, together
from gateway.cli.reference.prose import Paragraph, Span, Style, paragraphs

__all__ = ["chip", "code_block", "heading", "inline", "link", "prose", "table"]

_TOKEN: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<cut>// … and \d+ more)'
    r"|(?P<number>-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)|(?P<word>\b(?:true|false|null)\b)"
)
_HEADER: Final = re.compile(r"(?P<name>[a-z-]+)(?P<rest>: .*)")


def link(target: str, *children: Child, class_: str | bool = False) -> Html:
    """Return a link to an anchor of this page."""
    return tag("a", *children, href=f"#{target}", class_=class_)


def heading(level: int, anchor: str, title: Child, *more: Child) -> Html:
    """Return a heading that links to itself; the anchor is that of what it stands in."""
    own = link(anchor, tag("span", "Link to this", class_="unseen"), class_="own")
    return tag(f"h{level}", title, *more, own)


def chip(text: str, kind: str = "") -> Html:
    """Return a word in a small frame."""
    return tag("span", text, class_=f"chip {kind}".strip())


def prose(said: Iterable[Paragraph]) -> Html:
    """Return paragraphs; one that begins with an assumption is set apart."""
    return together(tag("p", map(_span, spans), class_=_is_assumption(spans) and "assumption") for spans in said)


def inline(text: str, package: str = "") -> Html:
    """Return one paragraph without its frame."""
    return together(_span(span) for spans in paragraphs(text, package) for span in spans)


def _is_assumption(spans: Paragraph) -> bool:
    return next((span.style is Style.ASSUMED for span in spans if span.text.strip()), False)


def _span(span: Span) -> Child:
    words: Child = span.text
    if span.style is Style.CODE:
        words = tag("code", words)
    elif span.style is Style.ASSUMED:
        words = chip("assumed", "assumed")
    return link(span.target, words) if span.target else words


def table(label: str, head: Sequence[str], groups: Iterable[tuple[Child, Iterable[Iterable[Child]]]]) -> Html:
    """Return a table that scrolls by itself where it is too wide: rows in groups, which have a title or an empty one.

    The first cell of a row is its heading.
    """
    titles = tag("tr", (tag("th", each, scope="col") for each in head))
    bodies = (tag("tbody", _title(title, len(head)), map(_row, rows)) for title, rows in groups)
    inner = tag("table", tag("thead", titles), bodies)
    return tag("div", inner, class_="wide", role="region", aria_label=label, tabindex="0")


def _title(title: Child, columns: int) -> Child:
    heads = tag("th", title, colspan=str(columns), scope="rowgroup")
    return tag("tr", heads, class_="group") if title else ""


def _row(cells: Iterable[Child]) -> Html:
    first, *rest = cells
    return tag("tr", tag("th", first, scope="row"), (tag("td", each) for each in rest))


def code_block(part: Block | Fold, typed: str = "") -> Html:
    """Return texts with a caption, and buttons that copy them; ``typed`` is a command that makes the same call."""
    if isinstance(part, Fold):
        return tag("details", tag("summary", part.caption), map(_code, part.blocks), class_="block")
    return tag("figure", tag("figcaption", part.caption), _code(part, typed), class_="block")


def _code(block: Block, typed: str = "") -> Html:
    copies = [tag("button", "Copy", type="button", class_="copy", aria_label=f"Copy: {block.caption}")]
    if typed:
        command = tag("button", "grpcurl", type="button", class_="copy", data_copy=typed, aria_label="Copy as grpcurl")
        copies.append(command)
    return tag("div", tag("div", copies, class_="copies"), tag("pre", tag("code", _coloured(block))), class_="code")


def _coloured(block: Block) -> Html:
    if block.language is Language.JSON:
        return together(_json(block.text))
    head, _, body = block.text.partition("\n\n")
    first, *headers = head.split("\n")
    parts: list[Child] = [tag("b", first), *(["\n", _header(line)] for line in headers)]
    return together(*parts, ["\n\n", _json(body)] if body else "")


def _header(line: str) -> Child:
    match = _HEADER.fullmatch(line)
    return [tag("span", match["name"], class_="key"), match["rest"]] if match else line


def _json(text: str) -> Iterator[Child]:
    """Yield a text with a colour for each kind of token."""
    written = 0
    for match in _TOKEN.finditer(text):
        yield text[written : match.start()]
        yield tag("span", match[0], class_=match.lastgroup or False)
        written = match.end()
    yield text[written:]
