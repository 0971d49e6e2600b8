"""What did the example wallet just do? One line a call that it took."""

from __future__ import annotations

from google.protobuf.message import Message

from gateway.sandbox.wallet_service import WalletService

__all__ = ["wallet_line"]

_NOT_PLAYERS = frozenset({"house", "held"})


def wallet_line(wallet: WalletService, request: Message, key: str) -> str:
    """Name the call that arrived and, where it moved a player's money, how much and what is left."""
    rpc = request.DESCRIPTOR.name.removesuffix("Request")
    service = request.DESCRIPTOR.file.package.split(".")[1].capitalize()
    moved = [entry for entry in wallet.moved(key) if entry.account not in _NOT_PLAYERS] if key else []
    return "  ".join(
        [
            f"{service}Service/{rpc}",
            *(f"player {each.account} {each.amount / 100:+,.2f}" for each in moved),
            *(f"has {wallet.balance(account) / 100:,.2f}" for account in {each.account for each in moved}),
        ]
    )
