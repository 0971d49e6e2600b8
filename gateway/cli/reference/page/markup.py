"""How is HTML made from text? By elements that escape whatever is not markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

__all__ = ["Child", "Html", "tag", "together"]


class Html(str):
    """Markup."""

    __slots__ = ()


Child = str | Iterable["Child"]
"""Text, markup, or several of them."""

_EMPTY: Final = frozenset({"br", "input", "link", "meta"})


def tag(element: str, /, *children: Child, **attributes: str | bool) -> Html:
    """Return an element; ``class_`` stands for ``class``, underscores for hyphens; an attribute that is False is absent."""
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    if element in _EMPTY:
        return Html(f"<{element}{written}>")
    return Html(f"<{element}{written}>{together(*children)}</{element}>")


def together(*children: Child) -> Html:
    """Return children one after the other, escaped where they are text."""
    return Html("".join(map(_markup, children)))


def _markup(child: Child) -> str:
    if isinstance(child, Html):
        return child
    return escape(child, quote=False) if isinstance(child, str) else together(*child)


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
