"""How is a sandbox started and stopped?

Everything that is constructed is constructed here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace

from starlette.applications import Starlette

from gateway.sandbox import refusals
from gateway.sandbox.accounts import Accounts
from gateway.sandbox.bet_card_api import BetCardApi
from gateway.sandbox.bet_engine_api import BetEngineApi
from gateway.sandbox.book import Book
from gateway.sandbox.cards import Cards
from gateway.sandbox.cashier import Cashier
from gateway.sandbox.clock import SteerableClock
from gateway.sandbox.control import Steering, steered
from gateway.sandbox.courier import Courier, Deliveries, Targets
from gateway.sandbox.errors import SandboxError
from gateway.sandbox.faults import Faults
from gateway.sandbox.fixtures import Fixtures
from gateway.sandbox.http_server import listener_at, serving, url_of
from gateway.sandbox.identities import Identities
from gateway.sandbox.journal import Journal
from gateway.sandbox.options import SandboxOptions
from gateway.sandbox.pam_api import PamApi
from gateway.sandbox.reception import Reception
from gateway.sandbox.refusals import Refusal
from gateway.sandbox.relay import Relay
from gateway.sandbox.signatures import Gate
from gateway.sandbox.sms_api import Notifications, SmsApi
from gateway.sandbox.store import Store
from gateway.sandbox.wallet import Wallet
from gateway.sandbox.webhook_chaos import Mishaps
from gateway.sandbox.webhooks import Webhooks

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
    # What the operators are told, and whether they listened.
    webhooks: Webhooks
    # Where `SandboxService` is, host and port; None if it is not served.
    control_target: str | None = None


@asynccontextmanager
async def sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Run a platform in this event loop; OSError if the address is taken."""
    with closing(listener_at(options.listen)) as listener, closing(Store(options.data)) as store:
        running, app = _build(options, store, url_of(listener))
        async with (
            serving(app, listener),
            running.webhooks.on_duty(),
            _steerable(running, options.control) as steerable,
        ):
            yield steerable


def _build(options: SandboxOptions, store: Store, url: str) -> tuple[Sandbox, Reception]:
    clock = SteerableClock(options.clock)
    identities = Identities(store, options.seed)
    wallet = Wallet(store, identities, clock)
    wallet.open_accounts(options.players)
    targets = Targets(options.operators, options.webhooks)
    book = Book(store, wallet, identities, clock, targets.keeps_money)
    accounts = Accounts(store, wallet)
    cards = Cards(Fixtures(clock, options.seed), options.seed, options.utc_offset)
    notifications = Notifications()
    faults = Faults()
    journal = Journal(options.journal_size)
    courier = Courier(
        operators=options.operators,
        targets=targets,
        deliveries=Deliveries(options.journal_size),
        clock=clock,
        patience_s=options.webhook_patience_s,
    )
    webhooks = Webhooks(
        book=book,
        store=store,
        targets=targets,
        courier=courier,
        mishaps=Mishaps(faults),
        clock=clock,
        signing_clock=options.clock,
    )

    relay = Relay(targets, courier)
    gate = Gate(options.operators, options.more_keys, clock, options.timestamp_tolerance_s)
    engine = BetEngineApi(
        gate=gate,
        book=book,
        cashier=Cashier(book, wallet, webhooks),
        wallet=wallet,
        cards=cards,
        rates=options.rates,
        offset=options.utc_offset,
    )
    app = Starlette(
        routes=[
            *BetCardApi(gate, cards, options.rates).routes(),
            *engine.routes(),
            *PamApi(gate, relay, accounts, wallet).routes(),
            *SmsApi(gate, relay, notifications).routes(),
        ],
        exception_handlers={Refusal: refusals.answer, SandboxError: refusals.answer},
    )
    # A path with a slash too many is an unknown route, not another spelling of a known one.
    app.router.redirect_slashes = False
    return (
        Sandbox(url, book, wallet, accounts, notifications, cards, journal, faults, clock, webhooks),
        Reception(app, faults, journal, options.sleep, clock),
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
        webhooks=running.webhooks,
    )
    async with steered(steering, listen) as target:
        yield replace(running, control_target=target)
