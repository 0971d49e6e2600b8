"""On which event loops is the floor of the connections tested? On both, our own transport at least."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.loops import BOTH, LoopFactory


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """Run the tests of this folder on each."""
    return BOTH


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out httpx on uvloop, which is theirs."""
    items[:] = [
        item for item in items if not {"uvloop", "httpx"} <= set(item.name.strip("]").replace("[", "-").split("-"))
    ]
