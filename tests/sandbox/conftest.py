"""A platform for each test, and somebody who calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import httpx
import pytest

from gateway.sandbox import Opening, Sandbox, SandboxOptions, sandbox
from tests.sandbox.client import Client, Clock, plain_http
from tests.sandbox.receiver import Receiver, receiver
from tests.sandbox.steering import stub


@pytest.fixture
def clock() -> Clock:
    """Make a clock that stands still."""
    return Clock()


@pytest.fixture
def options(clock: Clock) -> SandboxOptions:
    """Set up a sandbox on a free port with two operators."""
    return SandboxOptions(listen="127.0.0.1:0", operators={"site": "12345ABCDE", "acme": "another key"}, clock=clock)


@pytest.fixture
async def operator() -> AsyncIterator[Receiver]:
    """Run the endpoints of operators that are called back."""
    async with receiver() as running:
        yield running


@pytest.fixture
async def platform(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Run a platform."""
    async with sandbox(options) as running:
        yield running


@pytest.fixture
async def http(platform: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to the platform, unsigned."""
    async with plain_http(platform.url) as client:
        yield client


@pytest.fixture
def client(http: httpx.AsyncClient, clock: Clock) -> Client:
    """Make a caller that signs as the operator `site`."""
    return Client(http, clock)


@pytest.fixture
async def channel(platform: Sandbox) -> AsyncIterator[grpc.aio.Channel]:
    """Connect to the steering service, which the options have to ask for."""
    assert platform.control_target is not None
    async with grpc.aio.insecure_channel(platform.control_target) as connected:
        yield connected


@pytest.fixture
def steer(channel: grpc.aio.Channel) -> Any:
    """Make a stub of the steering service."""
    return stub(channel)


@pytest.fixture
async def platform_of_samples() -> AsyncIterator[Sandbox]:
    """Run a platform at the time, and with the players and keys, of the published samples."""
    options = SandboxOptions(
        listen="127.0.0.1:0",
        operators={"acme": "12345ABCDE"},
        players=(Opening("sometokenvalue", 500, "USD"),),
        clock=lambda: 1_706_191_612.0,
    )
    async with sandbox(options) as running:
        yield running
