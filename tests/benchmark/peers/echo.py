"""What does grpc.aio cost by itself? A server that answers with what it was asked."""

from __future__ import annotations

import asyncio

from betstack.ticket.v1 import ticket_service_pb2 as pb
from tests.benchmark.peers.serving import served


async def _echo(request: pb.GetTicketRequest) -> pb.GetTicketRequest:
    return request


asyncio.run(served(_echo, pb.GetTicketRequest))
