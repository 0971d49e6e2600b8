"""What does a client meet? A gateway, the sandbox behind it, and an operator's wallet behind the sandbox's webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.app import Gateway, gateway
from gateway.callers import token_hash
from gateway.sandbox import Sandbox, SandboxOptions, WebhookTargets, sandbox
from gateway.sandbox.wallet_service import WalletOptions, wallet_service
from tests.certificates import Authority
from tests.harness import SECRET, secret_file, settings_for

__all__ = ["Door", "World", "guarded", "world"]

_TOKEN: Final = "a-token-of-the-bettor"
_LOST_S: Final = 3
"""How long the gateway waits for an answer of the platform; a lost one is looked for after that."""


@dataclass(frozen=True, slots=True)
class Door:
    """How callers get in: what the gateway's settings say, and what a client has to be told."""

    settings: dict[str, Any]
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class World:
    """All that runs."""

    gateway: Gateway
    platform: Sandbox


def guarded(folder: Path) -> Door:
    """Return a door with a lock: TLS, and a token that has to be shown."""
    authority = Authority(folder)
    pair = authority.signed("gateway", "DNS:localhost")
    token = secret_file(folder / "token", f"{_TOKEN}\n".encode())
    return Door(
        {
            "server": {"tls_cert_file": str(pair.certificate), "tls_key_file": str(pair.key)},
            "callers": {
                "bettor": {"tokens": [token_hash(_TOKEN)], "operators": ["site"], "rights": ["read", "bet"]},
            },
        },
        ("--ca-file", str(authority.path), "--token-file", str(token)),
    )


@asynccontextmanager
async def world(door: Door, site: dict[str, Any] | None = None) -> AsyncIterator[World]:
    """Run all of it until the block ends; ``site`` may name the operator's own wallet, else one of ours takes its place.

    The gateway tries each call once, so that repeats are the client's own.
    """
    async with AsyncExitStack() as stack:
        options = SandboxOptions(listen="127.0.0.1:0", control="127.0.0.1:0")
        platform = await stack.enter_async_context(sandbox(options))
        if site is None:
            wallet = await stack.enter_async_context(wallet_service(WalletOptions()))
            site = {"pam_target": wallet.target, "sms_target": wallet.target}
        url = platform.url
        operator = {"secret": SECRET, "platform_url": url, "pam_url": f"{url}/pam", "sms_url": f"{url}/sms"}
        settings = settings_for(
            url,
            operators={"site": {**operator, "correlate": "rtag", **site}},
            upstream={"timeout_s": _LOST_S},
            reconcile={"poll_s": 0.2, "settle_s": 0.1},
            webhooks={"listen": "127.0.0.1:0"},
            **door.settings,
        )
        running = await stack.enter_async_context(gateway(settings))
        urls = {
            f"{api}_url": f"http://{running.webhooks}/{api}/site" for api in ("pam", "sms") if f"{api}_target" in site
        }
        targets = WebhookTargets(**urls)
        platform.webhooks.set_targets("site", targets)
        yield World(running, platform)
