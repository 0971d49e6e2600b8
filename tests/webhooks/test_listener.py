"""What becomes of connections that come in while the receiver ends?"""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.http_listener import listening
from tests.loops import BOTH


async def _answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


@pytest.mark.parametrize("loop", BOTH)
@pytest.mark.parametrize("turns", range(-20, 8))
def test_a_connection_that_was_being_accepted_does_not_hold_up_the_end(turns: int, loop: str) -> None:
    """However far it had come, and however much is asked over it: the receiver ends, long before its patience.

    It comes in so many turns of the event loop before the end, or after it.
    """
    with asyncio.Runner(loop_factory=BOTH[loop]) as runner:
        runner.run(_end_beside_a_connection(turns))


async def _end_beside_a_connection(turns: int) -> None:
    async with asyncio.timeout(5):
        async with listening(Starlette(routes=[Route("/", _answer)]), "127.0.0.1:0") as address:
            asking = asyncio.create_task(_ask(address, after=max(0, -turns)))
            await _turns(max(0, turns))
    asking.cancel()
    await asyncio.wait({asking})


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def _ask(address: str, *, after: int) -> None:
    """Ask over one connection until it is closed."""
    host, _, port = address.rpartition(":")
    await _turns(after)
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
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
