"""On which event loops is the gRPC face tested? What depends on the loop on both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from tests.loops import ASYNCIO, BOTH, LoopFactory

_DEPEND_ON_THE_LOOP: Final = ("test_adapter", "test_drain", "test_limits")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Run the tests of some files on each."""
    return BOTH if item.path.stem in _DEPEND_ON_THE_LOOP else ASYNCIO
