"""Is a query string one that the platform documents?

Assumed: the sandbox is stricter than a server needs to be. A parameter that is not documented, or one that comes twice
where one is meant, is 422, so that a misspelled name does not go unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from starlette.requests import Request

from gateway.sandbox.refusals import invalid

__all__ = ["decimal", "integer", "many", "one", "only"]

_INTEGER: Final = re.compile(r"[0-9]{1,13}")
_DECIMAL: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")


def only(request: Request, once: Collection[str] = (), repeated: Collection[str] = ()) -> None:
    """Refuse parameters that are neither in ``once`` nor in ``repeated``, and repeats of the former."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in once and name not in repeated:
            raise invalid("unknown parameter", ("query", name))
        if name in once and names.count(name) > 1:
            raise invalid("given more than once", ("query", name))


def one(request: Request, name: str) -> str:
    """Return a parameter that has to be there."""
    value = request.query_params.get(name)
    if not value:
        raise invalid("required", ("query", name))
    return value


def many(request: Request, name: str) -> list[str]:
    """Return the values of a parameter that has to be there once or more."""
    values = request.query_params.getlist(name)
    if not values:
        raise invalid("required", ("query", name))
    return values


def integer(name: str, spelled: str, least: int, most: int) -> int:
    """Read an integer within bounds."""
    if _INTEGER.fullmatch(spelled) is None or not least <= int(spelled) <= most:
        raise invalid(f"not an integer from {least} to {most}", ("query", name))
    return int(spelled)


def decimal(name: str, spelled: str, least: float) -> float:
    """Read a decimal number of at least ``least``."""
    if _DECIMAL.fullmatch(spelled) is None or float(spelled) < least:
        raise invalid(f"not a number from {least}", ("query", name))
    return float(spelled)
