"""How does a webhook travel, and what became of each?

One signed POST, and everything but HTTP 200 is a failure. Nothing is repeated here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import httpx

from gateway.sandbox.options import Clock, WebhookTargets
from gateway.sandbox.outbox import Sealed
from gateway.sandbox.webhook_bodies import Api, Webhook
from gateway.wire.signing import sign

__all__ = ["Courier", "Deliveries", "Delivery", "Targets", "headers_of"]

# How much of an answer is remembered, and how much is read by whoever asked.
_KEPT: Final = 1_024
_READ: Final = 65_536
# Receivers hang up on idle connections; one that is about to must not be mistaken for no answer.
_IDLE_S: Final = 2
_ANSWER_BEGINS: Final = "http11.receive_response_headers.started"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as it was sent, and the answer."""

    webhook: Webhook
    url: str
    sealed: Sealed
    # A time of the sandbox's clock.
    at: float
    # None and empty where there was no answer, or it was not read.
    status: int | None
    answer: bytes
    # Whether it was sent although it had been sent before, by intention.
    copy: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status == 200


class Deliveries:
    """The latest webhooks, oldest first, each with the first KiB of its answer."""

    def __init__(self, size: int) -> None:
        # How many there were, the forgotten ones included.
        self.count = 0
        self._sent: deque[Delivery] = deque(maxlen=size)

    def add(self, delivery: Delivery) -> None:
        """Remember a webhook."""
        self.count += 1
        self._sent.append(delivery)

    def clear(self) -> None:
        """Forget all webhooks."""
        self._sent.clear()

    def __iter__(self) -> Iterator[Delivery]:
        return iter(tuple(self._sent))

    def __len__(self) -> int:
        return len(self._sent)

    def __getitem__(self, place: int) -> Delivery:
        return self._sent[place]


class Targets:
    """Where each operator is called back; can be changed while the sandbox runs."""

    def __init__(self, operators: Collection[str], targets: Mapping[str, WebhookTargets]) -> None:
        self._targets = dict.fromkeys(operators, WebhookTargets())
        for operator, given in targets.items():
            self.set(operator, given)

    def set(self, operator: str, targets: WebhookTargets) -> None:
        """Call an operator back there from now on; ValueError if there is no such operator."""
        if not self.knows(operator):
            raise ValueError(f"there is no operator {operator!r}")
        self._targets[operator] = targets

    def knows(self, operator: str) -> bool:
        """Tell whether there is such an operator."""
        return operator in self._targets

    def url(self, operator: str, api: Api) -> str | None:
        """Return where an operator is called back, None if it is not."""
        targets = self._targets.get(operator, WebhookTargets())
        return targets.pam_url if api is Api.PAM else targets.sms_url

    def keeps_money(self, operator: str) -> bool:
        """Tell whether an operator's players have their money in a player account system of its own."""
        return self.url(operator, Api.PAM) is not None

    def operators(self) -> list[str]:
        """Return the operators that keep their players' money."""
        return [operator for operator in self._targets if self.keeps_money(operator)]


class Courier:
    """Signs webhooks and sends them."""

    def __init__(
        self,
        *,
        operators: Mapping[str, str],
        targets: Targets,
        deliveries: Deliveries,
        clock: Clock,
        patience_s: float,
    ) -> None:
        self._secrets = {name: secret.encode() for name, secret in operators.items()}
        self._targets = targets
        self.deliveries = deliveries
        self._clock = clock
        self._patience_s = patience_s
        # None while nothing is sent.
        self._clients: dict[bool, httpx.AsyncClient] | None = None
        self._under_way: set[asyncio.Task[tuple[int, bytes] | None]] = set()

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Send until the block ends; what is under way then is given up, and what comes later is not sent."""
        clients = self._clients = {}
        try:
            yield
        finally:
            self._clients = None
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            await asyncio.gather(*(client.aclose() for client in clients.values()))

    def seal(self, webhook: Webhook, timestamp: int) -> Sealed:
        """Sign a webhook."""
        return Sealed(timestamp, sign(self._secrets[webhook.operator], str(timestamp), webhook.body))

    async def send(
        self, webhook: Webhook, sealed: Sealed, *, copy: bool = False, answer_lost: bool = False
    ) -> Delivery:
        """Send a webhook once; ``answer_lost`` closes the connection before the answer is read."""
        url = self._targets.url(webhook.operator, webhook.api) or ""
        headers = headers_of(webhook, sealed)
        status, answer = await self._answer(url, webhook.body, headers, answer_lost=answer_lost) or (None, b"")
        delivery = Delivery(webhook, url, sealed, self._clock(), status, answer[:_READ], copy)
        self.deliveries.add(replace(delivery, answer=answer[:_KEPT]))
        return delivery

    async def pass_on(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes] | None:
        """Send what somebody else has signed, once; return status and body of the answer, None if there is none."""
        return await self._answer(url, body, headers)

    async def _answer(
        self, url: str, body: bytes, headers: Mapping[str, str], *, answer_lost: bool = False
    ) -> tuple[int, bytes] | None:
        if self._clients is None or not url:
            return None
        # In a task of its own, so that it can be given up without ending whoever waits for it.
        task = asyncio.create_task(self._post(_client(self._clients, url), url, body, headers, answer_lost=answer_lost))
        self._under_way.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._under_way.discard(task)
            task.cancel()
        return None if task.cancelled() else task.result()

    async def _post(
        self, http: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str], *, answer_lost: bool
    ) -> tuple[int, bytes] | None:
        try:
            async with asyncio.timeout(self._patience_s):
                response = await http.post(
                    url,
                    content=body,
                    headers=headers,
                    extensions={"trace": _hang_up} if answer_lost else {},
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _HungUp):
            return None
        return response.status_code, response.content


def _client(clients: dict[bool, httpx.AsyncClient], url: str) -> httpx.AsyncClient:
    """Return the client for a URL; loading certificates takes longer than most tests, so it waits for the first need."""
    encrypted = url.lower().startswith("https:")
    if encrypted not in clients:
        clients[encrypted] = httpx.AsyncClient(
            verify=ssl.create_default_context() if encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            timeout=None,  # noqa: S113 - there is one for the whole exchange
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_IDLE_S),
        )
    return clients[encrypted]


class _HungUp(Exception):  # noqa: N818 - it is what was wanted
    """The connection was closed before the answer came."""


async def _hang_up(event: str, _: object) -> None:
    """Close the connection as soon as the request is out: httpcore does if it is interrupted."""
    if event == _ANSWER_BEGINS:
        raise _HungUp


def headers_of(webhook: Webhook, sealed: Sealed) -> dict[str, str]:
    """Return the headers that a webhook travels with."""
    headers = {
        "content-type": "application/json",
        "timestamp": str(sealed.timestamp),
        "signature": sealed.signature,
    }
    if webhook.api is Api.SMS:
        headers["operator-name"] = webhook.operator
    return headers
