"""How does a verified webhook reach the operator's own service? The same contract, served by the operator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from gateway.contract.routes import Route
from gateway.failure import Reason
from gateway.settings import Operator
from gateway.telemetry import CallRecord, Hop, Telemetry
from gateway.webhooks.answers import Said
from gateway.wire.codec import encoder

__all__ = ["Dispatch", "Target"]

_CHANNEL: Final = json.dumps(
    {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}, "methodConfig": []}
)
"""Watches the service's health; one that serves no ``grpc.health.v1`` counts as healthy."""


_RECONNECT_MS: Final = 5_000
"""Longest pause between two attempts to connect: a service that is back is not kept waiting for two minutes."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a service of the operator listens, and how it is spoken to."""

    address: str
    tls: bool
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None

    @classmethod
    def of(cls, operator: Operator, address: str) -> Target:
        """Return the target of an operator's settings."""
        return cls(
            address, operator.target_tls, operator.target_ca_file, operator.target_cert_file, operator.target_key_file
        )

    def channel(self) -> grpc.aio.Channel:
        """Open a channel; it connects with the first call."""
        options = [
            ("grpc.service_config", _CHANNEL),
            ("grpc.enable_retries", 0),
            ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS),
        ]
        if not self.tls:
            return grpc.aio.insecure_channel(self.address, options=options)
        credentials = grpc.ssl_channel_credentials(_read(self.ca_file), _read(self.key_file), _read(self.cert_file))
        return grpc.aio.secure_channel(self.address, credentials, options=options)


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


class Dispatch:
    """The operators' services, by operator and API (``pam`` or ``sms``)."""

    def __init__(
        self, targets: Mapping[tuple[str, str], Target], routes: Mapping[str, Route], telemetry: Telemetry
    ) -> None:
        self._telemetry = telemetry
        self._addresses = {key: target.address for key, target in targets.items()}
        self._channels = {key: target.channel() for key, target in targets.items()}
        self._calls: dict[tuple[str, str], Any] = {}
        self._bodies = {
            rpc: encoder(route.response.parts)
            for rpc, route in routes.items()
            if route.response.parts and route.envelope is not None
        }

    def has(self, operator: str, api: str) -> bool:
        """Tell whether the operator has a service for this API."""
        return (operator, api) in self._channels

    async def call(self, route: Route, operator: str, request: Message, *, timeout_s: float, request_id: str) -> Said:
        """Call the operator's service; ``request_id`` is the same for every try."""
        api = route.api.name
        record = CallRecord(
            Hop.DISPATCH,
            route.rpc,
            operator,
            request_id,
            api=api,
            peer=self._addresses[operator, api],
            code="CANCELLED",
        )
        self._telemetry.begin(record)
        try:
            said = await self._said(route, operator, request, timeout_s, record)
            record.code, record.reason = said.code, "" if said.code == "OK" else said.reason or said.code
            return said
        finally:
            self._telemetry.end(record)

    async def _said(self, route: Route, operator: str, request: Message, timeout_s: float, record: CallRecord) -> Said:
        metadata = [
            ("idempotency-key", record.request_id),
            ("x-request-id", record.request_id),
            ("x-operator", operator),
            *(record.context.headers() if record.context else ()),
        ]
        try:
            response = await self._call(operator, route)(
                request, timeout=timeout_s, metadata=tuple(metadata), wait_for_ready=False
            )
        except grpc.aio.AioRpcError as error:
            return Said(error.code().name, error.details() or "", _reason(error))
        if response is None:  # so gRPC calls an answer that it cannot read
            return Said("INTERNAL", "the answer cannot be read")
        body = self._bodies.get(route.rpc)
        return Said("OK", body=b"" if body is None else body(response).encode())

    def _call(self, operator: str, route: Route) -> Any:  # noqa: ANN401 - a multicallable of grpc.aio
        key = (operator, route.rpc)
        if key not in self._calls:
            self._calls[key] = self._channels[operator, route.api.name].unary_unary(
                route.rpc,
                request_serializer=lambda request: request.SerializeToString(),
                response_deserializer=route.response.message.FromString,
            )
        return self._calls[key]

    async def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            await channel.close()


def _reason(error: grpc.aio.AioRpcError) -> Reason | None:
    """Return the reason of an ErrorInfo, where it is one of ours."""
    info = ErrorInfo()
    try:
        status = rpc_status.from_call(error)
        for detail in status.details if status is not None else ():
            if detail.Is(ErrorInfo.DESCRIPTOR) and detail.Unpack(info) and info.reason in Reason.__members__:
                return Reason(info.reason)
    except (ValueError, DecodeError):
        pass
    return None
