"""Is an incomplete contract refused? One valid contract, of which each case breaks one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, struct_pb2, text_format, timestamp_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool

from betstack.upstream.v1 import options_pb2
from gateway.contract import load_contract
from gateway.contract.problems import ContractError

VALID = """
name: "test/shop.proto"
package: "test"
syntax: "proto3"
dependency: "betstack/upstream/v1/options.proto"
dependency: "google/protobuf/struct.proto"
dependency: "google/protobuf/timestamp.proto"
enum_type {
  name: "Colour"
  value { name: "COLOUR_UNSPECIFIED" number: 0 }
  value { name: "COLOUR_RED" number: 1 options { [betstack.upstream.v1.token]: "red" } }
}
message_type {
  name: "GetRequest"
  field { name: "operator" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "code" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "GetResponse"
  field { name: "thing" number: 1 type: TYPE_MESSAGE type_name: ".test.Thing" label: LABEL_OPTIONAL }
}
message_type {
  name: "BuyRequest"
  field { name: "operator" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "thing" number: 2 type: TYPE_MESSAGE type_name: ".test.Thing" label: LABEL_OPTIONAL oneof_index: 0 }
  oneof_decl { name: "selection" options { [betstack.upstream.v1.variant]: "type" } }
}
message_type { name: "BuyResponse" }
message_type {
  name: "Thing"
  field { name: "colour" number: 1 type: TYPE_ENUM type_name: ".test.Colour" label: LABEL_OPTIONAL }
  field { name: "unmapped" number: 100 type: TYPE_MESSAGE type_name: ".google.protobuf.Struct" label: LABEL_OPTIONAL }
}
service {
  name: "Shop"
  options {
    [betstack.upstream.v1.api] { name: "bc" base_url: BASE_URL_PLATFORM }
    [betstack.upstream.v1.right]: RIGHT_READ
  }
  method {
    name: "Get"
    input_type: ".test.GetRequest"
    output_type: ".test.GetResponse"
    options {
      [betstack.upstream.v1.call] {
        get: "/things/{code}" operator: OPERATOR_PLACE_QUERY class: CALL_CLASS_READ answer: "thing"
      }
    }
  }
  method {
    name: "Buy"
    input_type: ".test.BuyRequest"
    output_type: ".test.BuyResponse"
    options {
      [betstack.upstream.v1.call] {
        post: "/things" operator: OPERATOR_PLACE_BODY action: "buy" class: CALL_CLASS_DEBIT
      }
    }
  }
}
"""

Break = Callable[[FileDescriptorProto], None]

# The stubs give extensions no type of their own.
API: Any = options_pb2.api
CALL: Any = options_pb2.call
VARIANT: Any = options_pb2.variant
RIGHT: Any = options_pb2.right
RULE: Any = options_pb2.rule


def _load(file: FileDescriptorProto) -> FileDescriptor:
    pool = DescriptorPool()
    for module in (descriptor_pb2, struct_pb2, timestamp_pb2, options_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(file.name)


def _valid() -> FileDescriptorProto:
    return text_format.Parse(VALID, FileDescriptorProto())


def _get(file: FileDescriptorProto) -> MethodDescriptorProto:
    return file.service[0].method[0]


def _buy(file: FileDescriptorProto) -> MethodDescriptorProto:
    return file.service[0].method[1]


def _call(method: MethodDescriptorProto) -> options_pb2.Call:
    call: options_pb2.Call = method.options.Extensions[CALL]
    return call


def _message(file: FileDescriptorProto, name: str) -> DescriptorProto:
    return next(message for message in file.message_type if message.name == name)


def _no_call(file: FileDescriptorProto) -> None:
    _get(file).options.ClearExtension(CALL)


def _no_verb(file: FileDescriptorProto) -> None:
    _call(_get(file)).ClearField("get")


def _no_class(file: FileDescriptorProto) -> None:
    _call(_get(file)).ClearField("class")


def _no_right(file: FileDescriptorProto) -> None:
    file.service[0].options.ClearExtension(RIGHT)


def _no_api(file: FileDescriptorProto) -> None:
    file.service[0].options.ClearExtension(API)


def _api_without_url(file: FileDescriptorProto) -> None:
    file.service[0].options.Extensions[API].ClearField("base_url")


def _api_without_name(file: FileDescriptorProto) -> None:
    file.service[0].options.Extensions[API].ClearField("name")


def _unknown_variable(file: FileDescriptorProto) -> None:
    _call(_get(file)).get = "/things/{number}"


def _misspelt_variable(file: FileDescriptorProto) -> None:
    _call(_get(file)).get = "/things/{Code}"


def _variable_that_is_no_string(file: FileDescriptorProto) -> None:
    _message(file, "GetRequest").field[1].type = FieldDescriptorProto.TYPE_INT64


def _variable_that_is_a_list(file: FileDescriptorProto) -> None:
    _message(file, "GetRequest").field[1].label = FieldDescriptorProto.LABEL_REPEATED


def _same_call_twice(file: FileDescriptorProto) -> None:
    twin = file.service[0].method.add()
    twin.CopyFrom(_buy(file))
    twin.name = "Acquire"


def _same_path_by_another_variable(file: FileDescriptorProto) -> None:
    _message(file, "GetRequest").field.add(
        name="slug", number=3, type=FieldDescriptorProto.TYPE_STRING, label=FieldDescriptorProto.LABEL_OPTIONAL
    )
    twin = file.service[0].method.add()
    twin.CopyFrom(_get(file))
    twin.name = "Fetch"
    _call(twin).get = "/things/{slug}"


def _get_with_a_body(file: FileDescriptorProto) -> None:
    _call(_get(file)).operator = options_pb2.OPERATOR_PLACE_BODY


def _post_with_a_query(file: FileDescriptorProto) -> None:
    _call(_buy(file)).operator = options_pb2.OPERATOR_PLACE_QUERY


def _object_in_a_query(file: FileDescriptorProto) -> None:
    _message(file, "GetRequest").field.add(
        name="thing",
        number=3,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".test.Thing",
        label=FieldDescriptorProto.LABEL_OPTIONAL,
    )


def _no_operator(file: FileDescriptorProto) -> None:
    _message(file, "GetRequest").field[0].name = "shop"


def _no_variant(file: FileDescriptorProto) -> None:
    _message(file, "BuyRequest").oneof_decl[0].options.ClearExtension(VARIANT)


def _scalar_in_a_variant(file: FileDescriptorProto) -> None:
    field = _message(file, "BuyRequest").field[1]
    field.type = FieldDescriptorProto.TYPE_STRING
    field.ClearField("type_name")


def _no_token(file: FileDescriptorProto) -> None:
    file.enum_type[0].value.add(name="COLOUR_BLUE", number=2)


def _unknown_answer(file: FileDescriptorProto) -> None:
    _call(_get(file)).answer = "card"


def _unmapped_that_is_no_struct(file: FileDescriptorProto) -> None:
    field = _message(file, "Thing").field[1]
    field.type = FieldDescriptorProto.TYPE_STRING
    field.ClearField("type_name")


def _type_without_spelling(file: FileDescriptorProto) -> None:
    _message(file, "Thing").field.add(
        name="seal", number=2, type=FieldDescriptorProto.TYPE_BYTES, label=FieldDescriptorProto.LABEL_OPTIONAL
    )


def _ruled(
    message: str, name: str, kind: FieldDescriptorProto.Type.ValueType, *, repeated: bool = False, **rule: Any
) -> Break:
    """Return what gives a message a field with a rule, or a field that it has the rule."""

    def break_it(file: FileDescriptorProto) -> None:
        fields = _message(file, message).field
        field = next((field for field in fields if field.name == name), None)
        if field is None:
            label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            field = fields.add(name=name, number=50, type=kind, label=label)
        field.options.Extensions[RULE].CopyFrom(options_pb2.Rule(**rule))

    return break_it


def _ruled_map(file: FileDescriptorProto) -> None:
    message = _message(file, "BuyRequest")
    entry = message.nested_type.add(name="FlagsEntry", options={"map_entry": True})
    entry.field.add(
        name="key", number=1, type=FieldDescriptorProto.TYPE_STRING, label=FieldDescriptorProto.LABEL_OPTIONAL
    )
    entry.field.add(
        name="value", number=2, type=FieldDescriptorProto.TYPE_STRING, label=FieldDescriptorProto.LABEL_OPTIONAL
    )
    field = message.field.add(
        name="flags",
        number=50,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".test.BuyRequest.FlagsEntry",
        label=FieldDescriptorProto.LABEL_REPEATED,
    )
    field.options.Extensions[RULE].not_empty = True


TEXT, INTEGER, NUMBER, ENUM, MESSAGE, FLAG = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_DOUBLE,
    FieldDescriptorProto.TYPE_ENUM,
    FieldDescriptorProto.TYPE_MESSAGE,
    FieldDescriptorProto.TYPE_BOOL,
)
FOR_TEXTS = "max_length, lines and format are for texts"

NONSENSE: list[tuple[Break, str]] = [
    (_ruled("GetRequest", "code", TEXT, min=1), "test.GetRequest.code: min is for numbers"),
    (_ruled("Thing", "colour", ENUM, min=0), "test.Thing.colour: min is for numbers"),
    (_ruled("GetRequest", "many", FLAG, min=1), "test.GetRequest.many: min is for numbers"),
    (
        _ruled("GetRequest", "price", INTEGER, min=0.5),
        "test.GetRequest.price: min is no number that the field can have",
    ),
    (
        _ruled("GetRequest", "odds", NUMBER, min=float("inf")),
        "test.GetRequest.odds: min is no number that the field can have",
    ),
    (
        _ruled("GetRequest", "odds", NUMBER, min=float("nan")),
        "test.GetRequest.odds: min is no number that the field can have",
    ),
    (_ruled("GetRequest", "code", TEXT, not_empty=True), "test.GetRequest.code: not_empty is for lists"),
    (_ruled("GetRequest", "price", INTEGER, max_length=5), f"test.GetRequest.price: {FOR_TEXTS}"),
    (_ruled("GetRequest", "odds", NUMBER, repeated=True, lines=True), f"test.GetRequest.odds: {FOR_TEXTS}"),
    (_ruled("Thing", "colour", ENUM, format="FORMAT_CURRENCY"), f"test.Thing.colour: {FOR_TEXTS}"),
    (_ruled("GetRequest", "code", TEXT, max_length=-1), "test.GetRequest.code: max_length is negative"),
    (
        _ruled("GetRequest", "code", TEXT, format="FORMAT_CURRENCY", max_length=3),
        "test.GetRequest.code: a format says all about a text",
    ),
    (_ruled_map, "test.BuyRequest.flags: a map takes no rule"),
    (_ruled("BuyRequest", "thing", MESSAGE, not_empty=True), "test.BuyRequest.thing: takes no rule"),
    (_ruled("Thing", "unmapped", MESSAGE, not_empty=True), "test.Thing.unmapped: takes no rule"),
    (_ruled("GetRequest", "operator", TEXT, max_length=9), "test.GetRequest.operator: takes no rule"),
    (_ruled("BuyRequest", "request_id", TEXT, max_length=9), "test.BuyRequest.request_id: takes no rule"),
    (_ruled("BuyResponse", "price", INTEGER, min=1), "test.BuyResponse.price: only requests take rules"),
    (_ruled("Thing", "price", INTEGER, min=1), "test.Thing.price: only requests take rules"),
]
"""Rules that nobody could keep or nobody would judge by."""

BREAKS: list[tuple[Break, str]] = [
    (_no_call, "/test.Shop/Get: has no call"),
    (_no_verb, "/test.Shop/Get: has no call"),
    (_no_class, "/test.Shop/Get: has no class"),
    (_no_right, "/test.Shop/Get: has no right"),
    (_no_api, "test.Shop: has no api with name and base_url"),
    (_api_without_url, "test.Shop: has no api with name and base_url"),
    (_api_without_name, "test.Shop: has no api with name and base_url"),
    (_unknown_variable, "/test.Shop/Get: path variable {number} is no string field of test.GetRequest"),
    (_misspelt_variable, "/test.Shop/Get: path variable {Code} is no string field of test.GetRequest"),
    (_variable_that_is_no_string, "/test.Shop/Get: path variable {code} is no string field of test.GetRequest"),
    (_variable_that_is_a_list, "/test.Shop/Get: path variable {code} is no string field of test.GetRequest"),
    (_same_call_twice, "/test.Shop/Acquire: /test.Shop/Buy is served by the same call"),
    (_same_path_by_another_variable, "/test.Shop/Fetch: /test.Shop/Get is served by the same call"),
    (_get_with_a_body, "/test.Shop/Get: a GET has no body for the operator"),
    (_post_with_a_query, "/test.Shop/Buy: a POST has no query for the operator"),
    (_object_in_a_query, "/test.Shop/Get: thing cannot travel in a query"),
    (_no_operator, "/test.Shop/Get: test.GetRequest has no string field operator"),
    (_no_variant, "test.BuyRequest.selection: a oneof needs the option variant"),
    (_scalar_in_a_variant, "test.BuyRequest.thing: has to be a message"),
    (_no_token, "test.Colour.COLOUR_BLUE: has no token"),
    (_unknown_answer, "/test.Shop/Get: answer names no field of test.GetResponse"),
    (_unmapped_that_is_no_struct, "test.Thing.unmapped: has to be a google.protobuf.Struct"),
    (_type_without_spelling, "test.Thing.seal: this type has no JSON spelling here"),
]


def test_the_contract_that_the_cases_break_is_valid() -> None:
    """What each case breaks in one place is a contract that loads."""
    contract = load_contract([_load(_valid())])

    assert list(contract.routes) == ["/test.Shop/Get", "/test.Shop/Buy"]


@pytest.mark.parametrize(("break_it", "problem"), BREAKS, ids=[case[0].__name__.strip("_") for case in BREAKS])
def test_an_incomplete_contract_is_refused_with_its_problem_named(break_it: Break, problem: str) -> None:
    """Each thing that a contract cannot be without stops the start, and the message says where it is missing."""
    file = _valid()
    break_it(file)

    with pytest.raises(ContractError) as refusal:
        load_contract([_load(file)])

    assert problem in refusal.value.problems


@pytest.mark.parametrize(("break_it", "problem"), NONSENSE, ids=[problem for _, problem in NONSENSE])
def test_a_rule_that_makes_no_sense_stops_the_start(break_it: Break, problem: str) -> None:
    """A rule has to fit its field, and stand where requests are judged by it; the message says which one does not."""
    file = _valid()
    break_it(file)

    with pytest.raises(ContractError) as refusal:
        load_contract([_load(file)])

    assert problem in refusal.value.problems


def test_all_problems_are_named_at_once() -> None:
    """Several problems are reported together, a line each."""
    file = _valid()
    _no_class(file)
    _post_with_a_query(file)

    with pytest.raises(ContractError) as refusal:
        load_contract([_load(file)])

    assert str(refusal.value).splitlines() == [
        "/test.Shop/Get: has no class",
        "/test.Shop/Buy: a POST has no query for the operator",
    ]


def test_one_path_serves_several_rpcs_under_different_tokens() -> None:
    """Two RPCs on one method and path are two calls when their envelope tokens differ."""
    file = _valid()
    _same_call_twice(file)
    _call(file.service[0].method[2]).action = "acquire"

    assert len(load_contract([_load(file)]).routes) == 3


def test_one_path_on_two_urls_is_two_calls() -> None:
    """Services whose APIs have URLs of their own may use the same paths."""
    file = _valid()
    file.service.add().CopyFrom(file.service[0])
    file.service[1].name = "Branch"
    file.service[1].options.Extensions[API].base_url = options_pb2.BASE_URL_PAM

    assert len(load_contract([_load(file)]).routes) == 4
