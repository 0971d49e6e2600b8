"""What can be changed while the gateway runs, and what becomes of the calls that are on their way?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from gateway.callers import token_hash
from gateway.failure import Reason
from gateway.live import with_what_may_change
from gateway.sandbox import Exchange, Sandbox, SandboxOptions, sandbox
from gateway.settings import Settings, SettingsProblems, load_settings
from gateway.wire.signing import verify
from tests.harness import Client, client_of, content_for, http_answer, refused, scripted, secret_file
from tests.rpc.bets import placed
from tests.rpc.calls import CREATE, GET_TICKET, LIST_CARDS, Gate, error_body, refusal_of
from tests.webhooks.circle import Clock, circle, circle_settings
from tests.webhooks.deliveries import delivery
from tests.webhooks.services import refusing, services

OLD, NEW, OTHER = "old-S3cret", "new-S3cret", "other-S3cret"
TICKET: Final = b'{"id":"668ef666333180bba97f0c93"}'
PATIENCE_S: Final = 20
DAY_S: Final = 86_400


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens to keys, no line of the log has one."""
    with caplog.at_level(logging.DEBUG, logger="gateway"):
        yield
    assert "S3cret" not in caplog.text


def lines_of(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """Return what was said about reloading."""
    return [each.getMessage() for each in caplog.records if each.name == "gateway.reload" and each.levelno >= level]


class Changing:
    """Settings that change: content as a file would have it, read anew each time."""

    def __init__(self, url: str, **content: Any) -> None:
        self.content = content_for(url, **content)

    def __call__(self) -> Settings:
        """Read them."""
        return load_settings(**self.content)

    def operator(self, **fields: Any) -> None:
        """Change something about the operator ``site``; None leaves it out."""
        site = {**self.content["operators"]["site"], **fields}
        self.content["operators"] = {"site": {key: value for key, value in site.items() if value is not None}}


def key(folder: Path, name: str, use: str, **more: Any) -> dict[str, Any]:
    """Return one key of the settings."""
    return {"id": name, "secret_file": folder / name, "use": use, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two keys."""
    secret_file(tmp_path / "old", OLD.encode())
    secret_file(tmp_path / "new", NEW.encode())
    return tmp_path


# ----------------------------------------------------------------------------------------------------- keys


async def test_a_change_of_keys_drops_no_call(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Bets and reads go on while the key changes back and forth many times; each is signed with one that was active."""
    options = SandboxOptions(
        listen="127.0.0.1:0", operators={"site": OLD}, more_keys={"site": [NEW]}, journal_size=10**6
    )
    async with sandbox(options) as platform:
        settings = Changing(platform.url)
        settings.operator(secret=None, keys=[key(folder, "old", "active"), key(folder, "new", "next")])
        async with client_of(settings()) as client:
            changing = asyncio.create_task(_changes(client, settings, folder))
            made = await asyncio.gather(*(_calls_until(changing, client, platform) for _ in range(4)))

        signers = {_signer(exchange) for exchange in platform.journal}
        assert signers == {OLD, NEW}
        assert min(made) > 0
        assert lines_of(caplog, logging.WARNING) == []


async def _changes(client: Client, settings: Changing, folder: Path) -> None:
    for uses in (("next", "active"), ("active", "retired"), ("retired", "active")) * 5:
        settings.operator(keys=[key(folder, name, use) for name, use in zip(("old", "new"), uses, strict=True)])
        await client.gateway.reloading.reread(settings)
        await client.cards.ListSuperbetCards(LIST_CARDS.made())


async def _calls_until(ended: asyncio.Task[None], client: Client, platform: Sandbox) -> int:
    """Bet and read until something has ended; every call has to succeed."""
    count = 0
    while not ended.done() or not count:
        ticket = (await client.tickets.CreateTicket(placed(platform, "superbet", price=100))).ticket
        request: Any = GET_TICKET.made()
        request.identifier = ticket.id
        assert (await client.tickets.GetTicket(request)).ticket.id == ticket.id
        count += 1
    ended.result()
    return count


def _signer(exchange: Exchange) -> str:
    timestamp, signature = exchange.header("timestamp") or "", exchange.header("signature") or ""
    return next(each for each in (OLD, NEW) if verify([each.encode()], timestamp, exchange.body, signature))


async def test_a_bet_in_flight_keeps_its_signature() -> None:
    """A bet that is on its way when the key changes is answered; the next one is signed with the new key."""
    gate = Gate(http_answer(200, TICKET))
    async with scripted(gate) as platform:
        settings = Changing(platform.url)
        settings.operator(secret=OLD)
        async with client_of(settings()) as client:
            call = asyncio.ensure_future(CREATE(client))
            await gate.asked.wait()
            settings.operator(secret=NEW)
            await client.gateway.reloading.reread(settings)
            gate.open.set()

            assert (await call).ticket.id
            await CREATE(client)
            assert [_signed_by(request) for request in platform.requests] == [OLD, NEW]


async def test_a_read_is_signed_with_the_key_of_its_moment() -> None:
    """A key that changes within a second changes the signature, although all reads of a second have the same otherwise."""
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url)
        async with client_of(settings(), clock=lambda: 1_706_090_303.5) as client:
            for secret in (OLD, NEW, NEW, OLD):
                settings.operator(secret=secret)
                await client.gateway.reloading.reread(settings)
                await GET_TICKET(client)

        assert [_signed_by(request) for request in platform.requests] == [OLD, NEW, NEW, OLD]


def _signed_by(request: bytes) -> str:
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return next(
        each for each in (OLD, NEW) if verify([each.encode()], headers["timestamp"], body, headers["signature"])
    )


async def test_a_key_file_that_changes_is_read_once_it_has_settled(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is still being written is left alone; a new key counts from the next look on."""
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url)
        settings.operator(secret=None, secret_file=folder / "old")
        async with client_of(settings()) as client:
            look = client.gateway.reloading.look
            for _ in range(2):
                look()

            (folder / "old").write_bytes(NEW.encode()[:3])
            look()
            (folder / "old").write_bytes(NEW.encode())
            look()
            await CREATE(client)
            look()
            await CREATE(client)

            assert [_signed_by(request) for request in platform.requests] == [OLD, NEW]
            assert lines_of(caplog) == ["operators.site: the keys that the files hold now are in force"]


async def test_the_gateway_looks_at_its_keys_by_itself(folder: Path) -> None:
    """Nobody has to tell it that a key has changed."""
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url, server={"watch_s": 0.02})
        settings.operator(secret=None, secret_file=folder / "old")
        async with client_of(settings()) as client:
            (folder / "new").replace(folder / "old")

            async with asyncio.timeout(PATIENCE_S):
                while not platform.requests or _signed_by(platform.requests[-1]) != NEW:
                    await GET_TICKET(client)


async def test_a_key_file_that_cannot_be_used_leaves_the_old_key(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Empty, gone or for everybody: each is said once; another operator's change counts all the same."""
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url)
        settings.operator(secret=None, secret_file=folder / "old")
        acme = {**settings.content["operators"]["site"], "secret_file": secret_file(folder / "acme", OTHER.encode())}
        settings.content["operators"]["acme"] = acme
        async with client_of(settings()) as client:
            look = client.gateway.reloading.look
            for spoil in (
                lambda: (folder / "old").write_bytes(b""),
                lambda: secret_file(folder / "old", NEW.encode()).chmod(0o644),
                (folder / "old").unlink,
            ):
                caplog.clear()
                spoil()
                for _ in range(4):
                    look()
                [line] = lines_of(caplog)
                assert line.startswith("operators.site: ")
                assert line.endswith("; what was in force stays")
            secret_file(folder / "acme", NEW.encode())
            for _ in range(2):
                look()

            for operator in ("site", "acme"):
                request: Any = GET_TICKET.made()
                request.operator = operator
                await client.tickets.GetTicket(request)
            assert [_signed_by(request) for request in platform.requests] == [OLD, NEW]


async def test_webhooks_hold_under_every_key_that_is_valid(folder: Path) -> None:
    """The active key, the next one and a retired one until its time; an unknown key and an expired one do not."""
    clock = Clock()
    until = datetime.fromtimestamp(clock() + DAY_S, UTC)
    secret_file(folder / "next", OTHER.encode())
    keys = [
        key(folder, "new", "active"),
        key(folder, "old", "retired", until=until),
        key(folder, "next", "next"),
    ]
    async with services() as own:
        settings = circle_settings(own.target, site={"secret": None, "keys": keys})
        async with circle(own, clock=clock, settings=settings) as running:

            async def status(secret: str) -> int:
                made = delivery("identify", int(clock()), secret=secret)
                return (await running.post(made)).status_code

            assert [await status(each) for each in (NEW, OLD, OTHER, "unknown")] == [200, 200, 200, 401]
            clock.advance(DAY_S + 1)
            assert [await status(each) for each in (NEW, OLD, OTHER)] == [200, 401, 200]


# ------------------------------------------------------------------------------------------- codes and the rest


async def test_codes_come_into_force(caplog: pytest.LogCaptureFixture) -> None:
    """A code that the settings map from now on has its reason with the next answer."""
    async with scripted(http_answer(400, error_body(119))) as platform:
        settings = Changing(platform.url, codes={})
        async with client_of(settings()) as client:
            with refused(Reason.PLATFORM_CODE_UNMAPPED):
                await CREATE(client)

            settings.content["codes"] = {"be": {119: "ODDS_CHANGED"}}
            await client.gateway.reloading.reread(settings)

            with refused(Reason.ODDS_CHANGED):
                await CREATE(client)
            assert lines_of(caplog) == ["the settings are in force"]


async def test_codes_of_webhooks_come_into_force() -> None:
    """What the platform is told for a reason of ours changes with the settings, too."""
    async with services() as own:
        own.will("Identify", refusing(grpc.StatusCode.FAILED_PRECONDITION, "PLAYER_REFUSED"))
        async with circle(own) as running:
            assert (await running.send("identify")).json()["code"] == 0
            mixed = circle_settings(own.target, codes={"pam": {118: "PLAYER_REFUSED"}})

            await running.gateway.reloading.reread(lambda: mixed)

            assert (await running.send("identify")).json()["code"] == 118


async def test_limits_come_into_force() -> None:
    """A limit that is lifted lets the next call through."""
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url, limits={"operator_rate": 0.001})
        async with client_of(settings()) as client:
            await GET_TICKET(client)
            with refused(Reason.OVER_LIMIT):
                await GET_TICKET(client)

            settings.content["limits"] = {}
            await client.gateway.reloading.reread(settings)

            await GET_TICKET(client)


