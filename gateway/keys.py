"""With which key is signed, and which ones hold? An operator's keys, several while one takes the place of another.

The active key signs. A signature holds under the active key, the next one, and a retired one until its time is over.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

__all__ = ["Key", "KeyRing", "SecretFile", "key_problems", "private", "read_secret"]

_FOR_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP
"""What the mode of a file with a secret may not have: reading by everybody, writing by anybody but its owner."""


def private(path: Path) -> Path:
    """Return the path of a file that not everybody can read; raises ValueError where everybody can."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if stat.S_ISREG(mode) and mode & _FOR_OTHERS:
        raise ValueError(
            f"its mode is {stat.S_IMODE(mode):04o}: others may not read it, nor its group write it (chmod 0440)"
        )
    return path


def read_secret(path: Path) -> bytes:
    """Read a key; a newline at its end does not count. Raises ValueError where there is none."""
    try:
        key = private(path).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if not key:
        raise ValueError("the file is empty")
    return key


def _holds_a_secret(path: Path) -> Path:
    read_secret(path)
    return path


SecretFile = Annotated[Path, AfterValidator(_holds_a_secret)]


class Key(BaseModel):
    """One of several keys of an operator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[!-~]{1,64}$", description="what the key is called, in logs too")
    secret_file: SecretFile = Field(description="file that holds the key")
    use: Literal["active", "next", "retired"] = Field(
        description="`active` signs; `next` and `retired` only verify; exactly one is active"
    )
    until: AwareDatetime | None = Field(
        default=None, description="when a retired key ceases to hold, a time with its offset from UTC"
    )

    @field_validator("until")
    @classmethod
    def _of_a_retired_one(cls, until: AwareDatetime | None, info: ValidationInfo) -> AwareDatetime | None:
        if until is not None and info.data.get("use", "retired") != "retired":
            raise ValueError("is for retired keys")
        return until


def key_problems(keys: Iterable[Key]) -> Iterable[str]:
    """Yield what is wrong with the keys of an operator taken together."""
    given = tuple(keys)
    ids = [key.id for key in given]
    yield from (f"{name!r} is there twice" for name in sorted(set(ids)) if ids.count(name) > 1)
    active = sum(key.use == "active" for key in given)
    if active != 1:
        yield f"{active} of them are active, and it has to be one"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys themselves: the one that signs, and those that hold beside it, until a Unix time or for ever."""

    active: bytes = field(repr=False)
    others: tuple[tuple[bytes, float | None], ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, keys: Iterable[Key]) -> KeyRing:
        """Read the files; raises ValueError that names the key where one cannot be used."""
        active = b""
        others = []
        for key in keys:
            try:
                secret = read_secret(key.secret_file)
            except ValueError as error:
                raise ValueError(f"{key.id}: {error}") from None
            if key.use == "active":
                active = secret
            else:
                others.append((secret, key.until.timestamp() if key.until else None))
        return cls(active, tuple(others))

    def valid(self, now: float) -> tuple[bytes, ...]:
        """Return every key that holds at a Unix time, the active one first."""
        return (self.active, *(key for key, until in self.others if until is None or now < until))
