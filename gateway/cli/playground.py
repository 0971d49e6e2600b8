"""What is there to play with? A gateway and a sandbox in one process, the gateway's operators served by the sandbox.

Nothing is kept: the sandbox lives in memory and the ledger in a temporary directory, because rows about tickets of a
sandbox that is gone would be of no use to the next one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from gateway.app import Gateway, gateway
from gateway.cli.addresses import require_free
from gateway.sandbox import Sandbox, SandboxOptions, sandbox
from gateway.settings import Settings, load_settings

__all__ = ["Playground", "play_settings", "playground"]

_DEFAULTS: Final[Mapping[str, Any]] = {
    "operators": {"site": {"secret": "12345ABCDE", "platform_url": "http://127.0.0.1:9090"}},
    "default_operator": "site",
    # The number is the sandbox's own: the platform documents the message only.
    "codes": {"be": {"112": "ODDS_CHANGED"}},
}


@dataclass(frozen=True, slots=True)
class Playground:
    """A running gateway, and the platform that it talks to."""

    gateway: Gateway
    platform: Sandbox


def play_settings(config: Path | None = None) -> Settings:
    """Read the settings, or take one operator, ``site``, with the key of the platform's published samples."""
    return load_settings(config) if config else load_settings(None, **_DEFAULTS)


@asynccontextmanager
async def playground(
    settings: Settings, listen: str, sandbox_listen: str, control: str | None = None
) -> AsyncIterator[Playground]:
    """Run both until the block ends; operators' URLs and the ledger are the playground's, whatever the settings say."""
    for address in (sandbox_listen, control, listen):
        if address is not None:
            require_free(address)
    keys = {name: operator.key().decode() for name, operator in settings.operators.items()}
    options = SandboxOptions(listen=sandbox_listen, control=control, operators=keys)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="betstack-gateway-"))
        platform = await stack.enter_async_context(sandbox(options))
        running = await stack.enter_async_context(gateway(_at(settings, platform.url, listen, Path(folder))))
        yield Playground(running, platform)


def _at(settings: Settings, url: str, listen: str, folder: Path) -> Settings:
    urls = {"platform_url": url, "pam_url": f"{url}/pam", "sms_url": f"{url}/sms"}
    return settings.model_copy(
        update={
            "operators": {name: operator.model_copy(update=urls) for name, operator in settings.operators.items()},
            "server": settings.server.model_copy(update={"listen": listen}),
            "ledger": settings.ledger.model_copy(update={"url": f"sqlite:///{folder / 'gateway.db'}"}),
        }
    )