async def test_what_needs_a_restart_is_said_and_the_rest_is_done(caplog: pytest.LogCaptureFixture) -> None:
    """Every key that has changed and does not count yet is named, none with its value."""
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url)
        settings.operator(secret=OLD)
        async with client_of(settings()) as client:
            settings.operator(secret=NEW, pam_url="https://elsewhere.example/s3cret")
            settings.content["operators"]["acme"] = settings.content["operators"]["site"]
            settings.content |= {"upstream": {"timeout_s": 7}, "default_operator": "acme"}
            settings.content["server"] = {**settings.content["server"], "grace_s": 2}

            await client.gateway.reloading.reread(settings)

            await GET_TICKET(client, timeout=20)
            assert _signed_by(platform.requests[0]) == NEW
        [done, *restart] = lines_of(caplog)
        assert done == "the settings are in force"
        assert {line.partition(":")[0] for line in restart} >= {
            "default_operator",
            "operators.acme",
            "operators.site.pam_url",
            "server.grace_s",
            "upstream.timeout_s",
        }
        assert all(line.endswith(": has changed and needs a restart") for line in restart)
        assert "elsewhere" not in caplog.text


Break = Callable[[dict[str, Any]], object]

BROKEN: Final[dict[str, Break]] = {
    "an unknown right": lambda content: content["callers"]["web"].update(rights=["write"]),
    "a caller of nobody": lambda content: content["callers"]["web"].update(operators=["nobody"]),
    "an unknown reason": lambda content: content.update(codes={"be": {1: "NONE"}}),
    "no key": lambda content: content["operators"]["site"].pop("secret"),
    "a misspelt setting elsewhere": lambda content: content["upstream"].update(timeout=1),
}


