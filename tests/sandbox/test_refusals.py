"""Does the platform have a word for everything that can go wrong?"""

from __future__ import annotations

import inspect
from typing import Any

from gateway.sandbox import errors
from gateway.sandbox.errors import SandboxError
from gateway.sandbox.refusals import SPELLING, Code


def _kinds() -> set[Any]:
    classes = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SandboxError)}
    return classes - {SandboxError}


def test_every_error_has_a_spelling() -> None:
    """What a handler may raise, a caller can read."""
    assert set(SPELLING) == _kinds()


def test_no_two_situations_share_a_code() -> None:
    """A code says one thing."""
    assert len(set(Code)) == len(Code.__members__)
