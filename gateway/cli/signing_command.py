"""Why does the platform refuse a signature? Sign a body here and compare, byte for byte."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.wire.signing import Whitespace, message_to_sign, sign

__all__ = ["read_key", "sign_command"]


@click.command()
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The key; a newline at its end does not count.",
)
@click.option("--timestamp", type=click.IntRange(min=0), help="Unix time in seconds; now if absent.")
@click.option("--operator", help="Send this operator's name in the header operator-name.")
@click.option(
    "--whitespace", type=click.Choice([each.value for each in Whitespace]), default="compact", show_default=True
)
@click.option("--url", default="http://127.0.0.1:9090/be/tickets", show_default=True, help="Where curl sends it.")
def sign_command(secret_file: Path, timestamp: int | None, operator: str | None, whitespace: str, url: str) -> None:
    """Sign a body as the platform wants it signed.

    The body comes on standard input; what is signed, the signature and a line for curl go to standard output.
    """
    body = _text(sys.stdin.buffer.read())
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    reading = Whitespace(whitespace)
    signature = sign(read_key(secret_file), stamp, body.encode(), reading)
    named = {} if operator is None else {"operator-name": operator}
    headers = {"timestamp": stamp, **named, "signature": signature}
    click.echo(f"message    {message_to_sign(stamp, body.encode(), reading).decode()}")
    click.echo(f"signature  {signature}")
    click.echo(_curl(url, headers, body))


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise click.ClickException("the body is not UTF-8") from None
    if "\0" in text:
        raise click.ClickException("the body has a zero byte in it, which is no JSON")
    return text


def read_key(file: Path) -> bytes:
    """Return the key in a file, without the newline at its end."""
    key = file.read_bytes().rstrip(b"\r\n")
    if not key:
        raise click.ClickException(f"{file}: the file is empty")
    return key


def _curl(url: str, headers: Mapping[str, str], body: str) -> str:
    """Return a line for a shell that sends the body as it is; without a body it is a GET."""
    sent = {**headers, "content-type": "application/json"} if body else headers
    words = ["curl", url, *(word for name, value in sent.items() for word in ("-H", f"{name}: {value}"))]
    return shlex.join([*words, "--data-raw", body] if body else words)