async def test_settings_that_cannot_be_used_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Keys, callers and codes are taken together or not at all, and every problem is said."""
    callers = {"web": {"tokens": [token_hash("t0ken")], "operators": ["site"], "rights": ["read"]}}
    async with scripted(http_answer(200, TICKET)) as platform:
        settings = Changing(platform.url, callers=callers)
        settings.operator(secret=OLD)
        async with client_of(settings()) as client:
            good = deepcopy(settings.content)
            for what, spoil in BROKEN.items():
                caplog.clear()
                settings.content = deepcopy(good)
                settings.operator(secret=NEW)
                settings.content["callers"]["app"] = {**callers["web"], "tokens": [token_hash("app")]}
                spoil(settings.content)

                await client.gateway.reloading.reread(settings)

                lines = lines_of(caplog)
                assert lines, what
                assert all(line.endswith("; what was in force stays") for line in lines), what
                assert (await refusal_of(_read(client, "app"))).info.reason == "CALLER_UNKNOWN"
                await _read(client, "t0ken")
            assert {_signed_by(request) for request in platform.requests} == {OLD}


def _read(client: Client, token: str) -> Any:
    return GET_TICKET(client, metadata=(("authorization", f"Bearer {token}"),))


def test_a_public_gateway_does_not_lose_its_callers() -> None:
    """Settings that are good for loopback do not open a gateway that listens for others."""
    site = {"secret": OLD, "platform_url": "https://api.betstack.io"}
    callers = {"web": {"tokens": [token_hash("t0ken")], "operators": ["site"], "rights": ["read"]}}
    public = {"listen": "0.0.0.0:50051", "insecure": True}
    running = load_settings(operators={"site": site}, server=public, callers=callers)

    with pytest.raises(SettingsProblems, match=r"^callers: none is named"):
        with_what_may_change(running, load_settings(operators={"site": site}))
