"""How is JSON shown to people? What fits in a line stays in one, and long lists may be cut, which the text says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

__all__ = ["Json", "shown"]

Json = dict[str, Any]

_WIDTH: Final = 76
_INDENT: Final = "  "
_ROOM: Final = 480
"""How many characters of a list are shown, if it may be cut; its first item always is."""


def shown(value: Any, *, cut: bool = False) -> str:  # noqa: ANN401 - any JSON value
    """Return a JSON value over as few lines as its width allows; ``cut`` puts a comment where the rest of a list was."""
    return "\n".join(_lines(value, "", "", cut))


def _lines(value: Any, indent: str, end: str, cut: bool) -> Iterator[str]:  # noqa: ANN401
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not isinstance(value, dict | list) or not value:
        yield f"{line}{end}"
        return
    begin, close = "{}" if isinstance(value, dict) else "[]"
    yield begin
    for inner in _inside(value, indent + _INDENT, cut):
        yield f"{indent}{_INDENT}{inner}"
    yield f"{indent}{close}{end}"


def _inside(value: Json | list[Any], indent: str, cut: bool) -> Iterator[str]:
    """Yield what stands between two brackets, without the indent that it has there."""
    named = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    room = _room(value) if cut and isinstance(value, list) else len(value)
    for place, (key, item) in enumerate(list(named)[:room]):
        name = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        for number, line in enumerate(_lines(item, indent, "" if place == len(value) - 1 else ",", cut)):
            yield f"{name}{line}" if not number else line.removeprefix(indent)
    if room < len(value):
        yield f"// … and {len(value) - room} more"


def _room(items: list[Any]) -> int:
    sizes = accumulate(len(json.dumps(each, ensure_ascii=False)) for each in items)
    return max(1, sum(size <= _ROOM for size in sizes))
