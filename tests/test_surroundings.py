"""Does the transport that the tests run over carry the calls of every gateway that they start?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import grpc.aio
import pytest

from betstack.card.v1 import card_service_pb2 as card
from betstack.card.v1.card_service_pb2_grpc import CardServiceStub
from gateway.app import gateway
from tests import surroundings
from tests.cli.program import FREE, started
from tests.harness import SECRET, http_answer, scripted, settings_for
from tests.surroundings import TRANSPORT

Start = Callable[[str, Path], AbstractAsyncContextManager[str]]

SPELLINGS: Final = {b"host": "fast", b"Host": "httpx"}
"""How each transport writes the name of a request's first header."""


@asynccontextmanager
async def in_this_process(url: str, _: Path) -> AsyncIterator[str]:
    """Run a gateway as most tests do."""
    async with gateway(settings_for(url)) as running:
        yield running.target


@asynccontextmanager
async def as_a_command(url: str, folder: Path) -> AsyncIterator[str]:
    """Run a gateway as a person does."""
    config = folder / "gateway.toml"
    config.write_text(
        f'default_operator = "site"\n[server]\nlisten = "{FREE}"\n'
        f'[ledger]\nurl = "sqlite:///{folder}/g.db"\n[operators.site]\nsecret = "{SECRET}"\nplatform_url = "{url}"\n'
    )
    with started("serve", "--config", str(config), cwd=folder) as program:
        yield (await asyncio.to_thread(program.line, "gateway")).split()[1]


@pytest.mark.parametrize("start", [in_this_process, as_a_command])
@pytest.mark.parametrize("transport", SPELLINGS.values())
async def test_the_transport_that_was_asked_for_carries_the_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, start: Start, transport: str
) -> None:
    """However a test starts a gateway, the variable reaches it, which the platform sees by how requests are spelled."""
    monkeypatch.setenv(TRANSPORT, transport)
    async with (
        scripted(http_answer(200, b"[]")) as platform,
        start(platform.url, tmp_path) as target,
        grpc.aio.insecure_channel(target) as channel,
    ):
        await CardServiceStub(channel).ListSuperbetCards(card.ListSuperbetCardsRequest())  # type: ignore[no-untyped-call]

    [request] = platform.requests
    assert SPELLINGS[request.split(b"\r\n")[1].partition(b":")[0]] == transport


def test_no_other_setting_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a gateway was told on this machine is kept out of the tests, and so out of the processes that they start."""
    assert not set(surroundings.foreign())
    monkeypatch.setenv("GATEWAY_SERVER__LISTEN", FREE)
    monkeypatch.setenv(TRANSPORT, "httpx")

    assert {name for name in surroundings.environment() if name.startswith("GATEWAY_")} == {TRANSPORT}
    assert os.environ.keys() - surroundings.environment().keys() == {"GATEWAY_SERVER__LISTEN"}
