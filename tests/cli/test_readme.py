"""Does the README stay true?"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.readme import readme_command

TEXT = """# Gateway

<!-- begin: help -->
something old
<!-- end: help -->

Words between.

<!-- begin: routes -->
<!-- end: routes -->
<!-- begin: errors -->
<!-- end: errors -->
<!-- begin: settings -->
<!-- end: settings -->

The end.
"""


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """Write a README whose parts are out of date."""
    path = tmp_path / "README.md"
    path.write_text(TEXT)
    return path


def run(*arguments: str | Path) -> Result:
    """Run the checker."""
    return CliRunner().invoke(readme_command, [str(each) for each in arguments])


def test_every_part_is_written(readme: Path) -> None:
    """Each part is what the program prints; what stands around the parts stays."""
    assert run(readme).exit_code == 0

    text = readme.read_text()
    assert "something old" not in text
    assert "```text\nUsage: betstack-gateway [OPTIONS] COMMAND" in text
    assert "| `TicketService/CreateTicket` | `POST /be/tickets` | debit | bet | signed |" in text
    assert "| `ODDS_CHANGED` | `ABORTED` |" in text
    assert "| `operators.<name>.platform_url` | required |" in text
    assert text.startswith("# Gateway\n\n<!-- begin: help -->\n")
    assert "<!-- end: help -->\n\nWords between.\n\n<!-- begin: routes -->" in text
    assert text.endswith("<!-- end: settings -->\n\nThe end.\n")


def test_a_fresh_readme_passes_the_check(readme: Path) -> None:
    """What was just written is not changed by writing again, and the check says nothing."""
    run(readme)
    written = readme.read_text()

    answer = run("--check", readme)

    assert (answer.exit_code, answer.output) == (0, "")
    run(readme)
    assert readme.read_text() == written


def test_drift_fails_the_check_with_a_diff(readme: Path) -> None:
    """The check shows what differs, writes nothing and ends with status 1."""
    answer = run("--check", readme)

    assert answer.exit_code == 1
    assert "-something old" in answer.output
    assert "+Usage: betstack-gateway" in answer.output
    assert readme.read_text() == TEXT


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<!-- begin: poem -->\n<!-- end: poem -->\n", "<!-- begin: poem -->: the name has to be one of routes"),
        ("<!-- begin: help -->\n", "<!-- begin: help --> stands alone"),
        ("<!-- begin: help -->\n<!-- end: routes -->\n", "<!-- begin: help --> is followed by <!-- end: routes -->"),
        ("<!-- end: help -->\n<!-- begin: help -->\n", "<!-- end: help --> is followed by <!-- begin: help -->"),
    ],
)
def test_marks_that_do_not_fit_are_errors(readme: Path, text: str, sentence: str) -> None:
    """A name that nothing makes and a mark without its other half are named, and nothing is written."""
    readme.write_text(text)

    answer = run(readme)

    assert answer.exit_code == 1
    assert sentence in answer.output
    assert readme.read_text() == text
