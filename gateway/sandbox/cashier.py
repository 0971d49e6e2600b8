"""Who is a player, and who takes their money for a ticket?

The sandbox itself, unless the operator has a player account system of its own. That one is asked as the platform asks
it, while the caller waits: whose token this is, and for the price. Its refusal, or no answer, means that there is no
ticket; then it is told to discard what it may have done.

Assumed: a reserved ticket's money is asked for by ``ticket_create`` when the ticket is paid, and a ticket whose payment
fails is cancelled.
"""

from __future__ import annotations

import json
from typing import Any, Final

from gateway.sandbox import webhook_bodies
from gateway.sandbox.book import Book, Draft, Happening, Status, Ticket
from gateway.sandbox.courier import Delivery
from gateway.sandbox.errors import AccountRefused, AccountSilent, IllegalTransition, UnknownPlayer
from gateway.sandbox.wallet import Player, Wallet
from gateway.sandbox.webhook_bodies import Api, Webhook
from gateway.sandbox.webhooks import Webhooks

__all__ = ["Cashier"]

_ASKING_FOR_LEAVE: Final = {Status.OPEN: webhook_bodies.create, Status.RESERVED: webhook_bodies.reserve}


class Cashier:
    """Makes tickets once their money is taken."""

    def __init__(self, book: Book, wallet: Wallet, webhooks: Webhooks) -> None:
        self._book = book
        self._wallet = wallet
        self._webhooks = webhooks

    async def player(self, operator: str, token: str) -> Player:
        """Return the player with this token, or raise UnknownPlayer."""
        if self._money_is_elsewhere(operator):
            return await self._identify(operator, token)
        player = self._wallet.player_of(token)
        if player.blocked:
            raise UnknownPlayer(token)
        return player

    async def create(self, draft: Draft) -> Ticket:
        """Take the player's money and open a ticket."""
        if self._money_is_elsewhere(draft.operator):
            return await self._begin(draft, Status.OPEN)
        return self._book.create(draft)

    async def reserve(self, draft: Draft) -> Ticket:
        """Keep a ticket until it is paid."""
        if self._money_is_elsewhere(draft.operator):
            return await self._begin(draft, Status.RESERVED)
        return self._book.reserve(draft)

    async def pay(self, ticket_id: str) -> Ticket:
        """Take the player's money for a reserved ticket and open it."""
        ticket = self._book.get(ticket_id)
        if not self._money_is_elsewhere(ticket.operator):
            return self._book.pay(ticket_id)
        async with self._webhooks.lane(ticket):
            ticket = self._book.get(ticket_id)
            if ticket.status is not Status.RESERVED:
                raise IllegalTransition(ticket.id, ticket.status, Happening.PAID)
            with self._webhooks.undone_unless_entered(ticket):
                try:
                    await self._ask(webhook_bodies.create(ticket))
                except BaseException as error:
                    self._give_up(ticket, str(error))
                    raise
                return self._book.pay(ticket_id)

    def _money_is_elsewhere(self, operator: str) -> bool:
        return self._webhooks.sends(operator, Api.PAM)

    async def _begin(self, draft: Draft, status: Status) -> Ticket:
        ticket = self._book.plan(draft, status)
        async with self._webhooks.lane(ticket):
            with self._webhooks.undone_unless_entered(ticket):
                await self._ask(_ASKING_FOR_LEAVE[status](ticket))
                return self._book.enter(ticket)

    def _give_up(self, ticket: Ticket, reason: str) -> None:
        # It may have been cancelled by somebody else meanwhile.
        if self._book.get(ticket.id).status is Status.RESERVED:
            self._book.cancel(ticket.id, reason or "interrupted")

    async def _identify(self, operator: str, token: str) -> Player:
        delivery = await self._webhooks.call(webhook_bodies.identify(operator, token))
        if delivery.status == 403:
            raise UnknownPlayer(token)
        answer = _accepted(delivery)
        player_id, currency = answer.get("player_id"), answer.get("currency")
        if not isinstance(player_id, str) or not isinstance(currency, str) or not player_id:
            raise AccountSilent(delivery.webhook.kind)
        return Player(player_id, token, currency, blocked=False)

    async def _ask(self, webhook: Webhook) -> None:
        _accepted(await self._webhooks.call(webhook))


def _accepted(delivery: Delivery) -> dict[str, Any]:
    """Return the object that was answered, empty if it was none, or raise what the answer means."""
    answer = _object(delivery.answer)
    if delivery.accepted:
        return answer
    if delivery.status is None or not 400 <= delivery.status < 500:
        raise AccountSilent(delivery.webhook.kind)
    code, message = answer.get("code"), answer.get("message")
    if isinstance(code, int) and not isinstance(code, bool) and isinstance(message, str):
        raise AccountRefused(code, message)
    raise AccountRefused(None, f"{delivery.webhook.kind} was refused with HTTP {delivery.status}")


def _object(answer: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
