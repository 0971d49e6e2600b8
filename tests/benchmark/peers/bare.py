"""How cheap can the same call be in Python? grpc.aio and a socket client that knows nothing but the answer it expects.

It is a bound and no gateway: no timeout, no limit, no check, no error, nothing but the way there and back.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlsplit

from betstack.ticket.v1 import ticket_service_pb2 as pb
from tests.benchmark.peers.answer import response_of, signed_headers
from tests.benchmark.peers.serving import served


class _Connection(asyncio.Protocol):
    """One exchange after the other; answers have a length."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    def exchange(self, request: bytes) -> asyncio.Future[bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        received = self._received + data
        head, _, body = received.partition(b"\r\n\r\n")
        if len(body) < int(head.partition(b"\r\nContent-Length: ")[2].partition(b"\r\n")[0]):
            self._received = received
            return
        self._received = b""
        assert self._answer is not None
        self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())


async def _main(url: str) -> None:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    loop = asyncio.get_running_loop()
    idle: list[_Connection] = []

    async def get(request: pb.GetTicketRequest) -> pb.GetTicketResponse:
        head = f"GET /be/tickets/{request.identifier} HTTP/1.1\r\nhost: {address.netloc}\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed_headers().items())
        if idle:
            connection = idle.pop()
        else:
            _, connection = await loop.create_connection(_Connection, host, port)
        body = await connection.exchange(f"{head}{lines}\r\n".encode())
        idle.append(connection)
        return response_of(json.loads(body))

    await served(get, pb.GetTicketResponse)


asyncio.run(_main(sys.argv[1]))
