"""Is what the README shows besides commands as true as they are? Settings are loaded, and Python is run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import grpc.aio
import pytest

from gateway.app import require_usable
from gateway.callers import token_hash
from gateway.contract import load_contract
from gateway.settings import load_settings
from tests.harness import SECRET, secret_file
from tests.readme.places import Place, block_with, require, sign_certificates
from tests.readme.reading import Block, blocks, is_command, is_settings

NEITHER: Final[Mapping[str, str]] = {
    "your services ── gRPC ──► gateway": "a picture",
    'config = resources.files("betstack")': "Python, which is run here",
    "protos/      the contract": "folders",
    "// Cashes a ticket out.": "protobuf; tests/wire/test_new_rpc.py adds an RPC in the same way",
    "int64 amount = 4": "protobuf; tests/contract/test_rules.py holds what such a rule does",
}
"""Blocks that are neither commands nor settings, by how they begin, and what they are."""

LANGUAGES: Final = {"go", "java", "ts"}
"""Languages of code that tests/clients/test_examples.py finds in a client that runs."""

SETTINGS: Final = [block for block in blocks() if is_settings(block)]
REPLACED: Final[Mapping[str, tuple[str, ...]]] = {"[[operators.site.keys]]": ("secret_file",)}
"""What the text around a block says that it stands in the place of, in the table of its operator."""


def test_every_block_is_known() -> None:
    """A block is typed, loaded, or named here with what it is."""
    others = [block for block in blocks() if not is_command(block) and not is_settings(block)]
    code = [block for block in others if block.language]
    named = [block for block in others if not block.language]

    unknown = [f"line {each.line}: {each.text}" for each in named if not each.text.startswith(tuple(NEITHER))]
    assert not unknown, f"neither commands nor settings, and not in the table here: {unknown}"
    assert len(named) == len(NEITHER)
    assert {block.language for block in code} == LANGUAGES


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.beginning)
def test_settings_can_be_used(tmp_path: Path, block: Block) -> None:
    """Added to the first settings of the README, a block is taken by what reads them, and a gateway can serve with it."""
    begun = tomllib.loads(block_with("default_operator").text)
    for name in REPLACED.get(block.beginning, ()):
        del begun["operators"]["site"][name]
    for name in ("site", "site-2026-11", "site-2026-05"):
        secret_file(tmp_path / name, SECRET.encode())
    if "/run/tls" in block.text:
        require("openssl")
        sign_certificates(tmp_path)
    there = Place(tmp_path, {"/run/secrets": str(tmp_path), "/run/tls": str(tmp_path), "sha256:…": token_hash("t")})
    text = json.dumps(added(begun, tomllib.loads(block.text)), default=str, ensure_ascii=False)

    settings = load_settings(**json.loads(there.here(text)))

    require_usable(settings, load_contract())


def added(begun: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Add tables to tables."""
    both = {key: added(begun[key], more[key]) for key in begun.keys() & more if isinstance(begun[key], dict)}
    return {**begun, **more, **both}


async def test_the_example_in_python_opens_a_channel() -> None:
    """The lines about repeats are run as they stand, and give the channel what the wheel has."""
    names: dict[str, Any] = {"resources": resources, "grpc": grpc}

    exec(block_with("service_config.json").text, names)  # noqa: S102 - it is ours

    assert json.loads(names["config"])["methodConfig"]
    await names["channel"].close()
