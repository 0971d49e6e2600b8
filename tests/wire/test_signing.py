"""Which bytes are signed? Signing and verifying against fixed vectors, most of them broken in one place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.wire.signing import Whitespace, message_to_sign, sign, verify


@dataclass(frozen=True)
class Vector:
    """A body with what is signed of it, and the signature, under one reading of whitespace."""

    name: str
    reading: Whitespace
    timestamp: str
    body: bytes
    message: bytes
    signature: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reading})"


FILE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "signing.json").read_text("utf-8"))
KEY = FILE["key"].encode()
VECTORS = [
    Vector(
        name=vector["name"],
        reading=reading,
        timestamp=vector["timestamp"],
        body=vector["body"].encode(),
        message=vector[member]["message"].encode(),
        signature=vector[member]["signature"],
    )
    for vector in FILE["vectors"]
    for reading, member in ((Whitespace.COMPACT, "compact"), (Whitespace.STRIP_ALL, "strip_all"))
]

PUBLISHED = [
    "f99aee9f77eef1ee8b64c78e7f8612e3234f03cce5fecdebd7ea27f2b9081423",
    "3fe37f41ba6dc960fd2a7098bd4643f971ff1408a31bcea9f3ef8d03b3ba2d0a",
    "46b1ec8d2a05129bb57c8256f2cdd3029b2cf72dbed57f0d3eedd6b156573433",
]

STAMP = "1706191612"
BODY = (
    b'{"action":"ticket_refund","data":{"operator":"acme","ticket_id":"668ef666333180bba97f0c93","reason":"late goal"}}'
)
SIGNED = sign(KEY, STAMP, BODY)

BROKEN = [
    ("another amount", {"body": BODY.replace(b"acme", b"acmf")}),
    ("one byte more", {"body": BODY + b"}"}),
    ("one byte less", {"body": BODY[:-1]}),
    ("no body", {"body": b""}),
    ("the fields in another order", {"body": b'{"data":{},"action":"ticket_refund"}'}),
    ("another spelling of the same text", {"body": BODY.replace(b"late", b"l\\u0061te")}),
    ("other letters' case", {"body": BODY.replace(b"late", b"Late")}),
    ("a no-break space put in", {"body": BODY.replace(b"late goal", "late\u00a0goal".encode())}),
    ("a vertical tab put in", {"body": BODY + b"\v"}),
    ("the second after", {"timestamp": "1706191613"}),
    ("the timestamp with a fraction", {"timestamp": "1706191612.0"}),
    ("the timestamp with a blank", {"timestamp": " 1706191612"}),
    ("no timestamp", {"timestamp": ""}),
    ("the wrong key", {"secrets": [b"12345ABCDF"]}),
    ("the key in small letters", {"secrets": [b"12345abcde"]}),
    ("an empty key", {"secrets": [b""]}),
    ("no key at all", {"secrets": []}),
    ("an empty signature", {"signature": ""}),
    ("half a signature", {"signature": SIGNED[:32]}),
    ("a signature with one digit changed", {"signature": ("0" if SIGNED[0] != "0" else "1") + SIGNED[1:]}),
    ("a signature in capitals", {"signature": SIGNED.upper()}),
    ("a signature with a blank", {"signature": SIGNED + " "}),
    ("a signature in full-width digits", {"signature": "\uff10" * 64}),
    ("a lone surrogate as signature", {"signature": "\ud800" * 64}),
]

TEXT = st.text(st.characters(), max_size=30) | st.text(st.sampled_from('"\\ \t\r\n{}\ud800é'), max_size=30)
BYTES = st.binary(max_size=60) | st.text(st.sampled_from('"\\ \t\r\n{}:,a1é'), max_size=60).map(str.encode)


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_each_vector_has_its_signature(vector: Vector) -> None:
    """The signature of every vector is the one that openssl, or the platform, gives."""
    assert sign(KEY, vector.timestamp, vector.body, vector.reading) == vector.signature


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_each_vector_signs_its_message(vector: Vector) -> None:
    """What is signed is the timestamp and the body without blanks, under each reading."""
    assert message_to_sign(vector.timestamp, vector.body, vector.reading) == vector.message


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_each_vector_verifies_under_either_reading(vector: Vector) -> None:
    """A verifier does not have to know which reading of whitespace the sender has."""
    assert verify([KEY], vector.timestamp, vector.body, vector.signature)


def test_the_published_signatures_are_in_the_vectors() -> None:
    """The platform's three published vectors are there, and their signatures are the published ones."""
    published = [vector["compact"]["signature"] for vector in FILE["vectors"] if vector["source"] == "platform"]

    assert published == PUBLISHED


def test_compact_is_what_is_sent_unless_told_otherwise() -> None:
    """Blanks inside strings are signed unless the other reading is asked for."""
    assert sign(KEY, STAMP, BODY) == sign(KEY, STAMP, BODY, Whitespace.COMPACT)
    assert sign(KEY, STAMP, BODY) != sign(KEY, STAMP, BODY, Whitespace.STRIP_ALL)


