"""How does a server stop taking connections while it serves those that it has? By closing the door behind its back.

gRPC stops both at once: with the first byte of its shutdown, calls that are on their way on an open connection are
cancelled. A socket that listens no more is all it takes to let clients find another server, and the limit on the age of
connections makes them look for one without losing a call.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

__all__ = ["close_intake"]

_DESCRIPTORS: Final = Path("/dev/fd")


def close_intake(port: int) -> None:
    """Let every socket of this process that listens on a TCP port listen no more; where they cannot be found, nothing."""
    for listening in _listening(port):
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _listening(port: int) -> Iterator[socket.socket]:
    for entry in list(_DESCRIPTORS.iterdir()) if _DESCRIPTORS.is_dir() else ():
        with suppress(OSError), closing(_Handle(int(entry.name))) as handle:
            if handle.listens_on(port):
                yield handle.socket


class _Handle:
    """A second handle of an open file, if that is a socket; raises OSError if not."""

    def __init__(self, descriptor: int) -> None:
        copy = os.dup(descriptor)
        try:
            self.socket = socket.socket(fileno=copy)
        except OSError:
            os.close(copy)
            raise

    def listens_on(self, port: int) -> bool:
        """Tell whether it waits for connections there."""
        if self.socket.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        is_listening = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(is_listening) and self.socket.getsockname()[1] == port

    def close(self) -> None:
        """Give up the handle, and nothing else."""
        self.socket.close()
