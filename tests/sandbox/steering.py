"""How does another process steer the sandbox, and what is it told if that is refused?"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc
import grpc.aio
import pytest

from betstack.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub


def stub(channel: grpc.aio.Channel) -> Any:
    """Return the generated stub, which has no types."""
    untyped: Any = SandboxServiceStub
    return untyped(channel)


async def refusal(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str]:
    """Return code and message of a call that has to fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details() or ""
