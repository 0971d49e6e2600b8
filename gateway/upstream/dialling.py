"""At which of its addresses is a server reached? At the first that answers (RFC 8305), on every event loop alike."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from ipaddress import ip_address
from itertools import zip_longest
from typing import Any, Final

__all__ = ["dialled"]

_NEXT_AFTER_S: Final = 0.25
"""When the next address is tried beside one that does not answer (RFC 8305, 5), in seconds."""

_Place = tuple[socket.AddressFamily, Any]


async def dialled(host: str, port: int) -> socket.socket:
    """Return a socket that is connected to one of a host's addresses; raises OSError where none answers."""
    places = await _places(host, port)
    return await (_connected(places[0]) if len(places) == 1 else _first(places))


async def _places(host: str, port: int) -> list[_Place]:
    """Resolve a name, families in turn; what is an address already needs no thread for that."""
    if _is_address(host):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    else:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = [(family, address) for family, _, _, _, address in found]
    preferred = [place for place in places if place[0] == places[0][0]]
    others = [place for place in places if place[0] != places[0][0]]
    return [place for pair in zip_longest(preferred, others) for place in pair if place is not None]


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ip_address(host)
        return True
    return False


async def _connected(place: _Place) -> socket.socket:
    family, address = place
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, address)
    except BaseException:
        connecting.close()
        raise
    return connecting


async def _first(places: list[_Place]) -> socket.socket:
    """Try one address after the other, each beside those that have not answered yet."""
    left = list(places)
    tries: list[asyncio.Task[socket.socket]] = []
    found: asyncio.Task[socket.socket] | None = None
    try:
        while found is None:
            if left:
                tries.append(asyncio.create_task(_connected(left.pop(0))))
            pending = [each for each in tries if not each.done()]
            if not pending:
                break
            await asyncio.wait(pending, timeout=_NEXT_AFTER_S if left else None, return_when=asyncio.FIRST_COMPLETED)
            found = next((each for each in tries if each.done() and each.exception() is None), None)
        return (found or tries[0]).result()
    finally:
        for each in tries:
            if each is not found:
                each.cancel()
                each.add_done_callback(_closed)


def _closed(late: asyncio.Task[socket.socket]) -> None:
    """Close what was reached when it was not needed any more."""
    if not late.cancelled() and late.exception() is None:
        late.result().close()
