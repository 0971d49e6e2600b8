"""Which calls move money? CreateTicket over many streams, each with an id of its own: ``TARGET STREAMS SECONDS``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from contextlib import AsyncExitStack
from typing import Any, Final

import grpc.aio

from betstack.ticket.v1 import ticket_service_pb2 as pb

_CREATE: Final = "/betstack.ticket.v1.TicketService/CreateTicket"
_CONNECTIONS: Final = 8


def _request() -> pb.CreateTicketRequest:
    return pb.CreateTicketRequest(
        request_id=str(uuid.uuid4()),
        operator="site",
        token="demo",
        price=10000,
        currency="KES",
        source=pb.TICKET_SOURCE_MOBILE,
        superbet=pb.Superbet(event=2078000, bets=[101, 102]),
    )


async def _main(target: str, streams: int, seconds: float) -> None:
    ends = time.monotonic() + seconds
    calls = 0

    async def stream(create: Any) -> None:
        nonlocal calls
        while time.monotonic() < ends:
            answer = await create(_request(), timeout=30)
            assert answer.ticket.id, "an answer without a ticket"
            calls += 1

    async with AsyncExitStack() as stack:
        options = [("grpc.use_local_subchannel_pool", 1)]
        creates = []
        for _ in range(_CONNECTIONS):
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(target, options=options))
            creates.append(
                channel.unary_unary(
                    _CREATE,
                    request_serializer=pb.CreateTicketRequest.SerializeToString,
                    response_deserializer=pb.CreateTicketResponse.FromString,
                )
            )
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                group.create_task(stream(creates[number % _CONNECTIONS]))
        took = time.monotonic() - began
    print(json.dumps({"calls": calls, "seconds": took, "own_cpu_s": time.process_time()}))


asyncio.run(_main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
