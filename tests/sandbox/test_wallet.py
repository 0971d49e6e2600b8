"""Does the money add up?"""

from __future__ import annotations

from collections import defaultdict

import pytest

from gateway.sandbox import DEFAULT_PLAYERS, HOUSE, NotEnoughMoney, Sandbox, UnknownPlayer
from gateway.sandbox.identities import Identities
from gateway.sandbox.store import Store
from gateway.sandbox.wallet import Wallet
from tests.sandbox.client import Client, Clock, order


async def test_the_players_of_the_options_are_there(platform: Sandbox) -> None:
    """Each with a balance, a currency and an id made of digits."""
    for opening in DEFAULT_PLAYERS:
        player = platform.wallet.player_of(opening.token)
        assert platform.wallet.balance(player.id) == opening.balance
        assert player.currency == "KES"
        assert player.id.isdigit()
        assert player.blocked == (opening.token == "blocked")
    assert [player.token for player in platform.wallet.players()] == [each.token for each in DEFAULT_PLAYERS]


async def test_every_movement_has_two_sides(client: Client, platform: Sandbox) -> None:
    """The two rows of a movement sum to zero, so all of them do."""
    for price in (100, 200, 300):
        await client.post("/be/tickets", order(platform, price=price))

    movements: dict[int, list[int]] = defaultdict(list)
    for entry in platform.wallet.entries():
        movements[entry.movement].append(entry.amount)

    assert {len(amounts) for amounts in movements.values()} == {2}
    assert {sum(amounts) for amounts in movements.values()} == {0}
    assert platform.wallet.total() == 0


async def test_the_entries_of_a_ticket_can_be_read(client: Client, platform: Sandbox) -> None:
    """What a ticket cost, whom, why and when."""
    ticket = (await client.post("/be/tickets", order(platform))).json()

    player, house = platform.wallet.entries(ticket["id"])

    assert (player.account, player.amount, player.currency) == (ticket["user_id"], -2000, "KES")
    assert (house.account, house.amount, house.movement) == (HOUSE, 2000, player.movement)
    assert (player.reason, player.at) == ("created", client.clock.now)


async def test_a_player_can_be_added(platform: Sandbox) -> None:
    """A token is taken once."""
    grace = platform.wallet.add_player("new-token", 500, "USD")

    assert platform.wallet.player_of("new-token") == platform.wallet.player(grace.id) == grace
    assert platform.wallet.balance(grace.id) == 500
    with pytest.raises(ValueError, match="new-token"):
        platform.wallet.add_player("new-token")


async def test_nobody_is_unknown_in_silence(platform: Sandbox) -> None:
    """A token or id that nobody has is an error."""
    for find in (platform.wallet.player, platform.wallet.player_of, platform.wallet.block):
        with pytest.raises(UnknownPlayer):
            find("nobody")


def test_a_transaction_that_fails_moves_nothing(clock: Clock) -> None:
    """What came before the failure is undone with it."""
    store = Store(None)
    wallet = Wallet(store, Identities(store, 0), clock)
    player = wallet.add_player("demo", 100)

    def overspend() -> None:
        with store.transaction():
            wallet.move(player, -60, "first")
            wallet.move(player, -60, "second")

    with pytest.raises(NotEnoughMoney):
        overspend()
    assert wallet.balance(player.id) == 100
    with pytest.raises(RuntimeError):
        wallet.move(player, -60, "outside of a transaction")
    store.close()
