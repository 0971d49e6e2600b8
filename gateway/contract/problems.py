"""What is wrong with a contract? An incomplete one stops the start, with every problem named."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["ContractError"]


class ContractError(Exception):
    """The protos do not say all that the gateway has to know."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
