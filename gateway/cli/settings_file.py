"""How is a command told its settings, and what is printed where they are wrong? A file, and a line for each problem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from gateway.settings import SettingsProblems

__all__ = ["CONFIG", "settings_refused"]

CONFIG: Final = click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings, a TOML file; the environment wins."
)


@contextmanager
def settings_refused() -> Iterator[None]:
    """Print what is wrong with settings, one line a problem, and end with status 2."""
    try:
        yield
    except SettingsProblems as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise SystemExit(2) from None
