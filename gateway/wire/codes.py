"""Why did the platform refuse? Its error codes and HTTP statuses, turned into reasons.

Platform codes are the platform's own and many of them are not known to us: the table of an API is what is documented,
overlaid by ``[codes.<api>]`` of the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.contract.routes import Route
from gateway.failure import Reason

__all__ = ["APIS", "PLATFORM_CODES", "CodeTables", "CodesOf", "code_tables", "reason_of_status"]

APIS: Final = ("bc", "be", "pam", "sms")

PLATFORM_CODES: Final[Mapping[int, Reason]] = MappingProxyType(
    {
        100: Reason.FEATURE_NOT_IMPLEMENTED,
        101: Reason.PLAYER_NOT_FOUND,
        102: Reason.TICKET_NOT_FOUND,
        106: Reason.OPERATOR_NOT_FOUND,
        117: Reason.TICKET_NOT_RESERVED,
    }
)
"""The documented codes (platform documentation, "Error body"); one numbering serves all four APIs."""

CodeTables = Mapping[str, Mapping[int, Reason]]

CodesOf = Callable[[str], Mapping[int, Reason]]
"""Gives the codes of an API as they are now: the settings may change."""

_STATUSES: Final = {
    400: Reason.INVALID_REQUEST,
    401: Reason.SIGNATURE_REJECTED,
    403: Reason.ACCESS_DENIED,
    404: Reason.UPSTREAM_ROUTE_MISSING,
    408: Reason.UPSTREAM_UNAVAILABLE,
    409: Reason.CONFLICT,
    413: Reason.INVALID_REQUEST,
    422: Reason.INVALID_REQUEST,
    429: Reason.RATE_LIMITED,
    431: Reason.INVALID_REQUEST,
    502: Reason.UPSTREAM_UNAVAILABLE,
    503: Reason.UPSTREAM_UNAVAILABLE,
    504: Reason.UPSTREAM_UNAVAILABLE,
}

_REFUSED_PLAYER: Final = "identify"


def code_tables(overlay: CodeTables | None = None) -> CodeTables:
    """Return each API's codes: the documented ones, overlaid by those of the settings."""
    return {api: {**PLATFORM_CODES, **(overlay or {}).get(api, {})} for api in APIS}


def reason_of_status(route: Route, status: int) -> Reason:
    """Return the reason of a status that is no success, where no platform code decides.

    Statuses from 500, 408 and 1xx mean this for a READ only; for every other call they leave the outcome unknown.
    """
    if status == 403 and route.envelope is not None and route.envelope.token == _REFUSED_PLAYER:
        return Reason.PLAYER_REFUSED
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500:
        return Reason.UPSTREAM_ERROR
    return Reason.UPSTREAM_REDIRECT if 300 <= status < 400 else Reason.UPSTREAM_CONTRACT
