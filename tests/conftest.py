"""Fixtures that many tests share: a sandbox, and a gateway in front of it."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.sandbox import Sandbox, SandboxOptions, sandbox
from tests import surroundings
from tests.harness import Client, client_of, settings_for
from tests.ledger.postgresql import Server, server
from tests.secrecy import Watch, secrets_told


def pytest_configure() -> None:
    """Keep settings of this machine out of the tests."""
    for name in surroundings.foreign():
        del os.environ[name]


def pytest_collection_finish() -> None:
    """Keep what was imported out of garbage collection: a full round over it takes as long as some tests wait."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _every_line_is_searched() -> Iterator[None]:
    """Let the gateway log everything it has to say, and search it."""
    watch, ours = Watch(), logging.getLogger("gateway")
    logging.getLogger().addHandler(watch)
    ours.setLevel(logging.DEBUG)
    yield
    ours.setLevel(logging.NOTSET)
    logging.getLogger().removeHandler(watch)


@pytest.fixture(autouse=True)
def _nothing_secret_is_told() -> Iterator[None]:
    """Fail a test in which something secret or personal was told."""
    yield
    assert secrets_told() == []


@pytest.fixture
async def platform() -> AsyncIterator[Sandbox]:
    """Return a sandbox platform of the operator ``site``."""
    async with sandbox(SandboxOptions(listen="127.0.0.1:0")) as running:
        yield running


@pytest.fixture
async def client(platform: Sandbox) -> AsyncIterator[Client]:
    """Return a client of a gateway in front of the sandbox."""
    async with client_of(settings_for(platform.url)) as connected:
        yield connected


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Return a PostgreSQL server of this test run."""
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty ledger, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    running: Server = request.getfixturevalue("postgresql")
    with running.database() as url:
        yield url
