"""Is the platform who it says it is? Certificates are made by openssl for the occasion."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.failure import Reason
from tests.harness import client_of, http_answer, refused, scripted, settings_for
from tests.rpc.calls import CREATE, GET_TICKET, LIST_CARDS

TICKET = b'{"id":"668ef666333180bba97f0c93"}'

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")


def certified(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for a name that vouches for itself, and a server's side of it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-keyout {key} -out {certificate} -subj /CN=platform -addext subjectAltName={name}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


async def test_a_certificate_that_nobody_vouches_for_is_unreachable(tmp_path: Path) -> None:
    """Against the machine's own authorities a platform that vouches for itself gets nothing of a bet."""
    _, context = certified(tmp_path, "IP:127.0.0.1")
    async with scripted(http_answer(200, TICKET), ssl=context) as platform:
        async with client_of(settings_for(platform.url, upstream={"ca_file": None})) as client:
            with refused(Reason.UPSTREAM_UNREACHABLE, execution="NOT_EXECUTED"):
                await CREATE(client)
            with refused(Reason.UPSTREAM_UNREACHABLE):
                await GET_TICKET(client)
        assert platform.requests == []


async def test_a_trusted_certificate_works_and_its_connection_is_kept(tmp_path: Path) -> None:
    """With `upstream.ca_file` the same platform is trusted, and two calls share a connection."""
    certificate, context = certified(tmp_path, "IP:127.0.0.1")
    async with scripted(http_answer(200, TICKET), ssl=context) as platform:
        trusting: dict[str, Any] = {"ca_file": str(certificate)}
        async with client_of(settings_for(platform.url, upstream=trusting)) as client:
            await CREATE(client)
            await GET_TICKET(client)

        assert len(platform.requests) == 2
        assert platform.connections == 1


async def test_a_certificate_for_another_name_is_unreachable(tmp_path: Path) -> None:
    """Trusting the certificate is not enough: it has to be for the host that is called."""
    certificate, context = certified(tmp_path, "DNS:api.betstack.io")
    async with scripted(http_answer(200, b"[]"), ssl=context) as platform:
        trusting: dict[str, Any] = {"ca_file": str(certificate)}
        async with client_of(settings_for(platform.url, upstream=trusting)) as client:
            with refused(Reason.UPSTREAM_UNREACHABLE):
                await LIST_CARDS(client)
        assert platform.requests == []


async def test_http_is_not_spoken_to_a_platform_of_https(tmp_path: Path) -> None:
    """A URL with https never falls back to plain HTTP."""
    certificate, _ = certified(tmp_path, "IP:127.0.0.1")
    async with scripted(http_answer(200, TICKET)) as plain:
        trusting: dict[str, Any] = {"ca_file": str(certificate), "connect_timeout_s": 0.2}
        url = plain.url.replace("http://", "https://")
        async with client_of(settings_for(url, upstream=trusting)) as client:
            with refused(Reason.UPSTREAM_UNREACHABLE, execution="NOT_EXECUTED"):
                await CREATE(client)
        assert plain.requests == []
