"""How does a command reach a server? The options of a connection, and in a sentence why there is none."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
import grpc

from gateway.cli.reflection_client import Metadata
from gateway.cli.status_text import as_call, printable, refusal

__all__ = ["Connection", "connecting", "no_answer"]

_OPTIONS: Final = (("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", -1))
_GRPC_PREFIX: Final = re.compile(r"^.*(?:Failed to connect to remote host: |last error: \w+: )")
_TOKEN: Final = re.compile(r"[!-~]+")
_HEADER: Final = re.compile(r"([0-9a-z_.-]+):([ -~]*)")


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a server is, what goes with every call to it, and what TLS needs; nothing of that means without TLS."""

    target: str
    metadata: Metadata
    tls: bool
    cacert: Path | None
    cert: Path | None
    key: Path | None
    servername: str | None

    def channel(self) -> grpc.Channel:
        """Open a channel."""
        if not (self.tls or self.cacert or self.cert or self.servername):
            return grpc.insecure_channel(self.target, _OPTIONS)
        files = [path.read_bytes() if path else None for path in (self.cacert, self.key, self.cert)]
        expected = (("grpc.ssl_target_name_override", self.servername),) if self.servername else ()
        return grpc.secure_channel(self.target, grpc.ssl_channel_credentials(*files), (*_OPTIONS, *expected))


def no_answer(target: str, error: grpc.RpcError) -> str:
    """Say why a server cannot be asked; where it answered, what it refused with."""
    call = as_call(error)
    if call.code() is grpc.StatusCode.UNAVAILABLE:
        return f"cannot reach {target}: {_GRPC_PREFIX.sub('', printable(call.details() or ''))}"
    if call.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"{target} does not answer in time"
    return f"{target} refuses to say what it serves\n{refusal(call)}"


def _metadata(_: click.Context, __: click.Parameter, given: Iterable[str]) -> Metadata:
    """Take ``name: value`` apart; the value of a ``-bin`` header is base64."""
    return [_header(each) for each in given]


def _header(given: str) -> tuple[str, str | bytes]:
    found = _HEADER.fullmatch(given)
    if found is None:
        raise click.BadParameter(f"{given!r} has to be 'name: value' in ASCII, the name in lower case")
    name, value = found[1], found[2].strip()
    if not name.endswith("-bin"):
        return name, value
    try:
        return name, base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        raise click.BadParameter(f"{name}: the value has to be base64") from None


def _token(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is not None and not _TOKEN.fullmatch(given):
        raise click.BadParameter("a token is printable ASCII without blanks")
    return given


def _token_in(context: click.Context, parameter: click.Parameter, path: Path | None) -> str | None:
    return None if path is None else _token(context, parameter, path.read_bytes().decode(errors="replace").strip())


_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_CONNECTION: Final = (
    click.option("--target", default="127.0.0.1:50051", show_default=True, help="The server."),
    click.option(
        "-H",
        "--header",
        "metadata",
        multiple=True,
        callback=_metadata,
        metavar="'NAME: VALUE'",
        help="Request metadata.",
    ),
    click.option(
        "--token", envvar="BETSTACK_TOKEN", callback=_token, help="Bearer token; better in the variable BETSTACK_TOKEN."
    ),
    click.option("--token-file", type=_FILE, callback=_token_in, help="A file with the bearer token."),
    click.option("--tls", is_flag=True, help="Use TLS; trust the machine's authorities."),
    click.option("--cacert", type=_FILE, help="Use TLS; trust these certificates."),
    click.option("--cert", type=_FILE, help="Use TLS; present this certificate."),
    click.option("--key", type=_FILE, help="The key of --cert."),
    click.option("--servername", metavar="NAME", help="Use TLS; expect a certificate for this name."),
)


def connecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a connection; what they say comes as its argument ``connection``."""

    @wraps(command)
    def with_connection(
        *,
        target: str,
        metadata: Metadata,
        token: str | None,
        token_file: str | None,
        tls: bool,
        cacert: Path | None,
        cert: Path | None,
        key: Path | None,
        servername: str | None,
        **others: Any,  # noqa: ANN401 - the command's own options
    ) -> None:
        if bool(cert) is not bool(key):
            raise click.UsageError("--cert and --key belong together")
        if bearer := token_file or token:
            metadata = [*metadata, ("authorization", f"Bearer {bearer}")]
        command(connection=Connection(target, metadata, tls, cacert, cert, key, servername), **others)

    for option in reversed(_CONNECTION):
        with_connection = option(with_connection)
    return with_connection
