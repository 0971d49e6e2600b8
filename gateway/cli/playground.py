"""What is there to play with? A gateway, a sandbox and the operators' own services in one process: the whole circle.

A bet goes from the gateway to the sandbox, whose webhook comes back through the gateway to the wallet that pays for it.
Nothing is kept: sandbox and wallet live in memory and the ledger in a temporary directory, because rows about tickets of a
sandbox that is gone would be of no use to the next one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import grpc.aio
from google.protobuf.message import Message

from gateway.app import Gateway, gateway
from gateway.cli.addresses import require_free
from gateway.sandbox import Sandbox, SandboxOptions, WebhookTargets, sandbox
from gateway.sandbox.wallet_service import WalletOptions, WalletService, wallet_service
from gateway.settings import Settings, load_settings

__all__ = ["DEFAULTS", "USUAL", "Addresses", "Playground", "play_settings", "playground"]

DEFAULTS: Final[Mapping[str, Any]] = {
    "operators": {"site": {"secret": "12345ABCDE", "platform_url": "http://127.0.0.1:9090"}},
    "default_operator": "site",
    # The number is the sandbox's own: the platform documents the message only.
    "codes": {"be": {"112": "ODDS_CHANGED"}},
}
"""One operator, ``site``, with the key of the platform's published samples."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything listens, host and port; port 0 takes a free one."""

    gateway: str = "127.0.0.1:0"
    webhooks: str = "127.0.0.1:0"
    wallet: str = "127.0.0.1:0"
    sandbox: str = "127.0.0.1:0"
    # None: nobody else can steer the sandbox.
    control: str | None = None


USUAL: Final = Addresses(
    gateway="127.0.0.1:50051",
    webhooks="127.0.0.1:8080",
    wallet="127.0.0.1:50052",
    sandbox="127.0.0.1:9090",
    control="127.0.0.1:50060",
)
"""Where everything listens unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Playground:
    """A running gateway, the platform that it talks to, and the operators' services that it calls."""

    gateway: Gateway
    platform: Sandbox
    wallet: WalletService


def play_settings(config: Path | None = None) -> Settings:
    """Read the settings, or take one operator, ``site``, with the key of the platform's published samples."""
    return load_settings(config) if config else load_settings(None, **DEFAULTS)


@asynccontextmanager
async def playground(
    settings: Settings,
    addresses: Addresses,
    heard: Callable[[Message, str], None],
    *,
    clock: Callable[[], float] = time.time,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
) -> AsyncIterator[Playground]:
    """Run all three until the block ends; URLs, targets and the ledger are the playground's, whatever the settings say.

    ``heard`` is told of each call that the operators' services took, with the key under which money was moved;
    ``interceptors`` see all of their calls. ``clock`` is that of gateway and platform, Unix time in seconds.
    """
    for address in (addresses.sandbox, addresses.control, addresses.wallet, addresses.webhooks, addresses.gateway):
        if address is not None:
            require_free(address)
    keys = {name: operator.key().decode() for name, operator in settings.operators.items()}
    options = SandboxOptions(listen=addresses.sandbox, control=addresses.control, operators=keys, clock=clock)
    services = WalletOptions(listen=addresses.wallet, heard=heard, interceptors=interceptors)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="betstack-gateway-"))
        platform = await stack.enter_async_context(sandbox(options))
        wallet = await stack.enter_async_context(wallet_service(services))
        there = _there(settings, platform.url, wallet.target)
        running = await stack.enter_async_context(gateway(_here(there, addresses, Path(folder)), clock=clock))
        for name in settings.operators:
            urls = WebhookTargets(*(f"http://{running.webhooks}/{api}/{name}" for api in ("pam", "sms")))
            platform.webhooks.set_targets(name, urls)
        yield Playground(running, platform, wallet)


def _there(settings: Settings, url: str, wallet: str) -> Settings:
    """Let every operator be served by this platform, and be served by these services."""
    urls = {"platform_url": url, "pam_url": f"{url}/pam", "sms_url": f"{url}/sms"}
    certificates = {"target_tls": False, "target_ca_file": None, "target_cert_file": None, "target_key_file": None}
    targets = {"pam_target": wallet, "sms_target": wallet, **certificates}
    operators = {name: operator.model_copy(update=urls | targets) for name, operator in settings.operators.items()}
    return settings.model_copy(update={"operators": operators})


def _here(settings: Settings, addresses: Addresses, folder: Path) -> Settings:
    return settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"listen": addresses.gateway, "connection_age_s": 0}),
            "webhooks": settings.webhooks.model_copy(update={"listen": addresses.webhooks}),
            "ledger": settings.ledger.model_copy(update={"url": f"sqlite:///{folder / 'gateway.db'}"}),
        }
    )
