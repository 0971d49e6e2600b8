"""What should a gRPC client do by itself? A service config, made from what each RPC does to money.

A client repeats only what is UNAVAILABLE: whoever says so, the gateway or the client's own library for a connection that
broke, the same request may go out again, because a read changes nothing and money has the ledger. A NOTIFY has none of
both, so nothing repeats it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from typing import Any, BinaryIO, Final

import click
from google.protobuf.descriptor import MethodDescriptor

from betstack.event.v1 import event_service_pb2
from betstack.operation.v1 import operation_service_pb2
from gateway.callers import Right
from gateway.contract import CallClass, load_contract, right_of
from gateway.contract.routes import PLATFORM_FILES
from gateway.settings import Reconcile, Upstream

__all__ = ["service_config", "service_config_command"]

_READ_S: Final = Upstream().read_timeout_s
_CHANGE_S: Final = Upstream().timeout_s + Reconcile().settle_s
"""How long a gateway may work on a call that changes something: its last try begins this late."""

_RETRY: Final = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_OWN_FILES: Final = (operation_service_pb2.DESCRIPTOR, event_service_pb2.DESCRIPTOR)


class _Conduct(Enum):
    """How a client treats a call: how long it waits, and whether it repeats."""

    READ = (_READ_S, True)
    MONEY = (_CHANGE_S, True)
    ONCE = (_CHANGE_S, False)
    STREAM = (None, True)


def service_config() -> dict[str, Any]:
    """Return the service config of gRPC for all services that callers call, as its JSON says it."""
    methods = sorted(_methods(), key=lambda each: list(_Conduct).index(each[1]))
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
        "methodConfig": [
            _method_config([method for method, _ in alike], conduct)
            for conduct, alike in groupby(methods, key=lambda each: each[1])
        ],
    }


def _method_config(methods: list[MethodDescriptor], conduct: _Conduct) -> dict[str, Any]:
    timeout_s, repeats = conduct.value
    return {
        "name": [{"service": method.containing_service.full_name, "method": method.name} for method in methods],
        **({} if timeout_s is None else {"timeout": f"{timeout_s:g}s"}),
        **({"retryPolicy": _RETRY} if repeats else {}),
    }


def _methods() -> Iterator[tuple[MethodDescriptor, _Conduct]]:
    routes = load_contract().routes
    for file in (*PLATFORM_FILES, *_OWN_FILES):
        for service in file.services_by_name.values():
            for method in service.methods:
                route = routes.get(f"/{service.full_name}/{method.name}")
                yield method, _of_class(route.call_class) if route else _of_our_own(method)


def _of_class(call_class: CallClass) -> _Conduct:
    if call_class.is_read:
        return _Conduct.READ
    return _Conduct.MONEY if call_class.is_money else _Conduct.ONCE


def _of_our_own(method: MethodDescriptor) -> _Conduct:
    if method.server_streaming:
        return _Conduct.STREAM
    return _Conduct.READ if right_of(method) is Right.READ else _Conduct.ONCE


@click.command()
@click.option("-o", "--output", type=click.File("wb"), default="-", help="A file; standard output if absent.")
def service_config_command(output: BinaryIO) -> None:
    """Write how gRPC clients should wait and repeat.

    It is a service config, which clients of every language take as an option of their channel.
    """
    output.write(json.dumps(service_config(), indent=2).encode() + b"\n")
