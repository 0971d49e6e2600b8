"""Which HTTP call is this request? Method, target and the exact bytes of the body, ready to be signed."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple
from urllib.parse import quote

from google.protobuf.message import Message

from gateway.contract.routes import Route
from gateway.contract.shapes import Field, Kind
from gateway.wire.codec import encoder, spell_scalar
from gateway.wire.jsontext import spell_string

__all__ = ["Bind", "HttpCall", "binder"]


class HttpCall(NamedTuple):
    """What goes to the platform, but for host and headers.

    ``target`` is path and query, percent-encoded, relative to the API's URL; it may be empty. ``body`` is empty for a
    call without one.
    """

    verb: str
    target: str
    body: bytes


Bind = Callable[[Message], HttpCall]


def binder(route: Route) -> Bind:
    """Compile the translation of a route's requests, which have been checked and have their ``operator`` filled in."""
    path = _path(route)
    query = _query(route.query)
    body = _body(route)
    verb = route.verb
    if not route.query and route.body is None:
        return lambda request: HttpCall(verb, path(request), b"")
    return lambda request: HttpCall(verb, path(request) + query(request), body(request))


def _path(route: Route) -> Callable[[Message], str]:
    texts = route.pieces[::2]
    getters = [attrgetter(name) for name in route.variables]
    if not getters:
        return lambda _: texts[0]

    def build(request: Message) -> str:
        target = texts[0]
        for get, text in zip(getters, texts[1:], strict=True):
            target += _quoted(get(request)) + text
        return target

    return build


def _quoted(text: str) -> str:
    """Percent-encode a text; most are ids, which have nothing to encode."""
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def _query(fields: tuple[Field, ...]) -> Callable[[Message], str]:
    if not fields:
        return lambda _: ""
    writers = [_parameters(field) for field in fields]

    def build(request: Message) -> str:
        pairs = [pair for write in writers for pair in write(request)]
        return "?" + "&".join(pairs) if pairs else ""

    return build


def _parameters(field: Field) -> Callable[[Message], list[str]]:
    name = field.name
    get = attrgetter(name)
    spell = spell_scalar(field)
    head = quote(field.key, safe="") + "="

    def pair(value: object) -> str:
        return head + _quoted(spell(value))

    if field.repeated:
        return lambda request: [pair(value) for value in get(request)]
    if not field.nullable:
        return lambda request: [pair(get(request))]
    if field.kind is Kind.TOKEN:
        return lambda request: [pair(get(request))] if request.HasField(name) and get(request) else []
    return lambda request: [pair(get(request))] if request.HasField(name) else []


def _body(route: Route) -> Callable[[Message], bytes]:
    if route.body is None:
        return lambda _: b""
    encode = encoder(route.body)
    if route.envelope is None:
        return lambda request: encode(request).encode()
    head = f'{{{spell_string(route.envelope.key)}:{spell_string(route.envelope.token)},"data":'
    return lambda request: (head + encode(request) + "}").encode()
