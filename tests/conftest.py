"""Fixtures that many tests share: a sandbox, and a gateway in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.sandbox import Sandbox, SandboxOptions, sandbox
from tests.harness import Client, client_of, settings_for


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
