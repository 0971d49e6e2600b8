"""How does a caller get a token? A random one, shown once, and its hash for the settings."""

from __future__ import annotations

import secrets
from typing import Final

import click

from gateway.callers import token_hash

__all__ = ["token_command"]

_PREFIX: Final = "betstack_"
_BYTES: Final = 32


@click.command()
def token_command() -> None:
    """Make a bearer token for a caller.

    The token is for the caller and is kept nowhere; the hash is for the settings, in the caller's `tokens`.
    """
    token = _PREFIX + secrets.token_urlsafe(_BYTES)
    click.echo(f"token  {token}\nhash   {token_hash(token)}")