def test_a_request_without_body_signs_its_timestamp_alone() -> None:
    """A GET's signature covers the digits of its timestamp and nothing else."""
    assert message_to_sign(STAMP, b"") == b"1706191612"


@pytest.mark.parametrize("reading", Whitespace)
def test_whitespace_outside_strings_does_not_count(reading: Whitespace) -> None:
    """A body that was laid out for reading on its way still verifies."""
    pretty = json.dumps(json.loads(BODY), indent=4).replace("\n", "\r\n\t").encode()

    assert verify([KEY], STAMP, pretty, sign(KEY, STAMP, BODY, reading))


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r"], ids=ascii)
@pytest.mark.parametrize("reading", Whitespace)
def test_each_kind_of_whitespace_is_whitespace(reading: Whitespace, blank: str) -> None:
    """Blank, tab, line feed and carriage return are whitespace, each of them alone too."""
    body = f'{blank}{{"a"{blank}:{blank}{blank}[1,{blank}"b"]}}{blank}'.encode()

    assert message_to_sign(STAMP, body, reading) == b'1706191612{"a":[1,"b"]}'


@pytest.mark.parametrize(("_", "change"), BROKEN, ids=[case[0] for case in BROKEN])
def test_what_was_tampered_with_is_refused(_: str, change: dict[str, Any]) -> None:
    """A valid request with one thing changed does not verify."""
    valid: dict[str, Any] = {"secrets": [KEY], "timestamp": STAMP, "body": BODY, "signature": SIGNED}

    assert verify(**valid)
    assert not verify(**(valid | change))


@pytest.mark.parametrize(("signed", "received"), [(b'{"wht":10}', b'{"wht":10.0}'), (b'{"wht":10.0}', b'{"wht":10}')])
def test_the_same_number_spelled_differently_is_another_body(signed: bytes, received: bytes) -> None:
    """10 and 10.0 have different signatures, so a verifier works on the bytes received."""
    assert not verify([KEY], STAMP, received, sign(KEY, STAMP, signed))


def test_a_blank_moved_into_a_string_counts() -> None:
    """Under the compact reading a blank outside strings is nothing and one inside is a byte like any other."""
    signature = sign(KEY, STAMP, b'{"a":"b"}')

    assert verify([KEY], STAMP, b'{ "a": "b" }', signature)
    assert verify([KEY], STAMP, b'{"a":" b"}', signature), "this is what the strip-all reading signs"
    assert not verify([KEY], STAMP, b'{"a":"b"}', sign(KEY, STAMP, b'{"a":" b"}'))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_any_of_several_keys_will_do(position: int) -> None:
    """While keys are changed, a signature under any of them verifies."""
    keys = [b"older", b"old", b"new"]

    assert verify(iter(keys), STAMP, BODY, sign(keys[position], STAMP, BODY))


def test_a_key_may_be_any_bytes() -> None:
    """Keys are bytes, not text: zeros, high bytes and lengths beyond a block are fine."""
    for key in (b"\x00", b"\xff" * 200):
        assert verify([key], STAMP, BODY, sign(key, STAMP, BODY))


@settings(max_examples=150, deadline=None)
@given(secrets=st.lists(st.binary(max_size=80), max_size=3), timestamp=TEXT, body=BYTES, signature=TEXT)
@example(secrets=[b""], timestamp="\udfff", body=b'"\\', signature="\ud800")
@example(secrets=[b""], timestamp="", body=b' "\\" "', signature="é")
def test_verifying_never_raises(secrets: list[bytes], timestamp: str, body: bytes, signature: str) -> None:
    """Whatever strings and bytes arrive, the answer is yes or no."""
    assert verify(secrets, timestamp, body, signature) is False


@settings(max_examples=150, deadline=None)
@given(key=st.binary(max_size=80), body=BYTES, reading=st.sampled_from(Whitespace))
def test_what_is_signed_verifies(key: bytes, body: bytes, reading: Whitespace) -> None:
    """A signature verifies for its own body, JSON or not, under the reading that made it."""
    assert verify([key], STAMP, body, sign(key, STAMP, body, reading))


JSON_TEXT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=JSON_TEXT, ascii_only=st.booleans(), indent=st.sampled_from([None, 1, "\t"]))
def test_the_compact_reading_is_compact_json(value: object, ascii_only: bool, indent: int | str | None) -> None:
    """Taking away the blanks outside strings gives the text that a compact writer would have given."""
    pretty = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    compact = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()

    assert message_to_sign("", pretty) == compact
    assert message_to_sign("", compact) == compact


@pytest.mark.parametrize("hostile", [b' "' + b'\\"' * 500_000, b" " + b'"' * 1_000_001, b'"' + b" \\" * 300_000])
def test_a_hostile_body_costs_no_more_than_its_length(hostile: bytes) -> None:
    """A string that never ends is looked at once, not once for every quote in it: this test ends."""
    assert not verify([KEY], STAMP, hostile, SIGNED)
