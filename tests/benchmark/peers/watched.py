"""How late does the gateway's event loop come back? The gateway, with a look at every millisecond: ``URL LEDGER FILE``.

SIGUSR1 begins anew; at the end the latest of all looks is written into the file, in seconds.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path
from typing import Final

from gateway.app import gateway
from gateway.settings import Settings, load_settings

_EVERY_S: Final = 0.001


async def _main(settings: Settings) -> float:
    loop, end, late = asyncio.get_running_loop(), asyncio.Event(), [0.0]
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.add_signal_handler(signal.SIGUSR1, late.clear)

    def look(due: float) -> None:
        late.append(loop.time() - due)
        loop.call_later(_EVERY_S, look, loop.time() + _EVERY_S)

    async with gateway(settings) as running:
        gc.collect()
        gc.freeze()
        look(loop.time())
        print(f"gateway  {running.target}", flush=True)
        await end.wait()
    return max(late)


def _settings(url: str, ledger: str) -> Settings:
    return load_settings(
        server={"listen": "127.0.0.1:0", "grace_s": 1, "connection_age_s": 0},
        ledger={"url": f"sqlite:///{ledger}"},
        admin={"listen": "127.0.0.1:0"},
        default_operator="site",
        operators={"site": {"secret": "12345ABCDE", "platform_url": url}},
    )


Path(sys.argv[3]).write_text(str(asyncio.run(_main(_settings(*sys.argv[1:3])))))
