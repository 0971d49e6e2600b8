"""How is a JSON value spelled, and which bytes are JSON at all? The one place that reads and writes JSON text.

Spelling matters because the text is signed: no blanks, whole numbers without a point, the shortest digits that survive
a round trip otherwise, non-ASCII text as UTF-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final

__all__ = ["DEPTH_LIMIT", "NotJson", "parse", "spell_number", "spell_string", "spell_value"]

DEPTH_LIMIT: Final = 64
"""Deepest nesting that is read; ``[]`` has depth 1."""

_WHOLE_BELOW: Final = 1e15
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

spell_string = encode_basestring


class NotJson(ValueError):  # noqa: N818 - a statement about bytes
    """These bytes are not JSON that the gateway reads."""


def spell_number(number: float) -> str:
    """Spell a finite float: ``10`` for 10.0 below 1e15, which every language prints alike, else the shortest digits."""
    if number.is_integer() and abs(number) < _WHOLE_BELOW:
        return str(int(number))
    return repr(number)


def spell_value(value: object) -> str:
    """Spell a parsed JSON value again, compactly."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text; of a repeated key the last one counts, unpaired surrogates become U+FFFD.

    Raises NotJson for everything else, among it non-finite numbers, nesting deeper than ``DEPTH_LIMIT``, text that is
    not UTF-8 and integers of more digits than Python reads.
    """
    try:
        value = _DECODER.decode(body.decode())
    except RecursionError:
        raise NotJson("nested too deep") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    if body.count(b"[") + body.count(b"{") > DEPTH_LIMIT and _is_deep(value):
        raise NotJson("nested too deep")
    return _without_surrogates(value) if b"\\u" in body and _SURROGATE_ESCAPE.search(body) else value


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)


def _is_deep(value: object) -> bool:
    level = _containers([value])
    for _ in range(DEPTH_LIMIT):
        if not level:
            return False
        level = _containers(
            child for outer in level for child in (outer.values() if isinstance(outer, dict) else outer)
        )
    return bool(level)


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            return _SURROGATE.sub("\ufffd", value)
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case _:
            return value
