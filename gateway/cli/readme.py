"""Does the README say what the program says? ``python -m gateway.cli.readme [--check] README.md``.

What stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->`` is made by the program: ``routes``, ``errors``,
``rights``, ``settings`` and ``metrics`` are tables, ``help`` is the help of ``betstack-gateway``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from gateway.cli import main
from gateway.cli.tables import errors_table, metrics_table, rights_table, routes_table, settings_table

__all__ = ["readme_command", "renewed"]

_HELP_WIDTH: Final = 80
_MARK: Final = re.compile(r"^<!-- (begin|end): (.*?) -->$", re.MULTILINE)


def _help() -> str:
    context = click.Context(main, info_name="betstack-gateway", terminal_width=_HELP_WIDTH)
    return f"```text\n{main.get_help(context)}\n```\n"


_PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "routes": lambda: routes_table().markdown(),
    "errors": lambda: errors_table().markdown(),
    "rights": lambda: rights_table().markdown(),
    "settings": lambda: settings_table().markdown(),
    "metrics": lambda: metrics_table().markdown(),
    "help": _help,
}


def renewed(text: str) -> str:
    """Return a text with every part made anew; raises ClickException for marks that do not fit."""
    marks = list(_MARK.finditer(text))
    if len(marks) % 2:
        raise click.ClickException(f"{marks[-1][0]} stands alone")
    pieces = []
    written = 0
    for begin, end in zip(marks[::2], marks[1::2], strict=True):
        pieces += [text[written : begin.end()], "\n\n", _part(begin, end), "\n"]
        written = end.start()
    return "".join((*pieces, text[written:]))


def _part(begin: re.Match[str], end: re.Match[str]) -> str:
    name = begin[2]
    if begin[1] != "begin" or end[1] != "end" or end[2] != name:
        raise click.ClickException(f"{begin[0]} is followed by {end[0]}")
    if name not in _PARTS:
        raise click.ClickException(f"{begin[0]}: the name has to be one of {', '.join(_PARTS)}")
    return _PARTS[name]()


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 and a diff if the file is out of date.")
@click.argument("readme", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def readme_command(check: bool, readme: Path) -> None:
    """Write the tables and help texts of a README."""
    old = readme.read_text(encoding="utf-8")
    new = renewed(old)
    if not check:
        readme.write_text(new, encoding="utf-8")
    elif new != old:
        lines = difflib.unified_diff(
            old.splitlines(), new.splitlines(), str(readme), "what the program says", lineterm=""
        )
        raise click.ClickException("\n".join((f"{readme} is out of date", *lines)))


if __name__ == "__main__":
    readme_command()
