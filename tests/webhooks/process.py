"""Where does a gateway run that may be killed? In a process of its own, on a ledger that outlives it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.cli.program import environment
from tests.harness import SECRET

__all__ = ["Process", "process", "settings_of"]

_SERVE: Final = """
import asyncio, json, sys
from gateway.app import serve
from gateway.settings import load_settings

def started(gateway):
    print(gateway.target, gateway.webhooks, flush=True)

asyncio.run(serve(load_settings(**json.loads(sys.argv[1])), started))
"""


class Process:
    """A gateway: ``webhooks`` is the URL of its receiver, ``target`` its gRPC face."""

    def __init__(self, process: asyncio.subprocess.Process, target: str, webhooks: str) -> None:
        self._process = process
        self.target = target
        self.webhooks = f"http://{webhooks}"

    async def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        await self._process.wait()

    async def end(self) -> int:
        """Let it end in order; returns its status."""
        self._process.terminate()
        async with asyncio.timeout(30):
            return await self._process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.returncode is None

    def memory(self, what: str = "VmRSS") -> int:
        """Return how many bytes of memory it uses, or used at the most (``VmHWM``)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        [line] = [line for line in status.splitlines() if line.startswith(f"{what}:")]
        return int(line.split()[1]) * 1024


def settings_of(target: str, ledger_url: str, **webhooks: Any) -> dict[str, Any]:
    """Return the content of a settings file whose operator ``site`` has its services at this address."""
    return {
        "server": {"listen": "127.0.0.1:0", "grace_s": 1},
        "ledger": {"url": ledger_url},
        "default_operator": "site",
        "webhooks": {"listen": "127.0.0.1:0", **webhooks},
        "operators": {
            "site": {
                "secret": SECRET,
                "platform_url": "http://127.0.0.1:1",
                "pam_target": target,
                "sms_target": target,
            }
        },
    }


@asynccontextmanager
async def process(settings: Mapping[str, Any], log: Path) -> AsyncIterator[Process]:
    """Run a gateway until the block ends; what it logs is added to a file."""
    with log.open("ab") as errors:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _SERVE, json.dumps(settings)),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment(),
        )
    assert started.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await started.stdout.readline()).decode().split()
        assert len(line) == 2, f"it did not start; {log} says why"
        yield Process(started, *line)
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()
