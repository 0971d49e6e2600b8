"""What do the sections of the Markdown page have in common? Headings with anchors, prose, tables and code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.cli.reference.blocks import Block, Fold, Language
from gateway.cli.reference.prose import Paragraph, Span, Style, paragraphs, said

__all__ = ["anchor", "cell", "code", "heading", "inline", "link", "prose", "table"]

_FENCES = {Language.JSON: "jsonc", Language.HTTP: "http"}


def anchor(name: str) -> str:
    """Return something that a link can lead to."""
    return f'<a id="{name}"></a>'


def link(target: str, text: str) -> str:
    """Return a link within the page."""
    return f"[{text}](#{target})"


def heading(level: int, title: str, target: str = "") -> Iterator[str]:
    """Yield a heading, below its anchor if it has one."""
    if target:
        yield anchor(target)
        yield ""
    yield f"{'#' * level} {title}"
    yield ""


def prose(about: Iterable[Paragraph]) -> Iterator[str]:
    """Yield paragraphs."""
    for spans in about:
        yield "".join(map(_span, spans))
        yield ""


def inline(text: str, package: str = "") -> str:
    """Return a text as one paragraph."""
    return " ".join("".join(map(_span, spans)) for spans in paragraphs(text, package))


def cell(full_name: str) -> str:
    """Return what the comment of an element says, as it fits into a table."""
    return " ".join("".join(map(_span, spans)) for spans in said(full_name)).replace("|", "\\|")


def _span(span: Span) -> str:
    if span.style is Style.ASSUMED:
        return "**Assumed:**"
    text = f"`{span.text}`" if span.style is Style.CODE else _escaped(span.text)
    return link(_whole(span.target), text) if span.target else text


def _whole(target: str) -> str:
    """Return the anchor of the enum that a value belongs to; rows of tables have no anchors."""
    owner, _, name = target.rpartition(".")
    return owner if name.isupper() and not target.startswith("reason.") else target


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table."""
    titles = list(head)
    for line in (titles, ["---"] * len(titles), *rows):
        yield f"| {' | '.join(line)} |"
    yield ""


def code(part: Block | Fold) -> Iterator[str]:
    """Yield texts under their caption."""
    if isinstance(part, Block):
        yield f"{part.caption}:"
        yield ""
        yield from _fenced(part)
        return
    yield f"<details><summary>{part.caption}</summary>"
    yield ""
    for block in part.blocks:
        yield from _fenced(block)
    yield "</details>"
    yield ""


def _fenced(block: Block) -> Iterator[str]:
    yield f"```{_FENCES[block.language]}"
    yield block.text
    yield "```"
    yield ""
