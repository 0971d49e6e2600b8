"""What does `verify` say about a signature?"""

from __future__ import annotations

import base64
import hmac
import json
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.explaining import Key
from gateway.cli.received import Received, from_curl
from gateway.cli.signed_headers import Clock
from gateway.cli.verifying import Verdict
from gateway.wire.signing import Whitespace, sign
from tests.cli.conftest import Prompt

SECRET = b"12345ABCDE"
NOW = 1_706_191_612
STAMP = str(NOW)
BODY = (
    '{"action":"ticket_create","data":{"operator":"acme","reason":"it\'s a/b <é>","wht":10,"ext":12.5,"stake":444}}'
).encode()
PRETTY = json.dumps(json.loads(BODY), indent=2, ensure_ascii=False).encode() + b"\n"
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "signing.json").read_text(encoding="utf-8")
)["vectors"]


class Desk:
    """Lays out files and asks about them."""

    def __init__(self, folder: Path, prompt: Prompt, key_file: Path) -> None:
        self.folder = folder
        self.key_file = key_file
        self._prompt = prompt

    def file(self, name: str, content: bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def ask(self, signature: str, body: bytes = BODY, *more: object, stamp: str = STAMP, now: int = NOW) -> Result:
        """Ask about a body and its two headers."""
        headers = self.file("headers", f"Timestamp: {stamp}\r\nSIGNATURE:{signature}\n".encode())
        return self.ask_about(headers, self.file("body", body), *more, now=now)

    def ask_about(self, headers: Path, body: Path, *more: object, now: int = NOW) -> Result:
        """Ask about two files."""
        files = ("--headers", headers, "--body", body, "--secret-file", self.key_file)
        return self._checked(self._prompt("verify", *files, "--now", now, *more))

    def ask_pasted(self, line: str | bytes, *more: object, now: int = NOW) -> Result:
        """Ask about a line for curl."""
        arguments = ("--curl", "--secret-file", self.key_file, "--now", now, *more)
        return self._checked(self._prompt("verify", *arguments, input=line))

    @staticmethod
    def _checked(answer: Result) -> Result:
        assert SECRET.decode() not in answer.output
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer


@pytest.fixture
def desk(tmp_path: Path, prompt: Prompt, key_file: Path) -> Desk:
    """Set up a desk in a folder of its own."""
    return Desk(tmp_path, prompt, key_file)


def hmac_of(message: bytes, key: bytes = SECRET) -> str:
    """Sign a message as it is."""
    return hmac.digest(key, message, "sha256").hex()


@pytest.mark.parametrize("whitespace", list(Whitespace))
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_verify(desk: Desk, vector: dict[str, Any], whitespace: Whitespace) -> None:
    """Every vector is verified under either reading, the published ones among them."""
    signature = vector[whitespace.replace("-", "_")]["signature"]
    stamp = vector["timestamp"]

    answer = desk.ask(signature, vector["body"].encode(), stamp=stamp, now=int(stamp))

    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("verified\n")


def test_what_is_verified_is_said(desk: Desk) -> None:
    """The reading, the number of the key and the age of the timestamp are named."""
    body = BODY.replace(b"it's", b"it is")
    other = desk.file("other", b"another key")

    answer = desk.ask(sign(SECRET, STAMP, body, Whitespace.STRIP_ALL), body, "--secret-file", other, now=NOW + 12)

    assert answer.output.splitlines() == [
        "verified",
        f"  timestamp  {STAMP}, 12 s ago, within the tolerance of 300 s",
        f"  key        1 of 2, {desk.key_file}",
        "  reading    strip-all: blanks inside strings do not count either",
    ]


def test_any_of_the_keys_will_do(desk: Desk) -> None:
    """Of several active keys the one that fits is named by its place."""
    other = desk.file("other", b"another key")

    answer = desk.ask(sign(b"another key", STAMP, BODY), BODY, "--secret-file", other)

    assert answer.exit_code == 0
    assert f"2 of 2, {other}" in answer.output


@pytest.mark.parametrize(
    ("age", "tolerance", "said", "status"),
    [
        (0, 300, "0 s ago, within the tolerance of 300 s", 0),
        (300, 300, "300 s (5 min) ago, within", 0),
        (-300, 300, "300 s (5 min) ahead, within", 0),
        (301, 300, "301 s (5 min 1 s) ago, outside the tolerance of 300 s\n", 1),
        (61, 60, "61 s ago, outside the tolerance of 60 s\n", 1),
        (-10_795, 300, "10795 s (2 h 59 min 55 s) ahead, outside the tolerance of 300 s; nearly 3 h: is it local", 1),
        (90_061, 300, "90061 s (1 d 1 h 1 min 1 s) ago, outside the tolerance of 300 s\n", 1),
    ],
)
def test_the_clock_is_judged_apart(desk: Desk, age: int, tolerance: int, said: str, status: int) -> None:
    """A signature that fits is verified, and the exit status is 0 only within the tolerance."""
    answer = desk.ask(sign(SECRET, STAMP, BODY), BODY, "--tolerance", tolerance, now=NOW + age)

    assert answer.exit_code == status
    assert answer.output.startswith("verified")
    assert said in answer.output


def compact(value: Any, **options: Any) -> bytes:
    """Write JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, **options).encode()


VALUE = json.loads(BODY)
SIGNED: list[tuple[str, bytes, bytes, str]] = [
    # what was received, the message that was signed, and what is said about it
    ("raw", PRETTY, STAMP.encode() + PRETTY, "the body with its whitespace, as it travels"),
    ("bare", PRETTY, STAMP.encode() + PRETTY[:-1], "the body with its whitespace, but without the newline at its end"),
    ("newline", BODY, STAMP.encode() + BODY + b"\n", "the body with its whitespace, and a newline at its end"),
    ("CR LF", PRETTY, STAMP.encode() + PRETTY.replace(b"\n", b"\r\n"), "its lines ended by CR LF"),
    ("pretty", BODY, STAMP.encode() + PRETTY[:-1], "the body parsed and written again: lines indented by 2"),
    (
        "spaced",
        BODY,
        STAMP.encode() + json.dumps(VALUE, ensure_ascii=False).encode(),
        "written again: a blank after each comma and colon",
    ),
    (
        "dumps",
        BODY,
        STAMP.encode() + json.dumps(VALUE).encode(),
        r"written again: what is not ASCII written as \u00e9, a blank after each comma and colon",
    ),
    ("sorted", BODY, STAMP.encode() + compact(VALUE, sort_keys=True), "written again: its keys sorted"),
    (
        "whole",
        BODY.replace(b"10,", b"10.0,"),
        STAMP.encode() + BODY,
        "written again: 10.0 written as 10",
    ),
    ("point", BODY, STAMP.encode() + BODY.replace(b"10,", b"10.0,"), "odds that are whole written as 10.0"),
    ("shortest", BODY.replace(b"12.5", b"12.50"), STAMP.encode() + BODY, "written again: 10.0 written as 10"),
    (
        "two digits",
        BODY,
        STAMP.encode() + BODY.replace(b"10,", b"10.00,").replace(b"12.5", b"12.50"),
        "written again: fractions with two digits",
    ),
    (
        "unescaped",
        json.dumps(VALUE, separators=(",", ":")).encode(),
        STAMP.encode() + BODY,
        "the signer signed the body parsed and written again\n",
    ),
    (
        "PHP",
        BODY,
        STAMP.encode() + json.dumps(VALUE, separators=(",", ":")).replace("/", "\\/").encode(),
        "as PHP does",
    ),
    (
        "Go",
        BODY,
        STAMP.encode() + BODY.replace(b"<", b"\\u003c").replace(b">", b"\\u003e"),
        "as Go does",
    ),
    ("body alone", BODY, BODY, "the signer signed the body alone, without the timestamp"),
    (
        "body alone, sorted",
        BODY,
        compact(VALUE, sort_keys=True),
        "the body alone, without the timestamp; the body parsed and written again: its keys sorted",
    ),
    ("timestamp alone", BODY, STAMP.encode(), "the timestamp alone, without the body"),
    ("swapped", BODY, BODY + STAMP.encode(), "the body first and the timestamp after it"),
    ("dot", BODY, STAMP.encode() + b"." + BODY, "'.' between timestamp and body"),
    ("milliseconds", BODY, f"{STAMP}417".encode() + BODY, f"the timestamp in milliseconds, {STAMP}417"),
]


@pytest.mark.parametrize(
    ("received", "message", "said"), [case[1:] for case in SIGNED], ids=[case[0] for case in SIGNED]
)
def test_what_was_signed_instead_is_found(desk: Desk, received: bytes, message: bytes, said: str) -> None:
    """A signature of another text is explained, and the exit status is 1."""
    answer = desk.ask(hmac_of(message), received)

    assert answer.exit_code == 1
    assert answer.output.startswith("not verified\n")
    assert "the signer signed " in answer.output
    assert said in answer.output
    assert "instead of  the timestamp as in its header, and right behind it the body" in answer.output


KEYS = [
    (b"12345ABCDE\n", "the newline at the end of the key's file taken for a part of the key"),
    (b"", "an empty key"),
    (bytes.fromhex("12345ABCDE"), "the key read as hexadecimal digits"),
]


@pytest.mark.parametrize(("key", "said"), KEYS)
def test_a_mistaken_key_is_found(desk: Desk, key: bytes, said: str) -> None:
    """What a key's file was taken for is said in words, without the key."""
    answer = desk.ask(hmac_of(STAMP.encode() + BODY, key))

    assert answer.exit_code == 1
    assert said in answer.output


def test_blanks_around_a_key_are_found(desk: Desk) -> None:
    """A key that somebody stripped is recognised."""
    desk.key_file.write_bytes(b" 12345ABCDE \n")

    answer = desk.ask(sign(SECRET, STAMP, BODY))

    assert answer.exit_code == 1
    assert "the key without the blanks around it" in answer.output


def test_what_is_not_known_is_said_too(desk: Desk) -> None:
    """A signature of who knows what ends with status 1 and no guess; a body that is not JSON is no obstacle."""
    for body in (BODY, b"\xff{]", b"", b"[" * 100, b"1e999"):
        answer = desk.ask("ab" * 32, body)

        assert answer.exit_code == 1
        assert "signed     nothing that is known here: with another key, or something changed" in answer.output


SPELLED: list[tuple[str, Callable[[str], str], str]] = [
    ("capitals", str.upper, "has capital digits; 64 lower-case hexadecimal digits are wanted"),
    ("prefix", lambda digits: f"sha256={digits}", "has more than its digits in it; 64"),
    ("both", lambda digits: f'"{digits.upper()}"', "has more than its digits in it and capital digits; 64"),
    ("base64", lambda digits: base64.b64encode(bytes.fromhex(digits)).decode(), "is base64; 64"),
    ("base64url", lambda digits: base64.urlsafe_b64encode(bytes.fromhex(digits)).decode(), "is base64; 64"),
]


@pytest.mark.parametrize(("spell", "said"), [case[1:] for case in SPELLED], ids=[case[0] for case in SPELLED])
def test_a_signature_spelled_otherwise_would_fit(desk: Desk, spell: Callable[[str], str], said: str) -> None:
    """What is wrong with the spelling is said, and that the signature itself fits."""
    answer = desk.ask(spell(sign(SECRET, STAMP, BODY)))

    assert answer.exit_code == 1
    assert answer.output.startswith("not verified\n")
    assert f"signature  {said}" in answer.output
    assert "compact: blanks inside strings count; the signature itself would fit" in answer.output


@pytest.mark.parametrize("signature", ["abc", "zz" * 32, "ab" * 20, "\u00e9" * 64, "YWJj"])
def test_a_signature_that_is_none_is_refused(desk: Desk, signature: str) -> None:
    """Text that spells no 32 bytes is said to be so."""
    answer = desk.ask(signature)

    assert answer.exit_code == 1
    assert "characters that are no such digits; 64 lower-case" in answer.output


HEADERS = [
    (b"signature: 00", "timestamp  the header is missing"),
    (b"timestamp: 1\ntimestamp: 1\nsignature: 00", "timestamp  the header is there 2 times"),
    (b"timestamp:\nsignature: 00", "timestamp  the header is empty"),
    (b"timestamp: 1706191612", "signature  the header is missing"),
    (b"timestamp: yesterday\nsignature: 00", "timestamp  yesterday is not Unix time in whole seconds"),
    (b"timestamp: \xff\x1b[2J\nsignature: 00", r"timestamp  \xff\x1b[2J is not Unix time in whole seconds"),
    (b"timestamp: -5\nsignature: 00", "timestamp  -5 is not Unix time in whole seconds"),
    (b"POST /pam HTTP/1.1\n\nHost: x\ntimestamp : 1706191612\nsignature: 00", f"timestamp  {STAMP}, 0 s ago"),
]


@pytest.mark.parametrize(("headers", "said"), HEADERS)
def test_headers_are_judged_one_by_one(desk: Desk, headers: bytes, said: str) -> None:
    """A header that is missing, twice, empty or malformed is named."""
    answer = desk.ask_about(desk.file("headers", headers), desk.file("body", BODY))

    assert answer.exit_code == 1
    assert said in answer.output


def test_a_line_that_is_no_header_is_refused(desk: Desk) -> None:
    """The line is named by its number."""
    answer = desk.ask_about(desk.file("headers", b"timestamp: 1\nnonsense\n"), desk.file("body", BODY))

    assert answer.exit_code == 1
    assert "headers, line 2: has to be 'name: value'" in answer.output


def test_milliseconds_in_the_header_are_named(desk: Desk) -> None:
    """The header is malformed whatever was signed, and what was signed is said."""
    stamp = f"{STAMP}417"

    as_sent = desk.ask(sign(SECRET, stamp, BODY), stamp=stamp)
    in_seconds = desk.ask(sign(SECRET, STAMP, BODY), stamp=stamp)

    said = f"{stamp} is in milliseconds, and Unix time in whole seconds is wanted; 0 s ago, within"
    assert said in as_sent.output
    assert said in in_seconds.output
    assert "the signature itself would fit" in as_sent.output
    assert f"the signer signed the timestamp in seconds, {STAMP}" in in_seconds.output
    assert (as_sent.exit_code, in_seconds.exit_code) == (1, 1)


def test_a_fraction_in_the_header_is_named(desk: Desk) -> None:
    """A timestamp with a fraction is malformed, and the seconds that were signed are found."""
    answer = desk.ask(sign(SECRET, STAMP, BODY), stamp=f"{STAMP}.5")

    assert f"{STAMP}.5 is not Unix time in whole seconds" in answer.output
    assert f"the timestamp {STAMP}, without its fraction" in answer.output


def test_without_a_timestamp_the_body_alone_may_be_signed(desk: Desk) -> None:
    """A missing header is no reason not to look further."""
    headers = desk.file("headers", f"signature: {hmac_of(BODY)}".encode())

    answer = desk.ask_about(headers, desk.file("body", BODY))

    assert "the header is missing" in answer.output
    assert "the signer signed the body alone, without the timestamp" in answer.output


def test_an_expected_message_is_compared(desk: Desk) -> None:
    """The first byte that differs is named, with what stands around it on both sides."""
    expected = STAMP.encode() + BODY.replace(b"12.5", b"12.50")

    answer = desk.ask(hmac_of(expected), BODY, "--expect", desk.file("expected", expected + b"\n"))

    place = len(STAMP) + BODY.index(b"12.5") + 4
    assert answer.exit_code == 1
    assert [line.strip() for line in answer.output.splitlines()[-4:]] == [
        "expected   the message is what the signature covers",
        f"it differs from the message that was received, compact, at byte {place}",
        """expected  …é>","wht":10,"ext":12.50,"stake":444}}""",
        """received  …é>","wht":10,"ext":12.5,"stake":444}}""",
    ]


def test_an_expected_message_may_be_shorter(desk: Desk) -> None:
    """A message that ends too early is said to end there; it may be given as text."""
    answer = desk.ask("ab" * 32, BODY, "--expect", STAMP + BODY.decode()[:-1])

    assert "the message is not what the signature covers, whichever key" in answer.output
    assert f"at byte {len(STAMP) + len(BODY) - 1}" in answer.output
    assert '"stake":444} (and ends there)' in answer.output


def test_an_expected_message_that_was_received_leaves_the_key(desk: Desk) -> None:
    """Where both sides have the same message, the keys differ."""
    answer = desk.ask("ab" * 32, BODY, "--expect", STAMP + BODY.decode())

    assert f"it is the message that was received, {Whitespace.COMPACT}" in answer.output


def test_a_key_in_a_message_is_covered(desk: Desk) -> None:
    """A signer that mixed the key into the message, or a header, does not make it be printed."""
    expected = STAMP + SECRET.decode() + BODY.decode()

    answer = desk.ask("ab" * 32, BODY, "--expect", expected, stamp=f"x{SECRET.decode()}")

    assert "x********** is not Unix time" in answer.output
    assert f"{STAMP}**********" in answer.output


def curl(*words: str) -> str:
    """Write a line for a shell."""
    return shlex.join(("curl", "http://127.0.0.1:8080/pam/acme", *words))


GOOD = sign(SECRET, STAMP, BODY)
TEXT = BODY.decode()
LINES = [
    curl("-H", f"timestamp: {STAMP}", "-H", f"signature: {GOOD}", "--data-raw", TEXT),
    curl("-XPOST", "--header", f"Timestamp:{STAMP}", f"-HSignature: {GOOD}", "-d", TEXT),
    curl("-sSd", TEXT, "-o", "-H", "-H", f"timestamp: {STAMP}", "-H", f"signature: {GOOD}", "--compressed"),
    "$ " + curl("--data-binary", TEXT, "-H", f"timestamp: {STAMP}", "-H", "accept:", "-H", f"signature: {GOOD}"),
    f"curl http://x \\\n  -H 'timestamp: {STAMP}' \\\r\n  -H \"signature: {GOOD}\" \\\n --json {shlex.quote(TEXT)} | jq .",
]


@pytest.mark.parametrize("line", LINES)
def test_a_pasted_curl_is_read(desk: Desk, line: str) -> None:
    """The options of curl that make headers and a body are read, the others are passed over."""
    answer = desk.ask_pasted(line)

    assert answer.exit_code == 0, answer.output


def test_what_sign_prints_verifies(desk: Desk, prompt: Prompt) -> None:
    """The line that `sign` prints for curl is one that `verify` reads."""
    printed = prompt("sign", "--secret-file", desk.key_file, "--timestamp", STAMP, input=BODY).output

    assert desk.ask_pasted(printed[printed.index("curl ") :]).exit_code == 0


def test_a_browsers_spelling_is_read(desk: Desk) -> None:
    """Quotes of the kind ``$'…'`` are read as a shell reads them."""
    ansi = TEXT.replace("'", "\\'").replace("é", "\\xc3\\251").replace("<", "\\u003c")

    answer = desk.ask_pasted(f"curl -H $'timestamp: {STAMP}' -H \"signature: {GOOD}\" --data-raw $'{ansi}'")

    assert answer.exit_code == 0, answer.output


def test_double_quotes_are_a_shells(desk: Desk) -> None:
    """Escapes and lines that go on inside double quotes are read as a shell reads them."""
    body = b'{"action":"ping","data":"$5 `x`"}'
    quoted = body.decode().replace('"', '\\"').replace("$", "\\$").replace("`", "\\`").replace("data", "da\\\nta")

    answer = desk.ask_pasted(f'curl -d "{quoted}" -H "timestamp: {STAMP}" -H "signature: {sign(SECRET, STAMP, body)}"')

    assert answer.exit_code == 0, answer.output


def test_files_are_read_as_curl_reads_them(desk: Desk) -> None:
    """``-d @file`` loses its newlines, ``--data-binary @file`` does not, ``--data-raw @file`` is no file."""
    path = desk.file("sent", PRETTY)
    headers = desk.file("sent-headers", f"timestamp: {STAMP}\nsignature: {hmac_of(STAMP.encode() + PRETTY)}\n".encode())

    stripped = desk.ask_pasted(curl("-d", f"@{path}", "-H", f"@{headers}"))
    binary = desk.ask_pasted(curl("--data-binary", f"@{path}", "-H", f"@{headers}"))
    raw = desk.ask_pasted(curl("--data-raw", f"@{path}", "-H", f"@{headers}"))

    assert "the body parsed and written again: lines indented by 2, a newline at its end" in stripped.output
    assert "the body with its whitespace, as it travels" in binary.output
    assert "nothing that is known here" in raw.output


def test_data_in_pieces_is_joined(desk: Desk) -> None:
    """Several ``-d`` are joined by ``&``, as curl does, and a header without a value may be sent with a semicolon."""
    signature = sign(SECRET, STAMP, b"a=1&b=2")

    line = curl(
        "-d", "a=1", "--data-ascii", "b=2", "-H", f"timestamp: {STAMP}", "-H", "x;", "-H", f"signature: {signature}"
    )

    assert desk.ask_pasted(line).exit_code == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("wget http://x", "standard input has to be a line that begins with curl"),
        ("", "standard input has to be a line that begins with curl"),
        ("curl 'http://x", "this is no line for a shell: no closing quotation"),
        ("curl -H", "curl's --header has no value"),
        ("curl -o", "curl's -o has no value"),
        ("curl -H nonsense", "curl's --header, line 1: has to be 'name: value'"),
        ("curl -d @-", "curl's --data @- cannot be read here"),
        ("curl -d @/nowhere", "curl's --data: /nowhere cannot be read"),
        ("curl -F a=b", "curl's --form cannot be read here"),
        ("curl -sG -d a=b", "curl's --get cannot be read here"),
        ("curl --data-urlencode a=b", "curl's --data-urlencode cannot be read here"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused(desk: Desk, line: str, said: str) -> None:
    """The sentence names the option."""
    answer = desk.ask_pasted(line)

    assert answer.exit_code == 1
    assert said in answer.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--headers or --curl is needed"),
        (("--curl", "--headers", __file__), "so --headers and --body do not go with it"),
    ],
)
def test_one_way_in_is_needed(prompt: Prompt, key_file: Path, arguments: tuple[str, ...], said: str) -> None:
    """Neither nor and both are refused with status 2."""
    answer = prompt("verify", "--secret-file", key_file, *arguments)

    assert answer.exit_code == 2
    assert said in answer.output


