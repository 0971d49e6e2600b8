"""Does an RPC work that nobody has written yet? A contract of its own, with what today's RPCs do not use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, struct_pb2, text_format, timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from betstack.upstream.v1 import options_pb2
from gateway.contract import load_contract
from gateway.failure import Failure, Reason
from gateway.wire.binding import HttpCall
from gateway.wire.codes import code_tables
from gateway.wire.envelope import HttpAnswer
from gateway.wire.translation import Translation, translations

PROTO = """
name: "test/shop.proto"
package: "test"
syntax: "proto3"
dependency: "betstack/upstream/v1/options.proto"
dependency: "google/protobuf/struct.proto"
dependency: "google/protobuf/timestamp.proto"
enum_type {
  name: "Colour"
  value { name: "COLOUR_UNSPECIFIED" number: 0 }
  value { name: "COLOUR_RED" number: 1 options { [betstack.upstream.v1.token]: "deep red" } }
}
message_type {
  name: "Part"
  field { name: "size" number: 1 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
}
message_type {
  name: "BuyRequest"
  field { name: "operator" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field {
    name: "amount" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL
    options { [betstack.upstream.v1.wire] { name: "Amount \\"cents\\"" } }
  }
  field {
    name: "colour" number: 3 type: TYPE_ENUM type_name: ".test.Colour" label: LABEL_OPTIONAL
    proto3_optional: true oneof_index: 0
  }
  field { name: "part" number: 4 type: TYPE_MESSAGE type_name: ".test.Part" label: LABEL_OPTIONAL }
  field { name: "parts" number: 5 type: TYPE_MESSAGE type_name: ".test.Part" label: LABEL_REPEATED }
  field { name: "due" number: 6 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "gift" number: 7 type: TYPE_BOOL label: LABEL_OPTIONAL }
  oneof_decl { name: "_colour" }
}
message_type {
  name: "BuyResponse"
  field { name: "part" number: 1 type: TYPE_MESSAGE type_name: ".test.Part" label: LABEL_OPTIONAL }
}
message_type {
  name: "FindRequest"
  field { name: "operator" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field {
    name: "colour" number: 2 type: TYPE_ENUM type_name: ".test.Colour" label: LABEL_OPTIONAL
    proto3_optional: true oneof_index: 0
    options { [betstack.upstream.v1.wire] { name: "shade of" } }
  }
  field { name: "since" number: 3 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "gift" number: 4 type: TYPE_BOOL label: LABEL_OPTIONAL }
  oneof_decl { name: "_colour" }
}
message_type { name: "FindResponse" }
service {
  name: "Shop"
  options {
    [betstack.upstream.v1.api] { name: "bc" base_url: BASE_URL_PLATFORM }
    [betstack.upstream.v1.right]: RIGHT_READ
  }
  method {
    name: "Buy" input_type: ".test.BuyRequest" output_type: ".test.BuyResponse"
    options { [betstack.upstream.v1.call] { post: "/things" class: CALL_CLASS_DEBIT } }
  }
  method {
    name: "Find" input_type: ".test.FindRequest" output_type: ".test.FindResponse"
    options { [betstack.upstream.v1.call] { get: "/things" class: CALL_CLASS_READ } }
  }
}
"""


@pytest.fixture(scope="module")
def shop() -> dict[str, Translation]:
    """Return the translations of the contract above, by name of the RPC."""
    pool = DescriptorPool()
    for module in (descriptor_pb2, struct_pb2, timestamp_pb2, options_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(text_format.Parse(PROTO, FileDescriptorProto()).SerializeToString())
    contract = load_contract([pool.FindFileByName("test/shop.proto")])
    return {
        translation.route.method: translation
        for translation in translations(contract, code_tables().__getitem__).values()
    }


def _request(translation: Translation, **fields: Any) -> Message:
    return translation.route.request.message(**fields)


@contextmanager
def _refused(reason: Reason) -> Iterator[None]:
    with pytest.raises(Failure) as failure:
        yield
    assert failure.value.reason is reason


def test_a_body_may_hold_whatever_a_message_holds(shop: dict[str, Translation]) -> None:
    """Keys of their own, optional tokens, objects, times and flags are written in declared order."""
    request = _request(
        shop["Buy"],
        operator="only in the header",
        amount=3500,
        colour=1,
        part={"size": 2.5},
        parts=[{"size": 1.0}, {}],
        due={"seconds": 1721235600, "nanos": 500_000_000},
        gift=True,
    )

    assert shop["Buy"].check(request) == ()
    assert shop["Buy"].bind(request).body.decode() == (
        '{"Amount \\"cents\\"":3500,"colour":"deep red","part":{"size":2.5},"parts":[{"size":1},{"size":0}],'
        '"due":"2024-07-17T17:00:00.500000","gift":true}'
    )


@pytest.mark.parametrize("fields", [{}, {"colour": 0}], ids=["unset", "unspecified"])
def test_an_optional_token_that_is_unspecified_is_absent(shop: dict[str, Translation], fields: dict[str, int]) -> None:
    """An unspecified enum is written like an absent field where it may be null, and left out of a query."""
    buy, find = _request(shop["Buy"], **fields), _request(shop["Find"], **fields)

    assert shop["Buy"].check(buy) == shop["Find"].check(find) == ()
    assert b'"colour":null,"part":null,"parts":[],"due":null,"gift":false}' in shop["Buy"].bind(buy).body
    assert shop["Find"].bind(find) == HttpCall("GET", "/things?gift=false", b"")


def test_a_query_may_hold_tokens_times_and_flags(shop: dict[str, Translation]) -> None:
    """Values of a query are spelled as in JSON, but without quotes, and encoded; so are their keys."""
    request = _request(shop["Find"], colour=1, since={"seconds": 1721235600}, gift=True)

    assert (
        shop["Find"].bind(request).target
        == "/things?shade%20of=deep%20red&since=2024-07-17T17%3A00%3A00.000000&gift=true"
    )


def test_what_is_inside_objects_is_checked(shop: dict[str, Translation]) -> None:
    """Violations inside objects, lists of objects and times have their path."""
    request = _request(
        shop["Buy"],
        colour=7,
        part={"size": float("inf")},
        parts=[{}, {"size": float("nan")}],
        due={"seconds": 253_402_300_800},
    )

    assert [(violation.field, violation.description) for violation in shop["Buy"].check(request)] == [
        ("colour", "has to be one of deep red"),
        ("part.size", "has to be a finite number"),
        ("parts[1].size", "has to be a finite number"),
        ("due", "has to lie between the years 1 and 9999"),
    ]


def test_a_message_without_room_takes_nothing_that_is_unknown(shop: dict[str, Translation]) -> None:
    """What a message cannot keep is not dropped: the answer does not decode, or it is kept further out."""
    assert shop["Buy"].read(HttpAnswer(200, {}, b'{"part":{"size":1}}'), []).ListFields()
    with _refused(Reason.OUTCOME_UNKNOWN):
        shop["Buy"].read(HttpAnswer(200, {}, b'{"part":{"size":1,"weight":2}}'), [])
    with _refused(Reason.UPSTREAM_BAD_PAYLOAD):
        shop["Find"].read(HttpAnswer(200, {}, b'{"weight":2}'), [])
