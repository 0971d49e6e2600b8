"""The reference, made once for the tests of a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import ended
from tests.reference.reading import Page


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the reference and return where it is."""
    made = tmp_path_factory.mktemp("reference")
    answer = ended("reference", "-o", str(made), cwd=made)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not answer.stderr
    return made


@pytest.fixture(scope="session")
def page(folder: Path) -> Page:
    """Return the HTML page, read."""
    return Page.of((folder / "reference.html").read_text("utf-8"))


@pytest.fixture(scope="session")
def markdown(folder: Path) -> str:
    """Return the Markdown page."""
    return (folder / "reference.md").read_text("utf-8")
