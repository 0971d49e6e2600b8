"""Who gets a connection, and who is it? Real certificates, made for the occasion, and changed while the gateway runs."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import pytest

from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.app import Gateway, gateway
from gateway.callers import token_hash
from tests.certificates import Authority, Pair
from tests.harness import Refusal, http_answer, scripted, settings_for
from tests.rpc.calls import GET_TICKET, refusal_of

TICKET: Final = b'{"id":"668ef666333180bba97f0c93"}'
WEB: Final = "spiffe://site.example/web"
APP: Final = "app.site.example"
PATIENCE_S: Final = 20

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")


def caller(**known_by: Any) -> dict[str, Any]:
    """Return the settings of a caller that may read."""
    return {"operators": ["site"], "rights": ["read"], **known_by}


@dataclass(frozen=True, slots=True)
class Secured:
    """A running gateway that speaks TLS, its authority, and the files it reads."""

    gateway: Gateway
    authority: Authority
    server: Pair
    client_authorities: Path

    def channel(self, shown: Pair | None = None, trusted: Path | None = None) -> grpc.aio.Channel:
        """Connect as somebody who shows this certificate and trusts that authority."""
        pair = shown.read() if shown else ()
        trust = (trusted or self.authority.path).read_bytes()
        return grpc.aio.secure_channel(self.gateway.target, grpc.ssl_channel_credentials(trust, *pair))

    async def asked(self, shown: Pair | None = None, token: str = "", trusted: Path | None = None) -> Refusal:
        """Read a ticket over a connection of its own; an empty refusal means that it was answered."""
        async with self.channel(shown, trusted) as channel:
            return await asked(channel, token)

    def looked(self) -> None:
        """Let the gateway look at its files until it has seen that they have settled."""
        for _ in range(2):
            self.gateway.reloading.look()


async def asked(channel: grpc.aio.Channel, token: str = "") -> Refusal:
    """Read a ticket."""
    stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return await refusal_of(stub.GetTicket(GET_TICKET.made(), metadata=metadata))


@asynccontextmanager
async def secured(folder: Path, *, mutual: bool, watch_s: float = 3600) -> AsyncIterator[Secured]:
    """Run a gateway with a certificate; a mutual one wants to see its callers', too."""
    authority = Authority(folder)
    pair = authority.signed("server")
    authorities = folder / "client-authorities.pem"
    shutil.copy(authority.path, authorities)
    server: dict[str, Any] = {"tls_cert_file": pair.certificate, "tls_key_file": pair.key, "watch_s": watch_s}
    callers = {"token": caller(tokens=[token_hash("t0ken")])}
    if mutual:
        server["client_ca_file"] = authorities
        callers |= {"web": caller(certificates=[WEB]), "app": caller(certificates=[f"dns:{APP}"])}
    async with (
        scripted(http_answer(200, TICKET)) as platform,
        gateway(settings_for(platform.url, server=server, callers=callers)) as running,
    ):
        yield Secured(running, authority, pair, authorities)


def put(pair: Pair, place: Pair) -> None:
    """Put another certificate and its key in the place of one, each as a whole."""
    for source, target in ((pair.certificate, place.certificate), (pair.key, place.key)):
        copy = target.with_suffix(".new")
        shutil.copy(source, copy)
        copy.replace(target)


def put_for_everybody(pair: Pair, place: Pair) -> None:
    """Put another pair in the place of one, with a key that everybody can read."""
    put(pair, place)
    place.key.chmod(0o644)


def reason_of(refusal: Refusal) -> str:
    """Return why a call was refused: its reason, or the status of a call that met no gateway; empty if it was not."""
    if refusal.info:
        return str(refusal.info.reason)
    return "" if refusal.code is grpc.StatusCode.OK else refusal.code.name


async def test_a_token_over_tls_is_enough(tmp_path: Path) -> None:
    """Where no client certificate is asked for a token says who calls; the connection alone says nothing."""
    async with secured(tmp_path, mutual=False) as running:
        assert reason_of(await running.asked(token="t0ken")) == ""
        assert reason_of(await running.asked()) == "CALLER_UNKNOWN"
        assert reason_of(await running.asked(running.authority.signed("web", f"URI:{WEB}"))) == "CALLER_UNKNOWN"


async def test_without_tls_there_is_no_connection(tmp_path: Path) -> None:
    """Plaintext, and a client that trusts somebody else, get nowhere."""
    stranger = Authority(tmp_path, "stranger")
    async with secured(tmp_path, mutual=False) as running:
        async with grpc.aio.insecure_channel(running.gateway.target) as channel:
            assert reason_of(await asked(channel, "t0ken")) == "UNAVAILABLE"
        assert reason_of(await running.asked(token="t0ken", trusted=stranger.path)) == "UNAVAILABLE"


