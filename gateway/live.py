"""What is in force of the settings that may change while the gateway runs? One snapshot, replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import BaseModel

from gateway.callers import Access, Policy
from gateway.failure import Reason
from gateway.keys import KeyRing
from gateway.settings import LimitsTable, Settings, SettingsProblems, exposure_problems
from gateway.wire.codes import CodeTables, code_tables

__all__ = ["Live", "Snapshot", "changed_but_not_applied", "with_what_may_change"]

_TABLES: Final = ("callers", "codes", "limits")
_OF_OPERATORS: Final = ("secret", "secret_file", "keys")
"""What may change while the gateway runs: whole tables, and these of each operator."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Settings, and what is made of them and their files."""

    settings: Settings = field(repr=False)
    keys: Mapping[str, KeyRing] = field(repr=False)
    policy: Policy
    codes: CodeTables = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Snapshot:
        """Read the files; raises SettingsProblems where a key cannot be used."""
        keys, problems = {}, []
        for name, operator in settings.operators.items():
            try:
                keys[name] = operator.ring()
            except ValueError as error:
                problems.append(f"operators.{name}: {error}")
        if problems:
            raise SettingsProblems(problems)
        tables = {
            "bc": settings.codes.bc,
            "be": settings.codes.be,
            "pam": settings.codes.pam,
            "sms": settings.codes.sms,
        }
        return cls(settings, keys, Policy(settings.callers), code_tables(tables))


class Live:
    """The snapshot in force, as those see it who use it; ``clock`` is Unix seconds."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._snapshot = Snapshot.of(settings)
        self.access = Access(self._snapshot.policy)

    @property
    def snapshot(self) -> Snapshot:
        """What is in force."""
        return self._snapshot

    def replace(self, snapshot: Snapshot) -> None:
        """Put something else in force; calls that are on their way go on."""
        self._snapshot = snapshot
        self.access.replace(snapshot.policy)

    def replace_keys(self, operator: str, ring: KeyRing) -> None:
        """Put other keys of an operator in force."""
        self._snapshot = replace(self._snapshot, keys={**self._snapshot.keys, operator: ring})

    def signing_key(self, operator: str) -> bytes:
        """Return the key that signs for an operator."""
        return self._snapshot.keys[operator].active

    def valid_keys(self, operator: str) -> tuple[bytes, ...]:
        """Return the keys under which a signature for an operator holds."""
        return self._snapshot.keys[operator].valid(self._clock())

    def limits(self) -> LimitsTable:
        """Return the limits."""
        return self._snapshot.settings.limits

    def codes(self, api: str) -> Mapping[int, Reason]:
        """Return the platform codes of an API."""
        return self._snapshot.codes[api]


def with_what_may_change(running: Settings, given: Settings) -> Settings:
    """Return the running settings with what may change taken from the given ones.

    Raises SettingsProblems where the two do not go together.
    """
    operators = {
        name: operator.model_copy(update={each: getattr(given.operators[name], each) for each in _OF_OPERATORS})
        if name in given.operators
        else operator
        for name, operator in running.operators.items()
    }
    mixed = running.model_copy(update={"operators": operators, **{table: getattr(given, table) for table in _TABLES}})
    problems = tuple(exposure_problems(mixed.server, mixed.callers, {*operators, *given.operators}))
    if problems:
        raise SettingsProblems(problems)
    return mixed


def changed_but_not_applied(running: Settings, given: Settings) -> Iterator[str]:
    """Yield the keys of settings that differ and need a restart."""
    for table in type(running).model_fields:
        if table == "operators":
            yield from _changed_operators(running, given)
        elif table not in _TABLES:
            yield from _changed(table, getattr(running, table), getattr(given, table))


def _changed_operators(running: Settings, given: Settings) -> Iterator[str]:
    for name in dict.fromkeys((*running.operators, *given.operators)):
        before, after = running.operators.get(name), given.operators.get(name)
        if before is None or after is None:
            yield f"operators.{name}"
            continue
        for each in type(before).model_fields:
            if each not in _OF_OPERATORS:
                yield from _changed(f"operators.{name}.{each}", getattr(before, each), getattr(after, each))


def _changed(key: str, before: object, after: object) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, BaseModel) and isinstance(after, BaseModel):
        for each in type(before).model_fields:
            yield from _changed(f"{key}.{each}", getattr(before, each), getattr(after, each))
    else:
        yield key
