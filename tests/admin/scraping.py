"""What does Prometheus see? Scrapes of a running gateway, searched for secrets like everything that gets out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import Gateway
from tests.harness import Answer, Client, Scripted
from tests.rpc.calls import facing
from tests.secrecy import look

__all__ = ["ADMIN", "Page", "page_of", "read", "scrape", "seen"]

ADMIN: Final[dict[str, Any]] = {"admin": {"listen": "127.0.0.1:0"}}
PREFIX: Final = "betstack_gateway_"


@dataclass(frozen=True, slots=True)
class Page:
    """The series of one scrape: name without prefix, labels, value."""

    series: dict[tuple[str, frozenset[tuple[str, str]]], float]
    meanings: dict[str, str]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of one series; None where there is none."""
        return self.series.get((name, frozenset(labels.items())))

    def all(self, name: str) -> dict[tuple[str, ...], float]:
        """Return all series of a metric that are not 0, by their labels' values in the order of the labels' names."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (found, labels), number in self.series.items()
            if found == name and number
        }

    @property
    def words(self) -> set[str]:
        """The values of all labels."""
        return {value for _, labels in self.series for _, value in labels}


def read(text: str) -> Page:
    """Read a page in Prometheus' format."""
    series, meanings = {}, {}
    for family in text_string_to_metric_families(look("the metrics", text)):
        meanings[family.name.removeprefix(PREFIX)] = family.documentation
        for sample in family.samples:
            assert sample.name.startswith(PREFIX)
            series[sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())] = sample.value
    return Page(series, meanings)


async def page_of(address: str | None, path: str, verb: str = "GET", **headers: str) -> httpx.Response:
    """Ask for a page of the admin listener."""
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:  # noqa: S501 - no TLS here
        return await client.request(verb, f"http://{address}{path}", headers=headers)


async def scrape(running: Gateway) -> Page:
    """Scrape a gateway."""
    response = await page_of(running.admin, "/metrics")
    assert response.status_code == 200
    return read(response.text)


@asynccontextmanager
async def seen(*answers: Answer, **overrides: Any) -> AsyncIterator[tuple[Client, Scripted]]:
    """Run a platform that answers as told, and a client of a gateway in front of it that can be scraped."""
    async with facing(*answers, **{**ADMIN, **overrides}) as pair:
        yield pair