def test_without_a_body_the_timestamp_is_signed(desk: Desk, prompt: Prompt) -> None:
    """A request without a body verifies, by the clock of this machine if no other is given."""
    headers = desk.file("headers", f"timestamp: {STAMP}\nsignature: {sign(SECRET, STAMP, b'')}".encode())

    answer = prompt("verify", "--headers", headers, "--secret-file", desk.key_file)

    assert answer.exit_code == 1
    assert answer.output.startswith("verified, but the timestamp is outside the tolerance\n")


def test_an_empty_key_is_refused(desk: Desk) -> None:
    """A file with nothing but a newline is no key."""
    desk.key_file.write_bytes(b"\n")

    answer = desk.ask(GOOD)

    assert answer.exit_code == 1
    assert "the file is empty" in answer.output


ANY_TEXT = st.binary(max_size=80).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
HEADER = st.tuples(st.sampled_from(["timestamp", "signature"]), ANY_TEXT | st.just(STAMP) | st.just("ab" * 32))


@given(st.lists(HEADER, max_size=3), st.binary(max_size=200), st.none() | st.binary(max_size=80))
def test_whatever_is_received_gets_a_verdict(
    headers: list[tuple[str, str]], body: bytes, expected: bytes | None
) -> None:
    """No header, body or expected message makes anything raise."""
    keys = [Key(1, Path("key"), SECRET)]

    said = Verdict.on(Received(tuple(headers), body), keys, Clock(NOW, 300)).text(expected)

    assert said.startswith(("verified", "not verified"))
    assert all(line.isprintable() for line in said.splitlines())


@given(st.binary(max_size=200), st.sampled_from([b"curl ", b"curl -d ", b"curl -H $'", b'curl --json "', b""]))
def test_whatever_is_pasted_is_read_or_refused(rest: bytes, beginning: bytes) -> None:
    """A line is read, or refused in a sentence."""
    with suppress(click.ClickException):
        assert isinstance(from_curl(beginning + rest), Received)
