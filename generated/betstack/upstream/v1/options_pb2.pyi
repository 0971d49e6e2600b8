from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BaseUrl(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BASE_URL_UNSPECIFIED: _ClassVar[BaseUrl]
    BASE_URL_PLATFORM: _ClassVar[BaseUrl]
    BASE_URL_PAM: _ClassVar[BaseUrl]
    BASE_URL_SMS: _ClassVar[BaseUrl]

class OperatorPlace(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATOR_PLACE_UNSPECIFIED: _ClassVar[OperatorPlace]
    OPERATOR_PLACE_BODY: _ClassVar[OperatorPlace]
    OPERATOR_PLACE_QUERY: _ClassVar[OperatorPlace]

class CallClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALL_CLASS_UNSPECIFIED: _ClassVar[CallClass]
    CALL_CLASS_READ: _ClassVar[CallClass]
    CALL_CLASS_DEBIT: _ClassVar[CallClass]
    CALL_CLASS_RESERVE: _ClassVar[CallClass]
    CALL_CLASS_CREDIT: _ClassVar[CallClass]
    CALL_CLASS_NOTIFY: _ClassVar[CallClass]

class Success(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUCCESS_UNSPECIFIED: _ClassVar[Success]
    SUCCESS_BODY_OPTIONAL: _ClassVar[Success]
    SUCCESS_STATUS: _ClassVar[Success]

class Right(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RIGHT_UNSPECIFIED: _ClassVar[Right]
    RIGHT_READ: _ClassVar[Right]
    RIGHT_BET: _ClassVar[Right]
    RIGHT_PAM: _ClassVar[Right]
    RIGHT_SMS: _ClassVar[Right]
    RIGHT_ADMIN: _ClassVar[Right]

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_CURRENCY: _ClassVar[Format]

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    STATUS_CANCELLED: _ClassVar[Status]
    STATUS_UNKNOWN: _ClassVar[Status]
    STATUS_INVALID_ARGUMENT: _ClassVar[Status]
    STATUS_DEADLINE_EXCEEDED: _ClassVar[Status]
    STATUS_NOT_FOUND: _ClassVar[Status]
    STATUS_ALREADY_EXISTS: _ClassVar[Status]
    STATUS_PERMISSION_DENIED: _ClassVar[Status]
    STATUS_RESOURCE_EXHAUSTED: _ClassVar[Status]
    STATUS_FAILED_PRECONDITION: _ClassVar[Status]
    STATUS_ABORTED: _ClassVar[Status]
    STATUS_OUT_OF_RANGE: _ClassVar[Status]
    STATUS_UNIMPLEMENTED: _ClassVar[Status]
    STATUS_INTERNAL: _ClassVar[Status]
    STATUS_UNAVAILABLE: _ClassVar[Status]
    STATUS_DATA_LOSS: _ClassVar[Status]
    STATUS_UNAUTHENTICATED: _ClassVar[Status]
BASE_URL_UNSPECIFIED: BaseUrl
BASE_URL_PLATFORM: BaseUrl
BASE_URL_PAM: BaseUrl
BASE_URL_SMS: BaseUrl
OPERATOR_PLACE_UNSPECIFIED: OperatorPlace
OPERATOR_PLACE_BODY: OperatorPlace
OPERATOR_PLACE_QUERY: OperatorPlace
CALL_CLASS_UNSPECIFIED: CallClass
CALL_CLASS_READ: CallClass
CALL_CLASS_DEBIT: CallClass
CALL_CLASS_RESERVE: CallClass
CALL_CLASS_CREDIT: CallClass
CALL_CLASS_NOTIFY: CallClass
SUCCESS_UNSPECIFIED: Success
SUCCESS_BODY_OPTIONAL: Success
SUCCESS_STATUS: Success
RIGHT_UNSPECIFIED: Right
RIGHT_READ: Right
RIGHT_BET: Right
RIGHT_PAM: Right
RIGHT_SMS: Right
RIGHT_ADMIN: Right
FORMAT_UNSPECIFIED: Format
FORMAT_CURRENCY: Format
STATUS_UNSPECIFIED: Status
STATUS_CANCELLED: Status
STATUS_UNKNOWN: Status
STATUS_INVALID_ARGUMENT: Status
STATUS_DEADLINE_EXCEEDED: Status
STATUS_NOT_FOUND: Status
STATUS_ALREADY_EXISTS: Status
STATUS_PERMISSION_DENIED: Status
STATUS_RESOURCE_EXHAUSTED: Status
STATUS_FAILED_PRECONDITION: Status
STATUS_ABORTED: Status
STATUS_OUT_OF_RANGE: Status
STATUS_UNIMPLEMENTED: Status
STATUS_INTERNAL: Status
STATUS_UNAVAILABLE: Status
STATUS_DATA_LOSS: Status
STATUS_UNAUTHENTICATED: Status
API_FIELD_NUMBER: _ClassVar[int]
api: _descriptor.FieldDescriptor
RIGHT_FIELD_NUMBER: _ClassVar[int]
right: _descriptor.FieldDescriptor
CALL_FIELD_NUMBER: _ClassVar[int]
call: _descriptor.FieldDescriptor
RPC_RIGHT_FIELD_NUMBER: _ClassVar[int]
rpc_right: _descriptor.FieldDescriptor
WIRE_FIELD_NUMBER: _ClassVar[int]
wire: _descriptor.FieldDescriptor
RULE_FIELD_NUMBER: _ClassVar[int]
rule: _descriptor.FieldDescriptor
VARIANT_FIELD_NUMBER: _ClassVar[int]
variant: _descriptor.FieldDescriptor
TOKEN_FIELD_NUMBER: _ClassVar[int]
token: _descriptor.FieldDescriptor
STATUS_FIELD_NUMBER: _ClassVar[int]
status: _descriptor.FieldDescriptor

class Api(_message.Message):
    __slots__ = ("name", "base_url", "operator_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_URL_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    base_url: BaseUrl
    operator_name: bool
    def __init__(self, name: _Optional[str] = ..., base_url: _Optional[_Union[BaseUrl, str]] = ..., operator_name: _Optional[bool] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("get", "post", "operator", "action", "type", "answer", "success", "unsigned", "disabled")
    GET_FIELD_NUMBER: _ClassVar[int]
    POST_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    get: str
    post: str
    operator: OperatorPlace
    action: str
    type: str
    answer: str
    success: Success
    unsigned: bool
    disabled: bool
    def __init__(self, get: _Optional[str] = ..., post: _Optional[str] = ..., operator: _Optional[_Union[OperatorPlace, str]] = ..., action: _Optional[str] = ..., type: _Optional[str] = ..., answer: _Optional[str] = ..., success: _Optional[_Union[Success, str]] = ..., unsigned: _Optional[bool] = ..., disabled: _Optional[bool] = ..., **kwargs) -> None: ...

class Wire(_message.Message):
    __slots__ = ("name", "sensitive", "required")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    name: str
    sensitive: bool
    required: bool
    def __init__(self, name: _Optional[str] = ..., sensitive: _Optional[bool] = ..., required: _Optional[bool] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("min", "not_empty", "max_length", "lines", "format")
    MIN_FIELD_NUMBER: _ClassVar[int]
    NOT_EMPTY_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    min: float
    not_empty: bool
    max_length: int
    lines: bool
    format: Format
    def __init__(self, min: _Optional[float] = ..., not_empty: _Optional[bool] = ..., max_length: _Optional[int] = ..., lines: _Optional[bool] = ..., format: _Optional[_Union[Format, str]] = ...) -> None: ...
