"""What does a call cost without gRPC? Request bytes in, response bytes out, real HTTP between: ``URL LEDGER SECONDS``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from contextlib import AsyncExitStack
from typing import Any, Final

from gateway.callers import ANYBODY
from gateway.contract import load_contract
from gateway.insight import insight
from gateway.ledger.ledger import Ledger
from gateway.live import Live
from gateway.server.call import Call, Proceed
from gateway.server.drain import OpenCalls
from gateway.server.limits import Limits
from gateway.server.steps import roads
from gateway.settings import Settings, load_settings
from gateway.upstream.platform import Platform
from gateway.upstream.transport import open_transport
from gateway.wire.translation import translations
from tests.benchmark.servers import GET, REQUEST

_STREAMS: Final = 64
_WARM_UP: Final = 20
"""Calls of each stream before those that count."""


async def _main(settings: Settings, seconds: float) -> None:
    contract = load_contract()
    live = Live(settings, time.time)
    compiled = translations(contract, live.codes)
    limits = Limits(live.limits)
    async with AsyncExitStack() as stack:
        telemetry = (await stack.enter_async_context(insight(settings))).telemetry
        connections = await stack.enter_async_context(open_transport(settings.upstream))
        platform = Platform(settings, compiled, connections, telemetry, time.time, live.signing_key, limits.spend)
        ledger = await Ledger.open(settings.ledger.url, settle_s=1, clock=time.time)
        stack.push_async_callback(ledger.close)
        way = roads(
            settings,
            compiled,
            platform,
            ledger=ledger,
            repeat=_never,
            open_calls=OpenCalls(),
            limits=limits,
            telemetry=telemetry,
        )(contract.routes[GET])
        await _all_streams(way, contract.routes[GET], _WARM_UP)
        calls, cpu_s = 0, time.process_time()
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            calls += await _all_streams(way, contract.routes[GET], _WARM_UP)
        print(json.dumps({"calls": calls, "cpu_s": time.process_time() - cpu_s}))


async def _all_streams(way: Proceed, route: Any, each: int) -> int:
    body = REQUEST.SerializeToString()

    async def stream() -> None:
        for _ in range(each):
            request: Any = route.request.message.FromString(body)
            call = Call(route, request, request.operator, str(uuid.uuid4()), caller=ANYBODY, size=len(body))
            response = await way(call)
            assert len(response.SerializeToString()) > len(body)

    await asyncio.gather(*(stream() for _ in range(_STREAMS)))
    return each * _STREAMS


async def _never(*_: Any) -> Any:
    raise AssertionError("a read has nothing to repeat")


def _settings(url: str, ledger: str) -> Settings:
    return load_settings(
        ledger={"url": f"sqlite:///{ledger}"},
        admin={"listen": "127.0.0.1:0"},
        log={"level": "warning"},
        operators={"site": {"secret": "12345ABCDE", "platform_url": url}},
    )


asyncio.run(_main(_settings(sys.argv[1], sys.argv[2]), float(sys.argv[3])))
