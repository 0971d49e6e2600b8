"""Which id and which code does the next ticket or player get?

Made from the seed and a counter that the database keeps: the same sandbox gives the same ids in the same order, and a
restart never gives one again. The seed of a database is the one it was created with, whatever a later start says;
another seed could lead to a code that is taken.
"""

from __future__ import annotations

import hashlib
from typing import Final

from gateway.sandbox.store import Store

__all__ = ["Identities", "digest", "six_hex_digits"]

_CODES: Final = 1 << 24
# Odd, and therefore a permutation of the codes: neighbours look unrelated and no two numbers share a code.
_STRIDE: Final = 0x9E3779

_FIRST_PLAYER: Final = 1_660_986_605_000_000_000


class Identities:
    """Gives out ids; inside a transaction only."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = int(store.settled("seed", str(seed)))

    def ticket(self) -> tuple[str, str]:
        """Return the id (24 hex digits) and the code (6 upper-case hex digits) of a new ticket."""
        number = self._store.next_number("ticket")
        return (
            f"{digest(self._seed, 'ticket', number)[:16]}{number:08x}",
            six_hex_digits(self._seed, "ticket", number),
        )

    def player(self) -> str:
        """Return the id of a new player: digits, as the platform's samples have it."""
        number = self._store.next_number("player")
        return str(_FIRST_PLAYER + int(digest(self._seed, "player")[:8], 16) * 1_000 + number)


def six_hex_digits(seed: int, label: str, number: int) -> str:
    """Return a code that no other number below 2**24 has under this seed and label."""
    offset = int(digest(seed, label)[:6], 16)
    return f"{(number * _STRIDE + offset) % _CODES:06X}"


def digest(*parts: object) -> str:
    """Return hex digits that look random and are the same for the same parts."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()
