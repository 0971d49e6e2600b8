"""Fixtures of the webhooks' tests: a circle of platform, gateway and services, one for each file."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from itertools import count
from typing import Final

import pytest
import pytest_asyncio

from tests.webhooks.certificates import Certificates
from tests.webhooks.circle import Circle, circle, until_rows
from tests.webhooks.deliveries import TICKET

_NUMBERS: Final = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_circle() -> AsyncIterator[Circle]:
    """Return a circle whose gateway tries again soon."""
    async with circle(webhooks={"repeat_s": [0.02, 0.05]}) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def round_trip(shared_circle: Circle) -> AsyncIterator[Circle]:
    """Return the file's circle as if it were new: a ticket that nobody knows, nothing counted, nothing under way."""
    await shared_circle.begin(f"{TICKET[:-4]}{next(_NUMBERS):04x}")
    yield shared_circle
    shared_circle.services.agree()
    await until_rows(shared_circle, "SELECT COUNT(*) FROM facts WHERE state IN ('TRYING', 'PENDING')", 0)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates made for this run."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl")
    return Certificates(tmp_path_factory.mktemp("certificates"))
