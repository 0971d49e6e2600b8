"""How does a peer serve GetTicket? On grpc.aio, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from betstack.ticket.v1 import ticket_service_pb2 as pb
from gateway.scheduling import threads_standing_back

__all__ = ["served"]

_SERVICE = "betstack.ticket.v1.TicketService"


async def served(get: Callable[[pb.GetTicketRequest], Awaitable[Message]], answers: type[Message]) -> None:
    """Answer GetTicket with what ``get`` gives, a message of the type ``answers``; print where.

    With ``STAND_BACK`` in the environment its threads are scheduled as those of our gateway are.
    """

    async def serve(request: pb.GetTicketRequest, _: Any) -> Message:
        return await get(request)

    handler: Any = grpc.unary_unary_rpc_method_handler(
        serve, request_deserializer=pb.GetTicketRequest.FromString, response_serializer=answers.SerializeToString
    )
    with threads_standing_back() if os.environ.get("STAND_BACK") else nullcontext():
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"GetTicket": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
    print(f"gateway  127.0.0.1:{port}", flush=True)
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await end.wait()
    await server.stop(0)
