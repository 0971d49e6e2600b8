"""How does grpc.aio carry the road? A thin adapter: bytes and context in, bytes or an aborted context out."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from itertools import groupby
from random import Random
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from gateway.contract.routes import Contract, Route
from gateway.contract.shapes import REQUEST_ID
from gateway.failure import Failure
from gateway.server.call import Call, Roads
from gateway.server.entrance import Context, Entrance, Metadata
from gateway.server.own import OwnCall, OwnRoad, OwnRpc
from gateway.server.status import Described, to_status, trailing_metadata
from gateway.telemetry import TRACE_HEADERS, Trace

__all__ = ["own_handlers", "platform_handlers"]

_RANDOM: Final = Random()  # noqa: S311 - request ids are no secret
"""Nobody else's, and nobody's twin: a seed set for the common one, or a fork, would give request ids twice."""

os.register_at_fork(after_in_child=_RANDOM.seed)

_VARIANTS: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def platform_handlers(contract: Contract, roads: Roads, entrance: Entrance) -> Iterator[grpc.GenericRpcHandler]:
    """Yield one handler a service; every unary RPC of the contract is served by the same function."""
    for service in contract.services:
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            route.method: grpc.unary_unary_rpc_method_handler(_behaviour(route, roads, entrance))
            for route in contract.service(service)
        }
        yield grpc.method_handlers_generic_handler(service, methods)


def _behaviour(route: Route, roads: Roads, entrance: Entrance) -> Callable[[bytes, Context], Awaitable[bytes]]:
    """Serve one route; messages are parsed here, because gRPC's own refusal of broken bytes has no ErrorInfo."""
    road, arrived = roads(route), _arrival(route, entrance)

    async def serve(body: bytes, context: Context) -> bytes:
        call = arrived(body, context)
        try:
            response = await road(call)
        except Failure as failure:
            if call.reply_metadata:
                await _send_reply_metadata(call, context)
            await _abort(context, failure, route, call.request)
        if call.reply_metadata:
            await _send_reply_metadata(call, context)
        return response.SerializeToString()

    return serve


def _arrival(route: Route, entrance: Entrance) -> Callable[[bytes, Context], Call]:
    """Return what makes calls of what arrives for a route."""
    kind, default_operator = route.request.message, entrance.default_operator
    takes_request_id, makes_request_id = route.takes_request_id, _makes_request_id(route)

    def arrived(body: bytes, context: Context) -> Call:
        metadata = context.invocation_metadata() or ()
        request, unreadable = _parsed(kind, body, default_operator)
        given_id = request.request_id if takes_request_id else ""
        request_id = given_id or _new_id()
        remaining = context.time_remaining()
        return Call(
            route,
            request,
            request.operator,
            request_id,
            entrance.caller(context, metadata),
            len(body),
            unreadable,
            None if remaining is None else time.monotonic() + remaining,
            _trace(metadata),
            {"request-id": request_id} if makes_request_id and not given_id else {},
        )

    return arrived


def _new_id() -> str:
    """Return a random UUID (RFC 9562, 5.4), which need not be hard to guess; ``uuid4`` takes ten times as long."""
    digits = f"{_RANDOM.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"


def _trace(metadata: Metadata) -> Trace | None:
    told = {key: value for key, value in metadata if key in TRACE_HEADERS and isinstance(value, str)}
    return Trace.read(told) if told else None


def _parsed(kind: type[Message], body: bytes, default_operator: str) -> tuple[Any, bool]:
    """Return a request with its operator, and whether the bytes were none."""
    request: Any = kind()
    unreadable = False
    try:
        request.ParseFromString(body)
    except DecodeError:
        request.Clear()
        unreadable = True
    if not request.operator:
        request.operator = default_operator
    return request, unreadable


def _makes_request_id(route: Route) -> bool:
    """Tell whether the caller is told the id made here; where one is required, it has to be the caller's own."""
    field = route.request.field(REQUEST_ID)
    return field is not None and not field.required


async def _send_reply_metadata(call: Call, context: Context) -> None:
    await context.send_initial_metadata(tuple(call.reply_metadata.items()))


def own_handlers(rpcs: Iterable[OwnRpc], road: OwnRoad, entrance: Entrance) -> Iterator[grpc.GenericRpcHandler]:
    """Yield one handler a service of ours; all its RPCs are served by one of two functions."""
    for service, described in groupby(rpcs, key=lambda rpc: rpc.service):
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            rpc.method: _stream(rpc, road, entrance) if rpc.streams else _unary(rpc, road, entrance)
            for rpc in described
        }
        yield grpc.method_handlers_generic_handler(service, methods)


def _own_call(rpc: OwnRpc, body: bytes, context: Context, entrance: Entrance) -> OwnCall:
    metadata = context.invocation_metadata() or ()
    request, unreadable = _parsed(rpc.request, body, entrance.default_operator)
    return OwnCall(rpc, request, entrance.shown(context, metadata), unreadable, _trace(metadata))


def _unary(rpc: OwnRpc, road: OwnRoad, entrance: Entrance) -> grpc.RpcMethodHandler[Any, Any]:
    async def serve(body: bytes, context: Context) -> bytes:
        call = _own_call(rpc, body, context, entrance)
        try:
            [answer] = [answer async for answer in road(call)]
        except Failure as failure:
            await _abort(context, failure, rpc, call.request)
        return answer.SerializeToString()

    return grpc.unary_unary_rpc_method_handler(serve)


def _stream(rpc: OwnRpc, road: OwnRoad, entrance: Entrance) -> grpc.RpcMethodHandler[Any, Any]:
    async def serve(body: bytes, context: Context) -> None:
        call = _own_call(rpc, body, context, entrance)
        try:
            async with aclosing(road(call)) as answers:
                async for answer in answers:
                    await context.write(answer.SerializeToString())
        except Failure as failure:
            await _abort(context, failure, rpc, call.request)

    return grpc.unary_stream_rpc_method_handler(serve)


async def _abort(context: Context, failure: Failure, rpc: Described, request: Message) -> NoReturn:
    status = to_status(failure, rpc, request)
    await context.abort(_CODES[status.code], status.message, trailing_metadata(failure, status))
