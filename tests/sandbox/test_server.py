"""Does the sandbox start, answer and stop as a guest should?"""

from __future__ import annotations

import ast
import asyncio
import signal
import time
from pathlib import Path

import httpx
import pytest

import gateway.sandbox
from gateway.sandbox import Fault, FaultKind, Sandbox, SandboxOptions, sandbox
from tests.sandbox.client import Client, compact, order, plain_http

FOLDER = Path(gateway.sandbox.__file__).parent
WALLET = "wallet_service.py"


@pytest.mark.parametrize("path", ["/", "/be", "/be/tickets/", "/be/tickets/a/b", "/bc/combos", "/pam/", "/PAM"])
async def test_an_unknown_route_is_404(client: Client, path: str) -> None:
    """It has no platform code, unlike everything that is merely not found."""
    answer = await client.get(path)

    assert answer.status_code == 404
    assert "code" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/pam"),
        ("GET", "/sms"),
        ("DELETE", "/be/tickets"),
        ("POST", "/be/tickets/ABCDEF"),
        ("GET", "/be/tickets/ABCDEF/paid"),
        ("POST", "/bc/quicktips"),
        ("POST", "/bc/quicktips/ABCDEF"),
    ],
)
async def test_a_wrong_method_is_405(client: Client, method: str, path: str) -> None:
    """So is a method that a route does not have."""
    assert (await client.http.request(method, path, headers=client.headers(b""))).status_code == 405


async def test_the_journal_has_what_came_in(client: Client, platform: Sandbox) -> None:
    """Byte for byte: the target undecoded, the body as it was, the headers in their order."""
    body = compact(order(platform, atag="Łódź"))
    answer = await client.http.post("/be/tickets", content=body, headers=client.headers(body))
    exchange = platform.journal.last

    assert (exchange.method, exchange.target, exchange.body) == ("POST", "/be/tickets", body)
    assert (exchange.status, exchange.answer, exchange.fault) == (200, answer.content, None)
    assert exchange.header("operator-name") == "site"
    assert exchange.header("accept-language") is None


@pytest.mark.parametrize(
    "target", ["/be/tickets/a%2Fb", "/be/tickets?", "/be/tickets?limit=1&skip_types=%6Aackpot", "/be/tickets/%C3%BC"]
)
async def test_the_journal_decodes_nothing(platform: Sandbox, target: str) -> None:
    """A target is what it was on the wire."""
    host, port = platform.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {target} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\r\n".encode())
    await reader.read()
    writer.close()

    assert platform.journal.last.target == target


async def test_the_journal_forgets_the_oldest(options: SandboxOptions) -> None:
    """It is bounded, and can be cleared."""
    options = SandboxOptions(listen=options.listen, journal_size=3)
    async with sandbox(options) as platform, plain_http(platform.url) as http:
        for number in range(5):
            await http.get(f"/{number}")

        assert [exchange.target for exchange in platform.journal] == ["/2", "/3", "/4"]
        assert (len(platform.journal), platform.journal[0].target) == (3, "/2")
        platform.journal.clear()
        assert len(platform.journal) == 0


async def test_it_starts_and_stops_at_once(options: SandboxOptions) -> None:
    """Well under half a second, however busy it is."""
    began = time.perf_counter()

    async with sandbox(options) as platform, plain_http(platform.url) as http:
        assert (await http.get("/")).status_code == 404

    assert time.perf_counter() - began < 0.5


async def test_it_stops_while_an_answer_is_on_its_way(options: SandboxOptions) -> None:
    """Whoever still waits for an answer sees the connection close."""
    async with plain_http("") as http:
        async with sandbox(options) as platform:
            platform.faults.add(Fault(FaultKind.SLOW, seconds=3_600))
            asked = asyncio.create_task(http.get(f"{platform.url}/bc/quicktips"))
            while not platform.faults.fired:  # noqa: ASYNC110 - the request is on its way
                await asyncio.sleep(0)

        with pytest.raises(httpx.TransportError):
            await asked


async def test_it_leaves_nothing_behind(options: SandboxOptions) -> None:
    """No task, no signal handler, and a port that is free again."""
    tasks, handlers = asyncio.all_tasks(), (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))

    async with sandbox(options) as platform, plain_http(platform.url) as http:
        await http.get("/")
        assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))

    assert asyncio.all_tasks() == tasks
    same_port = SandboxOptions(listen=platform.url.removeprefix("http://"))
    async with sandbox(same_port) as again:
        assert again.url == platform.url


async def test_it_stops_when_its_user_fails(options: SandboxOptions) -> None:
    """An exception inside passes through, and the port is free all the same."""
    with pytest.raises(ZeroDivisionError):
        async with sandbox(options) as platform:
            raise ZeroDivisionError

    async with sandbox(SandboxOptions(listen=platform.url.removeprefix("http://"))):
        pass


async def test_a_port_that_is_taken_is_an_error(platform: Sandbox) -> None:
    """It says so, rather than end the process."""
    with pytest.raises(OSError, match="in use"):
        async with sandbox(SandboxOptions(listen=platform.url.removeprefix("http://"))):
            pass


async def test_two_sandboxes_do_not_know_each_other(options: SandboxOptions) -> None:
    """Each has its own players."""
    async with sandbox(options) as one, sandbox(options) as other:
        one.wallet.add_player("only-here")

        assert one.url != other.url
        assert "only-here" not in {player.token for player in other.wallet.players()}


async def test_secrets_are_not_shown(options: SandboxOptions) -> None:
    """The options can be printed."""
    assert "12345ABCDE" not in repr(options)


@pytest.mark.parametrize("module", sorted(FOLDER.glob("*.py")), ids=lambda module: module.name)
def test_it_is_an_independent_reading(module: Path) -> None:
    """Of the gateway the sandbox imports the signature functions and nothing else, of the contract its own service.

    The example of an operator's wallet is no part of the platform: it is written from the contract.
    """
    ours = {name for name in _imported(module) if name.split(".")[0] in {"gateway", "betstack"}}

    contract = ("betstack.pam.", "betstack.sms.") if module.name == WALLET else ("betstack.sandbox.",)
    own = ("gateway.sandbox", *contract)
    assert all(name == "gateway.wire.signing" or name.startswith(own) for name in ours)


@pytest.mark.parametrize("module", sorted(FOLDER.glob("*.py")), ids=lambda module: module.name)
def test_one_module_knows_grpc(module: Path) -> None:
    """Everything else would work without the steering service, and does not know the example of a wallet."""
    foreign = {name for name in _imported(module) if name.split(".")[0] in {"grpc", "google", "betstack"}}

    assert bool(foreign) == (module.name in {"control.py", WALLET})
    assert "gateway.sandbox.wallet_service" not in _imported(module)


@pytest.mark.parametrize("module", sorted(FOLDER.glob("*.py")), ids=lambda module: module.name)
def test_every_module_asks_its_question(module: Path) -> None:
    """The first line of a module says which question it answers."""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))

    assert docstring is not None
    assert docstring.splitlines()[0].endswith("?")


def _imported(module: Path) -> set[str]:
    imported = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module or "")
    return imported
