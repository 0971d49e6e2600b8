"""What becomes of connections that come in while the receiver ends?"""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.http_listener import listening


async def _answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


@pytest.mark.parametrize("turns", range(8))
async def test_a_connection_that_was_being_accepted_does_not_hold_up_the_end(turns: int) -> None:
    """However far it had come, and however much is asked over it: the receiver ends, long before its patience."""
    async with asyncio.timeout(5):
        async with listening(Starlette(routes=[Route("/", _answer)]), "127.0.0.1:0") as address:
            host, _, port = address.rpartition(":")
            opening = asyncio.create_task(asyncio.open_connection(host, int(port)))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking = asyncio.create_task(_ask(opening))
    asking.cancel()
    await asyncio.wait({asking})


async def _ask(opening: asyncio.Task[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
    """Ask over one connection until it is closed."""
    try:
        reader, writer = await opening
    except OSError:
        return
    try:
        while True:
            writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
            await reader.readuntil(b"\r\n\r\nhere")
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.transport.abort()
