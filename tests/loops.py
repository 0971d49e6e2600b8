"""On which event loops can the gateway run?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import uvloop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

ASYNCIO: Final[Mapping[str, LoopFactory]] = {"asyncio": asyncio.new_event_loop}
BOTH: Final[Mapping[str, LoopFactory]] = {**ASYNCIO, "uvloop": uvloop.new_event_loop}
