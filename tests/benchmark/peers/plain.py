"""What does the gateway cost that a user would write in an hour? grpc.aio and one ``httpx.AsyncClient`` for all calls."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import httpx

from betstack.ticket.v1 import ticket_service_pb2 as pb
from tests.benchmark.peers.answer import response_of, signed_headers
from tests.benchmark.peers.serving import served

_LIMITS: Final = httpx.Limits(max_connections=2000, max_keepalive_connections=2000, keepalive_expiry=60)


async def _main(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, limits=_LIMITS, timeout=10) as client:

        async def get(request: pb.GetTicketRequest) -> pb.GetTicketResponse:
            answer = await client.get(f"/be/tickets/{request.identifier}", headers=signed_headers())
            answer.raise_for_status()
            return response_of(answer.json())

        await served(get, pb.GetTicketResponse)


asyncio.run(_main(sys.argv[1]))
