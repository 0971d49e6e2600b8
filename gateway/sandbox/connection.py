"""How can a connection be cut in the middle of an exchange?

ASGI knows no way to hang up. uvicorn's protocol object for a connection does, so that object comes along with every
request, in ``scope["state"]["connection"]``. It also keeps the request target as it came over the wire.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

__all__ = ["Connection"]

# On, zero seconds: closing the socket throws away what is unsent and sends RST.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class _Parser(h11.Connection):
    target = b""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.target = event.target
        return event


class Connection(H11Protocol):
    """A connection to the sandbox."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state | {"connection": self}, _loop)
        self._parser = _Parser(h11.SERVER)
        self.conn = self._parser

    @property
    def target(self) -> str:
        """The target of the request that is being handled, byte for byte."""
        return self._parser.target.decode("ascii")

    def hang_up(self) -> None:
        """Close the connection at once; what is not sent yet is not sent."""
        self.transport.abort()

    def hang_up_after_sending(self) -> None:
        """Close the connection as soon as everything written is sent."""
        self.transport.close()

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        if not self.transport.is_closing():
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()