NAMES: Final = {
    "the SPIFFE identity": (f"URI:{WEB}", ""),
    "the SPIFFE identity and a host": (f"URI:{WEB},DNS:other", ""),
    "the host": (f"DNS:{APP}", ""),
    "the host in other letters": (f"DNS:{APP.upper()}", ""),
    "nothing known": ("DNS:other", "CALLER_UNKNOWN"),
    "an address": ("IP:127.0.0.1", "CALLER_UNKNOWN"),
    "the names of two callers": (f"URI:{WEB},DNS:{APP}", "CALLER_UNKNOWN"),
    "two identities": (f"URI:{WEB},URI:spiffe://site.example/other", "CALLER_UNKNOWN"),
    "another path of the identity": (f"URI:{WEB}/admin", "CALLER_UNKNOWN"),
    "the identity as a host": (f"DNS:{WEB}", "CALLER_UNKNOWN"),
    "the host as an identity": (f"URI:dns:{APP}", "CALLER_UNKNOWN"),
    "the identity as a mail address": (f"email:{WEB}", "CALLER_UNKNOWN"),
}
"""What stands in a client certificate, and why a call with it is refused."""


async def test_a_caller_is_known_by_its_certificate(tmp_path: Path) -> None:
    """A name counts as what it is: an identity is no host, and a certificate for two callers is nobody's."""
    async with secured(tmp_path, mutual=True) as running:
        found = {
            what: reason_of(await running.asked(running.authority.signed("client", names)))
            for what, (names, _) in NAMES.items()
        }

        assert found == {what: reason for what, (_, reason) in NAMES.items()}


async def test_no_certificate_no_connection(tmp_path: Path) -> None:
    """Where certificates are asked for, none, one of another authority and one that vouches for itself are refused."""
    stranger = Authority(tmp_path, "stranger")
    async with secured(tmp_path, mutual=True) as running:
        for shown in (None, stranger.signed("foreign", f"URI:{WEB}"), Pair(stranger.path, tmp_path / "stranger.key")):
            assert reason_of(await running.asked(shown, "t0ken")) == "UNAVAILABLE"


async def test_behind_one_certificate_tokens_tell_callers_apart(tmp_path: Path) -> None:
    """A token counts where there is one, and an unknown one is refused whatever the certificate says."""
    async with secured(tmp_path, mutual=True) as running:
        mesh = running.authority.signed("mesh", "DNS:mesh")
        assert reason_of(await running.asked(mesh, "t0ken")) == ""
        web = running.authority.signed("web", f"URI:{WEB}")
        assert reason_of(await running.asked(web, "other")) == "CALLER_UNKNOWN"


async def test_a_new_certificate_is_shown_to_new_connections(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that is there lives on; who connects later sees the new certificate."""
    other = Authority(tmp_path, "other")
    async with secured(tmp_path, mutual=False) as running, running.channel() as channel:
        assert reason_of(await asked(channel, "t0ken")) == ""

        put(other.signed("renewed"), running.server)
        with caplog.at_level(logging.INFO, logger="gateway"):
            running.looked()

        assert reason_of(await running.asked(token="t0ken", trusted=other.path)) == ""
        assert reason_of(await running.asked(token="t0ken")) == "UNAVAILABLE"
        assert reason_of(await asked(channel, "t0ken")) == ""
        assert "server.tls_cert_file: new connections see what the files hold now" in caplog.text


async def test_who_is_let_in_changes_with_the_file_of_authorities(tmp_path: Path) -> None:
    """Certificates of a new authority are taken, those of one that is gone are not."""
    other = Authority(tmp_path, "other")
    async with secured(tmp_path, mutual=True) as running:
        old, new = running.authority.signed("old", f"URI:{WEB}"), other.signed("new", f"URI:{WEB}")
        assert [reason_of(await running.asked(each)) for each in (old, new)] == ["", "UNAVAILABLE"]

        shutil.copy(other.path, running.client_authorities)
        running.looked()

        assert [reason_of(await running.asked(each)) for each in (old, new)] == ["UNAVAILABLE", ""]


async def test_a_file_that_cannot_be_used_leaves_the_old_certificate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a pair, rubbish, nothing and a key for everybody: each is said once, and connections work as before."""
    async with secured(tmp_path, mutual=True) as running:
        web = running.authority.signed("web", f"URI:{WEB}")
        other = running.authority.signed("other")
        certificate = running.server.certificate.read_bytes()

        for spoil in (
            lambda: shutil.copy(other.certificate, running.server.certificate),
            lambda: running.server.certificate.write_text("rubbish"),
            lambda: running.client_authorities.write_text(""),
            running.server.key.unlink,
            lambda: put_for_everybody(other, running.server),
        ):
            caplog.clear()
            spoil()
            running.looked()
            running.looked()

            [line] = [record.getMessage() for record in caplog.records]
            assert line.startswith("server.tls_key_file: ")
            assert line.endswith("; what was in force stays")
            assert reason_of(await running.asked(web)) == ""
            running.server.certificate.write_bytes(certificate)
            shutil.copy(running.authority.path, running.client_authorities)


async def test_the_gateway_looks_by_itself(tmp_path: Path) -> None:
    """Nobody has to tell it that a file has changed."""
    other = Authority(tmp_path, "other")
    async with secured(tmp_path, mutual=False, watch_s=0.02) as running:
        put(other.signed("renewed"), running.server)

        async with asyncio.timeout(PATIENCE_S):
            while reason_of(await running.asked(token="t0ken", trusted=other.path)):
                pass
