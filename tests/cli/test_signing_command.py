"""What does `sign` print?"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Prompt

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "signing.json").read_text(encoding="utf-8")
)["vectors"]
PUBLISHED = [vector for vector in VECTORS if vector["source"] == "platform"]
BODY = '{"type":"otp","data":{"code":"it\'s \\" $x", "msisdn":"+260977223120"}}\n'


def names(vectors: list[dict[str, Any]]) -> list[str]:
    """Return what the vectors are called."""
    return [vector["name"] for vector in vectors]


@pytest.mark.parametrize("vector", PUBLISHED, ids=names(PUBLISHED))
def test_a_published_sample_gets_its_published_signature(
    prompt: Prompt, key_file: Path, vector: dict[str, Any]
) -> None:
    """The platform's own samples come out with the platform's own signatures."""
    answer = prompt("sign", "--secret-file", key_file, "--timestamp", vector["timestamp"], input=vector["body"])

    assert answer.exit_code == 0
    assert f"signature  {vector['compact']['signature']}\n" in answer.output


@pytest.mark.parametrize("whitespace", ["compact", "strip-all"])
@pytest.mark.parametrize("vector", VECTORS, ids=names(VECTORS))
def test_what_is_signed_is_shown_as_it_is(
    prompt: Prompt, key_file: Path, vector: dict[str, Any], whitespace: str
) -> None:
    """Message and signature are those of the vector, under either reading of blanks."""
    expected = vector[whitespace.replace("-", "_")]
    arguments = ("--secret-file", key_file, "--timestamp", vector["timestamp"], "--whitespace", whitespace)

    answer = prompt("sign", *arguments, input=vector["body"])

    assert f"message    {expected['message']}\n" in answer.output
    assert f"signature  {expected['signature']}\n" in answer.output


def test_the_line_for_curl_sends_the_body_as_it_is(prompt: Prompt, key_file: Path) -> None:
    """A shell reads the line back to the same headers and the same bytes, quotes and all."""
    arguments = ("--secret-file", key_file, "--timestamp", "1706191612", "--operator", "site", "--url", "http://x/sms")

    output = prompt("sign", *arguments, input=BODY).output
    signature = output.partition("signature  ")[2].partition("\n")[0]

    assert shlex.split(output[output.index("curl ") :]) == [
        *("curl", "http://x/sms"),
        *("-H", "timestamp: 1706191612"),
        *("-H", "operator-name: site"),
        *("-H", f"signature: {signature}"),
        *("-H", "content-type: application/json"),
        *("--data-raw", BODY),
    ]


def test_without_a_body_the_timestamp_is_signed(prompt: Prompt, key_file: Path) -> None:
    """An empty body makes a line for a GET, without a content type."""
    output = prompt("sign", "--secret-file", key_file, "--timestamp", "7", input="").output

    assert output.startswith("message    7\n")
    assert "--data-raw" not in output
    assert "content-type" not in output


def test_the_secret_is_never_printed(prompt: Prompt, key_file: Path) -> None:
    """Whatever is printed, the key is not."""
    assert "12345ABCDE" not in prompt("sign", "--secret-file", key_file, input=BODY).output


@pytest.mark.parametrize(
    ("key", "body", "sentence"),
    [
        (b"\n", b"{}", "the file is empty"),
        (b"key", b"\xff", "the body is not UTF-8"),
        (b"key", b"\0", "the body has a zero byte in it"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    prompt: Prompt, key_file: Path, key: bytes, body: bytes, sentence: str
) -> None:
    """An empty key and a body that is no text are refused in a sentence."""
    key_file.write_bytes(key)

    answer = prompt("sign", "--secret-file", key_file, input=body)

    assert answer.exit_code == 1
    assert sentence in answer.output
