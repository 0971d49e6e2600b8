"""How does what went over a wire look as text? Signed requests byte for byte, answers laid out for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from gateway.cli.reference.display import Json, shown
from gateway.cli.reference.stable import ordered
from gateway.cli.status_text import FailedCall
from gateway.sandbox import Delivery, Exchange, headers_of

__all__ = [
    "Block",
    "Fold",
    "Language",
    "as_json",
    "caused",
    "json_block",
    "of_answer",
    "of_refusal",
    "of_request",
    "webhook",
]

_DETAILS: Final = "grpc-status-details-bin"
_UNREAD: Final = "(the connection was closed without an answer)"


class Language(Enum):
    """What a text is written in."""

    JSON = "json"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Block:
    """One text; ``caption`` says what it is."""

    caption: str
    text: str
    language: Language = Language.JSON


@dataclass(frozen=True, slots=True)
class Fold:
    """Texts that can be left out at first."""

    caption: str
    blocks: tuple[Block, ...]


def as_json(message: Message) -> Json:
    """Return a message as gRPC tools print it."""
    found: Json = ordered(MessageToDict(message, preserving_proto_field_name=True))
    return found


def json_block(caption: str, *values: Any, cut: bool = True) -> Block:  # noqa: ANN401 - any JSON value
    """Return JSON values, one below the other."""
    return Block(caption, "\n".join(shown(value, cut=cut) for value in values))


def of_refusal(call: FailedCall) -> Block:
    """Return the status of a call that was refused, with its details."""
    packed = next(value for name, value in call.trailing_metadata() or () if name == _DETAILS)
    status = Status.FromString(packed if isinstance(packed, bytes) else packed.encode())
    return json_block(f"Refusal, status {call.code().name}", as_json(status))


def of_request(exchange: Exchange) -> Block:
    """Return what the platform received."""
    line = f"{exchange.method} {exchange.target} HTTP/1.1"
    caption = "Signed HTTP request" if exchange.header("signature") else "HTTP request, not signed"
    return Block(caption, _http(line, dict(exchange.headers), exchange.body.decode()), Language.HTTP)


def of_answer(exchange: Exchange) -> Fold:
    """Return what the platform answered."""
    answer = _answer("HTTP answer", exchange.status, exchange.answer)
    return Fold(answer.caption, (answer,))


def webhook(delivery: Delivery) -> tuple[Block, Block]:
    """Return what the platform sent, and what it was answered."""
    url = urlsplit(delivery.url)
    headers = {"host": url.netloc, **headers_of(delivery.webhook, delivery.sealed)}
    text = _http(f"POST {url.path} HTTP/1.1", headers, delivery.webhook.body.decode())
    answer = _answer("What the platform is told", delivery.status, delivery.answer)
    return Block("What the platform sends", text, Language.HTTP), answer


def caused(delivery: Delivery) -> Fold:
    """Return a webhook that a call caused."""
    return Fold(f"Webhook that it causes: {delivery.webhook.kind}", webhook(delivery))


def _answer(caption: str, status: int | None, body: bytes) -> Block:
    line = _UNREAD if status is None else f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    text = shown(ordered(json.loads(body)), cut=True) if body else ""
    return Block(caption, _http(line, {}, text), Language.HTTP)


def _http(line: str, headers: Mapping[str, str], body: str) -> str:
    head = "\n".join((line, *(f"{name}: {value}" for name, value in headers.items())))
    return f"{head}\n\n{body}" if body else head
