"""What is there to call while the platform is not?

A platform of our own: the Bet Card and Bet Engine APIs, an operator's PAM and SMS endpoints, accounts with money in
them, webhooks to operators that keep their players' money themselves, and faults on demand. It is an independent
reading of the platform's documentation: of the gateway it uses nothing but the signature functions, so that a mistake
in the gateway's mapping meets a second opinion here.

    async with sandbox(SandboxOptions(listen="127.0.0.1:0")) as platform:
        ... platform.url ...

Other processes steer it by gRPC, if the options say where. An example of such an operator is ``wallet_service``.
"""

from __future__ import annotations

from gateway.sandbox.accounts import Accounts, AccountTicket
from gateway.sandbox.book import Book, Happening, LifeCycleEvent, Result, Status, Ticket, TicketFacts
from gateway.sandbox.calculator import Rates
from gateway.sandbox.cards import Cards, Family
from gateway.sandbox.clock import SteerableClock
from gateway.sandbox.courier import Deliveries, Delivery, headers_of
from gateway.sandbox.errors import IllegalTransition, NotEnoughMoney, SandboxError, UnknownPlayer, UnknownTicket
from gateway.sandbox.faults import Chaos, Fault, FaultKind, Faults
from gateway.sandbox.journal import Exchange, Journal
from gateway.sandbox.options import DEFAULT_PLAYERS, Opening, SandboxOptions, WebhookTargets
from gateway.sandbox.server import Sandbox, sandbox
from gateway.sandbox.sms_api import Notification, Notifications
from gateway.sandbox.wallet import HOUSE, Entry, Player, Wallet
from gateway.sandbox.webhook_bodies import Api, Webhook
from gateway.sandbox.webhook_chaos import WebhookChaos
from gateway.sandbox.webhooks import Webhooks

__all__ = [
    "DEFAULT_PLAYERS",
    "HOUSE",
    "AccountTicket",
    "Accounts",
    "Api",
    "Book",
    "Cards",
    "Chaos",
    "Deliveries",
    "Delivery",
    "Entry",
    "Exchange",
    "Family",
    "Fault",
    "FaultKind",
    "Faults",
    "Happening",
    "IllegalTransition",
    "Journal",
    "LifeCycleEvent",
    "NotEnoughMoney",
    "Notification",
    "Notifications",
    "Opening",
    "Player",
    "Rates",
    "Result",
    "Sandbox",
    "SandboxError",
    "SandboxOptions",
    "Status",
    "SteerableClock",
    "Ticket",
    "TicketFacts",
    "UnknownPlayer",
    "UnknownTicket",
    "Wallet",
    "Webhook",
    "WebhookChaos",
    "WebhookTargets",
    "Webhooks",
    "headers_of",
    "sandbox",
]
