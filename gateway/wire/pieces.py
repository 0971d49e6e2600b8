"""How is a long list read without holding everything else up? Element by element, with a pause offered after each.

This is the way of a success alone. Whatever does not fit is read again as a whole, so that there is one place that says
what is wrong with an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from google.protobuf.message import Message

from gateway.contract.routes import Route
from gateway.wire.codec import Lost, Unfit, decoder
from gateway.wire.envelope import HttpAnswer, Read
from gateway.wire.jsontext import NotJson, parse_elements

__all__ = ["Pieces", "pieces_reader"]

Pieces = Callable[[HttpAnswer, Lost], Generator[None, None, Message]]
"""Reads an answer as ``Read`` does, with the same outcome, and yields wherever a pause may be made."""


def pieces_reader(route: Route, read: Read) -> Pieces:
    """Compile what reads a route's answers in pieces, where they are lists; ``read`` reads them as a whole."""
    field = route.response.field(route.answer) if route.answer else None
    if field is None or field.shape is None or not field.repeated:
        return lambda answer, lost: _whole(read, answer, lost)
    decode, make, name = decoder(field.shape), route.response.message, field.name

    def elements(answer: HttpAnswer, lost: Lost) -> Generator[None, None, Message]:
        if answer.status != 200 or answer.overlong:
            return read(answer, lost)
        before = len(lost)
        response = make()
        add = getattr(response, name).add
        try:
            for element in parse_elements(answer.body):
                add(**decode(element, lost))
                yield
        except (NotJson, Unfit):
            del lost[before:]
            return read(answer, lost)
        return response

    return elements


def _whole(read: Read, answer: HttpAnswer, lost: Lost) -> Generator[None, None, Message]:
    yield from ()
    return read(answer, lost)
