"""How is a call shown? The RPC, the signed HTTP request that the gateway made of it, what came back, and the outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import click
import grpc
import grpc.aio
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from gateway.cli.playground import Playground
from gateway.cli.status_text import as_call, reason_of
from gateway.sandbox import Delivery, Exchange

__all__ = ["Stage", "Unexpected"]

_WIDTH: Final = 100
_TIMEOUT_S: Final = 20
_UNBROKEN: Final = re.compile(r"(?:[^ ,]|(?<=:) )*(?:, ?| |$)")
_SIGNED_HEADERS: Final = ("timestamp", "operator-name", "signature")
_SIGNATURE_SHOWN: Final = 12


class Unexpected(Exception):  # noqa: N818 - it is what the demo is there to find
    """Something did not go as it should have."""


class Stage:
    """Makes calls through a gateway, prints each with the webhooks that it caused, and counts them.

    ``told`` is where the lines of the operators' services arrive.
    """

    def __init__(self, place: Playground, channel: grpc.aio.Channel, told: list[str]) -> None:
        self._journal = place.platform.journal
        self._webhooks = place.platform.webhooks
        self._told = told
        self._routes = {route.short: route for route in place.gateway.contract.routes.values()}
        self._channel = channel
        self.served = 0
        self.refused = 0

    def scene(self, title: str) -> None:
        """Begin another part."""
        click.secho(f"\n{title}\n{'─' * len(title)}", bold=True)

    async def call(self, rpc: str, request: Message, outcome: Callable[[Any], str]) -> Any:  # noqa: ANN401 - any response
        """Make a call that has to succeed; ``outcome`` says in a line what came back."""
        try:
            response = await self._send(rpc, request)
        except grpc.aio.AioRpcError as error:
            raise Unexpected(f"{rpc} was refused: {error.code().name} {error.details()}") from None
        self.served += 1
        self._print(f"{click.style('OK', fg='green')}  {outcome(response)}")
        return response

    async def refusal(self, rpc: str, request: Message, reason: str) -> None:
        """Make a call that has to be refused for this reason."""
        try:
            await self._send(rpc, request)
        except grpc.aio.AioRpcError as error:
            found = reason_of(as_call(error))
            self._print(f"{click.style(error.code().name, fg='yellow')}  {found}  {error.details()}")
            if found != reason:
                raise Unexpected(f"{rpc} was refused for {found or 'no reason'} and not for {reason}") from None
            self.refused += 1
        else:
            raise Unexpected(f"{rpc} succeeded and should have been refused for {reason}")

    async def decide(self, what: str, act: Callable[[], object]) -> None:
        """Let the platform do something to a ticket, and show the webhooks that it sends."""
        click.secho(f"\n{what}", bold=True)
        with self._webhooks_shown() as show:
            act()
            await show()

    def require(self, holds: bool, what: str) -> None:
        """Raise Unexpected unless something holds."""
        if not holds:
            raise Unexpected(f"it should hold that {what}")

    async def _send(self, rpc: str, request: Message) -> Message:
        route = self._routes[rpc]
        send: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = self._channel.unary_unary(
            route.rpc,
            request_serializer=route.request.message.SerializeToString,
            response_deserializer=route.response.message.FromString,
        )
        before = len(self._journal)
        click.secho(f"\n{rpc}", bold=True)
        self._print(json.dumps(MessageToDict(request, preserving_proto_field_name=True), ensure_ascii=False))
        with self._webhooks_shown() as show:
            try:
                response: Message = await send(request, timeout=_TIMEOUT_S)
                return response
            finally:
                exchanges = list(self._journal)[before:]
                for exchange in exchanges:
                    self._print_request(exchange)
                await show()
                for exchange in exchanges:
                    self._print(f"← HTTP {exchange.status}")

    @contextmanager
    def _webhooks_shown(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Give what prints the webhooks that were sent since, and what the operators' services did."""
        before = self._webhooks.deliveries.count
        self._told.clear()

        async def show() -> None:
            await self._webhooks.settled()
            deliveries = self._webhooks.deliveries
            for delivery in list(deliveries)[len(deliveries) - (deliveries.count - before) :]:
                self._print_webhook(delivery)
            for line in self._told:
                self._print(f"⇒ {line}")

        yield show

    def _print_request(self, exchange: Exchange) -> None:
        self._print(f"→ {exchange.method} {exchange.target}")
        self._print(_signed(exchange), "    ")
        if exchange.body:
            self._print(exchange.body.decode(), "    ")

    def _print_webhook(self, delivery: Delivery) -> None:
        self._print(f"⇐ webhook POST {urlsplit(delivery.url).path}  HTTP {delivery.status}")
        self._print(f"timestamp: {delivery.sealed.timestamp}  signature: {_short(delivery.sealed.signature)}", "    ")
        self._print(delivery.webhook.body.decode(), "    ")

    def _print(self, text: str, indent: str = "  ") -> None:
        for line in _folded(text, _WIDTH - len(indent)):
            click.echo(indent + line)


def _signed(exchange: Exchange) -> str:
    shown = ((name, exchange.header(name)) for name in _SIGNED_HEADERS)
    lines = [f"{name}: {_short(value)}" for name, value in shown if value is not None]
    return "  ".join(lines) or "not signed"


def _short(value: str) -> str:
    return value if len(value) <= 2 * _SIGNATURE_SHOWN else f"{value[:_SIGNATURE_SHOWN]}…{value[-_SIGNATURE_SHOWN:]}"


def _folded(text: str, width: int) -> Iterator[str]:
    """Break a text after commas and blanks, though not behind a colon, where a line would be too long."""
    line = ""
    for piece in _UNBROKEN.findall(text):
        if line and len(line) + len(piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece
    yield line.rstrip()
