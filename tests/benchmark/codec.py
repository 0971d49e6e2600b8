"""What does the codec cost, against the standard library's ``json`` on the same ticket of twenty fields?"""

from __future__ import annotations

import json
from collections.abc import Callable
from timeit import timeit
from typing import Any, Final

from gateway.contract import load_contract
from gateway.wire.codec import Lost, decoder, encoder
from gateway.wire.jsontext import parse
from tests.benchmark.servers import GET
from tests.benchmark.upstream import TICKET

__all__ = ["codec_s"]

_TIMES: Final = 1000


def codec_s() -> tuple[float, float]:
    """Return the seconds of one encode and decode of ours, and of ``json.dumps`` and ``json.loads``, taken in turn."""
    ours, plain = _ours(), _plain()
    for once in (ours, plain):
        timeit(once, number=_TIMES)
    pairs = [(timeit(ours, number=_TIMES), timeit(plain, number=_TIMES)) for _ in range(5)]
    return min(pair[0] for pair in pairs) / _TIMES, min(pair[1] for pair in pairs) / _TIMES


def _ours() -> Callable[[], object]:
    """Return what writes a message as the bytes of an object, reads them and makes a message of them again."""
    answer = load_contract().routes[GET].response.field("ticket")
    assert answer is not None
    assert answer.shape is not None
    shape = answer.shape
    encode = encoder([field for field in shape.fields if field.key in TICKET])
    decode = decoder(shape)
    lost: Lost = []
    message: Any = shape.message(**decode(TICKET, lost))
    assert json.loads(encode(message)) == TICKET
    assert not lost

    def once() -> object:
        return shape.message(**decode(parse(encode(message).encode()), lost))

    return once


def _plain() -> Callable[[], object]:
    return lambda: json.loads(json.dumps(TICKET, separators=(",", ":")).encode())
