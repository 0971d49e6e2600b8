"""How does grpc.aio carry the road? A thin adapter: bytes and context in, bytes or an aborted context out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from gateway.contract.routes import Contract, Route
from gateway.contract.shapes import REQUEST_ID
from gateway.failure import Failure
from gateway.server.call import Call, Proceed
from gateway.server.status import to_status, trailing_metadata

__all__ = ["platform_handlers"]

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

Context = grpc.aio.ServicerContext[Any, Any]


def platform_handlers(contract: Contract, road: Proceed, default_operator: str) -> Iterator[grpc.GenericRpcHandler]:
    """Yield one handler a service; every unary RPC of the contract is served by the same function."""
    for service in contract.services:
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            route.method: grpc.unary_unary_rpc_method_handler(_behaviour(route, road, default_operator))
            for route in contract.service(service)
        }
        yield grpc.method_handlers_generic_handler(service, methods)


def _behaviour(route: Route, road: Proceed, default_operator: str) -> Callable[[bytes, Context], Awaitable[bytes]]:
    """Serve one route; messages are parsed here, because gRPC's own refusal of broken bytes has no ErrorInfo."""

    async def serve(body: bytes, context: Context) -> bytes:
        call = _call(route, body, context, default_operator)
        try:
            response = await road(call)
        except Failure as failure:
            await _send_reply_metadata(call, context)
            await _abort(context, failure, call)
        await _send_reply_metadata(call, context)
        return response.SerializeToString()

    return serve


def _call(route: Route, body: bytes, context: Context, default_operator: str) -> Call:
    request: Any = route.request.message()
    unreadable = False
    try:
        request.ParseFromString(body)
    except DecodeError:
        request.Clear()
        unreadable = True
    if not request.operator:
        request.operator = default_operator
    given_id = request.request_id if route.takes_request_id else ""
    request_id = given_id or str(uuid.uuid4())
    remaining = context.time_remaining()
    return Call(
        route=route,
        request=request,
        operator=request.operator,
        request_id=request_id,
        unreadable=unreadable,
        deadline=None if remaining is None else time.monotonic() + remaining,
        metadata={key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)},
        reply_metadata={"request-id": request_id} if not given_id and _makes_request_id(route) else {},
    )


def _makes_request_id(route: Route) -> bool:
    """Tell whether the caller is told the id made here; where one is required, it has to be the caller's own."""
    field = route.request.field(REQUEST_ID)
    return field is not None and not field.required


async def _send_reply_metadata(call: Call, context: Context) -> None:
    if call.reply_metadata:
        await context.send_initial_metadata(tuple(call.reply_metadata.items()))


async def _abort(context: Context, failure: Failure, call: Call) -> NoReturn:
    status = to_status(failure, call.route, call.request)
    await context.abort(_CODES[status.code], status.message, trailing_metadata(failure, status))
