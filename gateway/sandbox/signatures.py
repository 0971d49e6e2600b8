"""Did an operator that we know sign this request, just now, as it stands?

Works on the raw bytes. A timestamp further from the clock than the tolerance is refused (assumed: the platform
documents no tolerance), and so is a header that comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from starlette.requests import Request

from gateway.sandbox.options import Clock
from gateway.sandbox.refusals import invalid, not_signed, operator_not_found
from gateway.wire.signing import verify

__all__ = ["Gate"]

_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class Gate:
    """Lets signed requests through."""

    def __init__(
        self, operators: Mapping[str, str], more_keys: Mapping[str, Collection[str]], clock: Clock, tolerance_s: int
    ) -> None:
        self._secrets = {
            name: [key.encode() for key in (secret, *more_keys.get(name, ()))] for name, secret in operators.items()
        }
        self._clock = clock
        self._tolerance_s = tolerance_s

    async def operator(self, request: Request) -> str:
        """Return the operator that the ``operator-name`` header names and whose signature this is."""
        name = _header(request, "operator-name")
        await self.check(request, name)
        return name

    async def check(self, request: Request, operator: str) -> None:
        """Refuse a request that this operator has not signed."""
        self.known(operator)
        timestamp, signature = _header(request, "timestamp"), _header(request, "signature")
        if _SECONDS.fullmatch(timestamp) is None:
            raise not_signed("timestamp is not Unix time in whole seconds")
        if abs(self._clock() - int(timestamp)) > self._tolerance_s:
            raise not_signed(f"timestamp is more than {self._tolerance_s} s off")
        if not verify(self._secrets[operator], timestamp, await request.body(), signature):
            raise not_signed("signature does not match")

    def known(self, operator: str) -> None:
        """Refuse an operator that does not exist."""
        if operator not in self._secrets:
            raise operator_not_found(operator)

    def same(self, signer: str, named: str) -> None:
        """Refuse a body or query that names another operator than the one who signed (422: assumed)."""
        self.known(named)
        if named != signer:
            raise invalid("not the operator of the header", ("operator",))


def _header(request: Request, name: str) -> str:
    values = request.headers.getlist(name)
    if len(values) != 1 or not values[0]:
        raise not_signed(f"exactly one {name} header is needed")
    return values[0]
