"""Is the gateway told what it needs, and what does that come to? The settings in force, without their secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from pydantic import BaseModel, SecretStr

from gateway.app import require_usable
from gateway.cli.settings_file import CONFIG, settings_refused
from gateway.contract import load_contract
from gateway.settings import load_settings

__all__ = ["config_command"]

_MASK: Final = "**********"
_PASSWORD: Final = re.compile(r"(?<=://).*@|(?<=\?).*")
"""What may be a password in the URL of a database: whoever it names, and its parameters."""


@click.group()
def config_command() -> None:
    """Check what the gateway was told."""


@config_command.command("check")
@CONFIG
def check_command(config: Path | None) -> None:
    """Print the settings in force, defaults included and secrets masked.

    Where they cannot be used every problem is a line, as `serve` prints them, and the exit status is 2.
    """
    with settings_refused():
        settings = load_settings(config)
        require_usable(settings, load_contract())
    for key, value in _lines("", settings):
        click.echo(f"{key} = {value}")


def _lines(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield what is set below a key, as the table of settings and the problems name it."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _lines(f"{key}.{name}" if key else name, getattr(value, name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _lines(f"{key}.{name}", each)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for place, each in enumerate(value):
            yield from _lines(f"{key}.{place}", each)
    elif value is not None:
        yield key, _spelled(key, value)


def _spelled(key: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return json.dumps(_MASK)
    if key == "ledger.url":
        value = _PASSWORD.sub(lambda found: f"{_MASK}@" if found[0].endswith("@") else _MASK, str(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, default=str, ensure_ascii=False)
