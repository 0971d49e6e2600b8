"""Who answers an account action for an operator that has a player account system of its own?

That system does. The sandbox's PAM and SMS endpoints stand in for those of operators that have none. For the others the
request goes on to the address where the operator receives webhooks, bytes and signature as they came.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gateway.sandbox.courier import Courier, Targets
from gateway.sandbox.webhook_bodies import Api

__all__ = ["Relay"]

_PASSED_ON: Final = ("content-type", "timestamp", "signature", "operator-name")


class Relay:
    """Passes requests on to the operators that are called back."""

    def __init__(self, targets: Targets, courier: Courier) -> None:
        self._targets = targets
        self._courier = courier

    async def answer(self, request: Request, operator: object, api: Api) -> Response | None:
        """Return what the operator's own endpoint answers, 502 if it does not, None if it has none."""
        url = self._targets.url(operator, api) if isinstance(operator, str) else None
        if url is None:
            return None
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        answer = await self._courier.pass_on(url, await request.body(), headers)
        if answer is None:
            return Response(status_code=502)
        status, body = answer
        return Response(body, status, media_type="application/json" if body else None)
