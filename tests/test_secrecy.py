"""Would it be noticed if something secret got out?"""

from __future__ import annotations

import logging

import pytest

from tests.secrecy import SECRETS, look, secrets_told

LOG = logging.getLogger("gateway.test")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("line", ["token={}", "'{}'", '{{"code": "{}"}}', "+{}", "{}", "a {} b"])
def test_a_secret_is_found_wherever_it_stands(line: str, secret: str) -> None:
    """A secret is found as a word of its own, in whatever form a line has."""
    look("a test", line.format(secret))

    assert len(secrets_told()) == 1


@pytest.mark.parametrize("line", ["seconds=0.1234", "4b7d-1234-8f", "gateway/cli/demo.py", "AB1234", "demonstration"])
def test_what_only_looks_like_one_is_none(line: str) -> None:
    """Times, identifiers and paths are no secrets."""
    look("a test", line)

    assert secrets_told() == []


def test_every_line_of_the_log_is_searched() -> None:
    """Message, fields and exception, from debug on."""
    LOG.debug("the key is %s", "12345ABCDE")
    LOG.debug("called", extra={"msisdn": "+260977223120"})
    LOG.error("failed", exc_info=RuntimeError("token sometokenvalue"))
    LOG.debug("called", extra={"request_id": "bet-1"})

    assert [found.partition(" ")[0] for found in secrets_told()] == [
        "'12345ABCDE'",
        "'260977223120'",
        "'sometokenvalue'",
    ]
