"""How does Python text become a function? Statements that are written for one message, compiled once at start.

A loop over fields that asks each what it is costs more than the work; a function that was written for its message asks
nothing. What such text needs of the world comes by name: values are never spelled into it but for names of fields and keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from keyword import iskeyword
from textwrap import indent
from typing import Any, Final

__all__ = ["Names", "attribute", "function"]

_INDENT: Final = "    "


class Names:
    """The values that a generated function knows, each by a name of its own."""

    def __init__(self, **given: object) -> None:
        self.known = given

    def add(self, value: object) -> str:
        """Return the name by which the function will know a value."""
        name = f"_{len(self.known)}"
        self.known[name] = value
        return name


def attribute(holder: str, name: str) -> str:
    """Return the expression for an attribute, also where its name is a word of Python's."""
    return f"getattr({holder}, {name!r})" if iskeyword(name) else f"{holder}.{name}"


def function(about: str, head: str, statements: Iterable[str], names: Names) -> Any:  # noqa: ANN401 - it is what it is
    """Return the function ``made`` with these parameters and statements; tracebacks show ``about`` as its file."""
    source = f"def made({head}):\n{indent(chr(10).join(statements), _INDENT)}\n"
    scope = dict(names.known)
    exec(compile(source, f"<{about}>", "exec"), scope)  # noqa: S102 - the text is made of the contract alone
    return scope["made"]
