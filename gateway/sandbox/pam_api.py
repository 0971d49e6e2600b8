"""How does an operator's player account system answer the bet engine's actions?

One address for all of them; ``action`` says which. ``ping`` is not signed; the operator of the others is in their data.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.accounts import Accounts, Terms
from gateway.sandbox.bodies import (
    PAM_ACTIONS,
    Identify,
    PamDocument,
    TakeMoney,
    TicketCreate,
    TicketNamed,
    TicketReserve,
    TicketUpdate,
    documented,
    in_order,
    json_object,
)
from gateway.sandbox.errors import BlockedPlayer, IllegalTransition, UnknownPlayer
from gateway.sandbox.refusals import Code, invalid, not_implemented, platform_error
from gateway.sandbox.relay import Relay
from gateway.sandbox.signatures import Gate
from gateway.sandbox.wallet import Player, Wallet
from gateway.sandbox.webhook_bodies import Api

__all__ = ["PamApi"]


class PamApi:
    """The PAM endpoint of all operators."""

    def __init__(self, gate: Gate, relay: Relay, accounts: Accounts, wallet: Wallet) -> None:
        self._gate = gate
        self._relay = relay
        self._accounts = accounts
        self._wallet = wallet

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route("/pam", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """Do what an action says."""
        envelope = json_object(await request.body())
        action, data = envelope.get("action"), envelope.get("data")
        own = await self._relay.answer(request, data.get("operator") if isinstance(data, dict) else None, Api.PAM)
        if own is not None:
            return own
        if action == "ping":
            return Response()
        await self._gate.check(request, _operator(data))
        if not isinstance(action, str):
            raise invalid("not a string", ("action",))
        if action not in PAM_ACTIONS:
            raise not_implemented(action)
        in_order(envelope, ("action", "data"))
        return self._act(action, documented(PAM_ACTIONS[action], data, ("data",)))

    def _act(self, action: str, data: PamDocument) -> Response:
        if isinstance(data, Identify):
            return self._identify(data.token)
        try:
            self._change(action, data)
        except IllegalTransition as error:
            raise platform_error(Code.ACTION_DOES_NOT_FIT, f"Ticket is {error.state}") from None
        return Response()

    def _change(self, action: str, data: PamDocument) -> None:
        if isinstance(data, TicketUpdate):
            if data.ticket_type != "jackpot":
                raise invalid("only jackpot tickets are updated", ("data", "ticket_type"))
            self._accounts.update(data.operator, data.ticket_id, self._terms(data))
        elif isinstance(data, TicketCreate | TicketReserve):
            self._accounts.take(action, data.operator, data.ticket_id, self._terms(data))
        elif isinstance(data, TicketNamed):
            self._accounts.apply(action, data.operator, data.ticket_id)

    def _identify(self, token: str) -> Response:
        player = self._wallet.player_of(token)
        if player.blocked:
            raise BlockedPlayer
        return JSONResponse(
            {
                "player_id": player.id,
                "lang": "en",
                "balance": self._wallet.balance(player.id),
                "currency": player.currency,
                "feature_flags": {"cashout": True, "bonus": False},
            }
        )

    def _terms(self, data: TakeMoney) -> Terms:
        player = self._player(data.player_id)
        if data.currency != player.currency:
            raise invalid("not the player's currency", ("data", "currency"))
        return Terms(player.id, data.price, data.net_payout, data.ticket_type)

    def _player(self, player_id: str) -> Player:
        try:
            return self._wallet.player(player_id)
        except UnknownPlayer:
            # Assumed: the platform's own sample has a token for a player's id.
            return self._wallet.player_of(player_id)


def _operator(data: object) -> str:
    operator = data.get("operator") if isinstance(data, dict) else None
    if not isinstance(operator, str):
        raise invalid("required", ("data", "operator"))
    return operator
