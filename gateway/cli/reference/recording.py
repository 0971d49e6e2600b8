"""What went over which wire? Calls through a real gateway, written down with all that they caused."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.cli.playground import Playground
from gateway.cli.reference.blocks import (
    Block,
    Fold,
    as_json,
    caused,
    json_block,
    of_answer,
    of_refusal,
    of_request,
    webhook,
)
from gateway.cli.reference.display import Json
from gateway.cli.reference.examples import Example, Examples
from gateway.cli.reference.stable import StillClock, in_order, stabilised
from gateway.cli.status_text import as_call, reason_of
from gateway.sandbox import Delivery, Exchange

__all__ = ["Overhearing", "Recorder", "UnlikeTheReference"]

_TIMEOUT_S: Final = 20
_KEY: Final = "idempotency-key"


class UnlikeTheReference(Exception):  # noqa: N818 - it is what a run has to end with
    """A call went another way than the reference is to show."""


@dataclass(frozen=True, slots=True)
class _Overheard:
    """A call that the operator's own service took."""

    request: Message
    key: str


class Overhearing(grpc.aio.ServerInterceptor):
    """Remembers the unary calls of a server."""

    def __init__(self) -> None:
        self.calls: list[_Overheard] = []

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Put an ear in front of a handler."""
        handler = await continuation(handler_call_details)
        serve = handler.unary_unary if handler else None
        if handler is None or serve is None:
            return handler
        metadata = dict(handler_call_details.invocation_metadata or ())

        async def heard(request: Message, context: Any) -> Any:  # noqa: ANN401 - gRPC's own
            self.calls.append(_Overheard(request, str(metadata.get(_KEY, ""))))
            return await serve(request, context)

        return grpc.unary_unary_rpc_method_handler(heard, handler.request_deserializer, handler.response_serializer)


@dataclass(frozen=True, slots=True)
class _Since:
    """What a call caused."""

    exchanges: list[Exchange]
    deliveries: list[Delivery]
    overheard: list[_Overheard]


class Recorder:
    """Makes calls of the gateway and of the sandbox's steering service, a second apart, and keeps what they look like."""

    def __init__(
        self,
        place: Playground,
        channels: Callable[[str], grpc.aio.Channel],
        methods: Mapping[str, MethodDescriptor],
        clock: StillClock,
        ear: Overhearing,
    ) -> None:
        self._place = place
        self._channels = channels
        self._methods = methods
        self._clock = clock
        self._ear = ear
        self._stable = stabilised(place)
        self._rpcs = {
            route.envelope.token: route.short for route in place.gateway.contract.routes.values() if route.envelope
        }
        self._calls: dict[str, list[Example]] = {}
        self._webhooks: dict[str, Example] = {}

    @property
    def place(self) -> Playground:
        """Where the calls are made."""
        return self._place

    def recorded(self) -> Examples:
        """Return everything that was shown so far."""
        calls = {rpc: tuple(examples) for rpc, examples in self._calls.items()}
        return Examples(calls, dict(self._webhooks))

    async def call(self, rpc: str, request: Json, title: str = "") -> Any:  # noqa: ANN401 - any response
        """Make a call that has to succeed, show it, and return the response."""
        responses = await self._made(rpc, request, title)
        return responses[0]

    async def stream(self, rpc: str, request: Json, most: int) -> list[Any]:
        """Make a call that streams, show it, and return its first responses."""
        return await self._made(rpc, request, "", most)

    async def refusal(self, rpc: str, request: Json, reason: str, title: str) -> None:
        """Make a call that has to be refused for a reason, and show it."""
        before = self._mark()
        try:
            await self._sent(rpc, request, None)
        except grpc.aio.AioRpcError as error:
            call = as_call(error)
            if reason_of(call) != reason:
                raise UnlikeTheReference(f"{rpc}: {error.code().name} {error.details()}, and not {reason}") from None
            self._show(rpc, request, title, await self._since(before), of_refusal(call), reason)
        else:
            raise UnlikeTheReference(f"{rpc} succeeded and should have been refused for {reason}")

    async def aside(self, rpc: str, request: Json) -> Any:  # noqa: ANN401 - any response
        """Make a call that is not shown; the webhooks that it causes are."""
        before = self._mark()
        responses = await self._succeeded(rpc, request, None)
        self._keep_webhooks(await self._since(before))
        return responses[0]

    async def _made(self, rpc: str, request: Json, title: str, most: int | None = None) -> list[Any]:
        before = self._mark()
        responses = await self._succeeded(rpc, request, most)
        caption = "Response" if most is None else "Responses, one after the other"
        self._show(rpc, request, title, await self._since(before), json_block(caption, *map(as_json, responses)))
        return responses

    async def _succeeded(self, rpc: str, request: Json, most: int | None) -> list[Any]:
        try:
            return await self._sent(rpc, request, most)
        except grpc.aio.AioRpcError as error:
            raise UnlikeTheReference(f"{rpc}: {error.code().name} {error.details()}") from None

    async def _sent(self, rpc: str, request: Json, most: int | None) -> list[Any]:
        """Make a call and return its responses, the first ``most`` of a stream."""
        method = self._methods.get(rpc)
        if method is None:
            raise UnlikeTheReference(f"{rpc}: the contract has no such RPC")
        self._clock.tick()
        path = f"/{method.containing_service.full_name}/{method.name}"
        message = _message(rpc, request, GetMessageClass(method.input_type))
        channel, decode = self._channels(rpc), GetMessageClass(method.output_type).FromString
        if not method.server_streaming:
            unary: Any = channel.unary_unary(path, type(message).SerializeToString, decode)
            return [await unary(message, timeout=_TIMEOUT_S)]
        stream: Any = channel.unary_stream(path, type(message).SerializeToString, decode)
        call = stream(message, timeout=_TIMEOUT_S)
        found: list[Any] = []
        async for response in call:
            found.append(response)
            if len(found) == most:
                call.cancel()
                break
        return found

    def _mark(self) -> tuple[int, int, int]:
        return len(self._place.platform.journal), self._place.platform.webhooks.deliveries.count, len(self._ear.calls)

    async def _since(self, mark: tuple[int, int, int]) -> _Since:
        """Return what was caused since, once everything that is due has been delivered."""
        exchanges, count, heard = mark
        webhooks = self._place.platform.webhooks
        await webhooks.settled()
        deliveries = list(webhooks.deliveries)
        new = deliveries[len(deliveries) - (webhooks.deliveries.count - count) :]
        return _Since(list(self._place.platform.journal)[exchanges:], in_order(new), self._ear.calls[heard:])

    def _show(self, rpc: str, request: Json, title: str, since: _Since, end: Block, reason: str = "") -> None:
        self._keep_webhooks(since)
        parts: tuple[Block | Fold, ...] = (
            json_block("Request", request, cut=False),
            *map(of_request, since.exchanges),
            *map(caused, since.deliveries),
            *map(of_answer, since.exchanges),
            end,
        )
        typed = self._stable(json.dumps(request, ensure_ascii=False))
        self._calls.setdefault(rpc, []).append(Example(rpc, title, self._stably(parts), reason, typed))

    def _keep_webhooks(self, since: _Since) -> None:
        """Keep the first webhook of each kind that was accepted."""
        for delivery in since.deliveries:
            rpc = self._rpcs[delivery.webhook.kind]
            if rpc not in self._webhooks and delivery.accepted:
                self._webhooks[rpc] = Example(rpc, "", self._stably(self._taken(rpc, delivery, since.overheard)))

    def _taken(self, rpc: str, delivery: Delivery, overheard: list[_Overheard]) -> Iterator[Block]:
        """Yield a webhook, the call of the operator's service that it becomes, and what the platform is told."""
        sent, told = webhook(delivery)
        name = self._methods[rpc].input_type.full_name
        call = next(each for each in overheard if each.request.DESCRIPTOR.full_name == name)
        under = f", under {_KEY}: {call.key}" if call.key else ""
        yield from (sent, json_block(f"What your service is called with{under}", as_json(call.request)), told)

    def _stably(self, parts: Iterable[Block | Fold]) -> tuple[Block | Fold, ...]:
        return tuple(self._stable_fold(each) if isinstance(each, Fold) else self._stable_block(each) for each in parts)

    def _stable_fold(self, fold: Fold) -> Fold:
        return replace(fold, blocks=tuple(map(self._stable_block, fold.blocks)))

    def _stable_block(self, block: Block) -> Block:
        return replace(block, caption=self._stable(block.caption), text=self._stable(block.text))


def _message(rpc: str, request: Json, kind: type[Message]) -> Message:
    try:
        return ParseDict(request, kind())
    except ParseError as error:
        raise UnlikeTheReference(f"{rpc}: {error}") from None
