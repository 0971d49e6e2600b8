"""Is what stands beside the clients as it should be: the README's examples, and what the locks say?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

CLIENTS: Final = Path(__file__).parent
README: Final = CLIENTS.parents[1] / "README.md"
SOURCES: Final = {"go": "go/bettor/*.go", "java": "java/src/main/java/**/*.java", "ts": "node/src/*.ts"}


def lines(text: str) -> str:
    """Return the lines of a text without their indentation, each with a newline before it."""
    return "".join(f"\n{line.strip()}" for line in text.splitlines())


@pytest.mark.parametrize("language", SOURCES)
def test_an_example_is_from_a_client_that_runs(language: str) -> None:
    """The README shows a client's own lines, none changed."""
    examples = re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert examples
    sources = [lines(file.read_text("utf-8")) for file in CLIENTS.glob(SOURCES[language])]

    for example in examples:
        assert any(f"{lines(example)}\n" in source for source in sources), example


def test_the_lock_of_npm_pins_packages_and_names_no_place() -> None:
    """Every package has the hash of its content, and may be taken from whatever registry a machine has."""
    packages = json.loads((CLIENTS / "node" / "package-lock.json").read_text("utf-8"))["packages"]
    del packages[""]

    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages.values())
