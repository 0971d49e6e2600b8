"""Can this program listen there? Asked before a server is started, for an answer that people understand."""

from __future__ import annotations

import socket

import click

from gateway.settings import host_and_port

__all__ = ["Address", "require_free"]


class Address(click.ParamType[str, str]):
    """The type of an option that is ``host:port``."""

    name = "host:port"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address as it is, or refuse it."""
        try:
            host_and_port(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        return value


def require_free(address: str) -> None:
    """Raise the sentence that says why nobody can listen on this address."""
    host, port = host_and_port(address)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
            trial.listen(1)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {address}: {error.strerror}") from None
