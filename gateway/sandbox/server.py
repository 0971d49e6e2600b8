"""How is a sandbox started and stopped?

Everything that is constructed is constructed here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace

import uvicorn
from starlette.applications import Starlette

from gateway.sandbox import refusals
from gateway.sandbox.accounts import Accounts
from gateway.sandbox.bet_card_api import BetCardApi
from gateway.sandbox.bet_engine_api import BetEngineApi
from gateway.sandbox.book import Book
from gateway.sandbox.cards import Cards
from gateway.sandbox.clock import SteerableClock
from gateway.sandbox.connection import Connection
from gateway.sandbox.control import Steering, steered
from gateway.sandbox.errors import SandboxError
from gateway.sandbox.faults import Faults
from gateway.sandbox.fixtures import Fixtures
from gateway.sandbox.identities import Identities
from gateway.sandbox.journal import Journal
from gateway.sandbox.options import SandboxOptions
from gateway.sandbox.pam_api import PamApi
from gateway.sandbox.reception import Reception
from gateway.sandbox.refusals import Refusal
from gateway.sandbox.signatures import Gate
from gateway.sandbox.sms_api import Notifications, SmsApi
from gateway.sandbox.store import Store
from gateway.sandbox.wallet import Wallet

__all__ = ["Sandbox", "sandbox"]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running platform."""

    # `http://127.0.0.1:9090`; `/bc` and `/be` are below it, `/pam` and `/sms` are its operators' endpoints.
    url: str
    # The platform's tickets, and the way to let them live.
    book: Book
    # Everybody's money.
    wallet: Wallet
    # What the PAM endpoint knows of the tickets it was told about.
    accounts: Accounts
    # What the SMS endpoint received.
    sms: Notifications
    # Today's cards and matches.
    cards: Cards
    # What came in and went out.
    journal: Journal
    # What shall go wrong.
    faults: Faults
    # What time it is here.
    clock: SteerableClock
    # Where `SandboxService` is, host and port; None if it is not served.
    control_target: str | None = None


@asynccontextmanager
async def sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Run a platform in this event loop; OSError if the address is taken."""
    with closing(_listener(options.listen)) as listener, closing(Store(options.data)) as store:
        running, app = _build(options, store, _url(listener))
        async with _serving(app, listener), _steerable(running, options.control) as steerable:
            yield steerable


def _build(options: SandboxOptions, store: Store, url: str) -> tuple[Sandbox, Reception]:
    clock = SteerableClock(options.clock)
    identities = Identities(store, options.seed)
    wallet = Wallet(store, identities, clock)
    wallet.open_accounts(options.players)
    book = Book(store, wallet, identities, clock)
    accounts = Accounts(store, wallet)
    cards = Cards(Fixtures(clock, options.seed), options.seed, options.utc_offset)
    notifications = Notifications()
    faults = Faults()
    journal = Journal(options.journal_size)

    gate = Gate(options.operators, clock, options.timestamp_tolerance_s)
    engine = BetEngineApi(
        gate=gate, book=book, wallet=wallet, cards=cards, rates=options.rates, offset=options.utc_offset
    )
    app = Starlette(
        routes=[
            *BetCardApi(gate, cards, options.rates).routes(),
            *engine.routes(),
            *PamApi(gate, accounts, wallet).routes(),
            *SmsApi(gate, notifications).routes(),
        ],
        exception_handlers={Refusal: refusals.answer, SandboxError: refusals.answer},
    )
    # A path with a slash too many is an unknown route, not another spelling of a known one.
    app.router.redirect_slashes = False
    return (
        Sandbox(url, book, wallet, accounts, notifications, cards, journal, faults, clock),
        Reception(app, faults, journal, options.sleep),
    )


@asynccontextmanager
async def _steerable(running: Sandbox, listen: str | None) -> AsyncIterator[Sandbox]:
    if listen is None:
        yield running
        return
    steering = Steering(
        book=running.book,
        wallet=running.wallet,
        notifications=running.sms,
        faults=running.faults,
        clock=running.clock,
    )
    async with steered(steering, listen) as target:
        yield replace(running, control_target=target)


@asynccontextmanager
async def _serving(app: Reception, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        # As long as common proxies keep idle connections, so that they do not go away between two steps of a test.
        timeout_keep_alive=75,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(serving)
        yield
    finally:
        server.stop()
        await serving


class _Server(uvicorn.Server):
    """uvicorn as a guest in somebody else's event loop: without signal handlers, and without polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listening = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Make ``serve`` return."""
        self._stopping.set()

    async def until_listening(self, serving: asyncio.Task[None]) -> None:
        """Wait until requests are answered; raises what ``serve`` raised if it ends before."""
        listening = asyncio.ensure_future(self._listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            listening.cancel()
            serving.result()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever owns the event loop."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        self._listening.set()

    async def main_loop(self) -> None:
        """Wait to be stopped."""
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Close everything at once: whoever stops a sandbox does not wait for its answers."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.hang_up()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        while self.server_state.connections:  # noqa: ASYNC110 - one turn of the loop, in which transports close
            await asyncio.sleep(0)


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio turns Nagle's algorithm off only where the socket says what it is, and with it on, an answer
    # in two pieces takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(1_024)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
