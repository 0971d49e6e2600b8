"""In which order is everything called, and where? One day at a gateway and a sandbox of the reference's own."""

from __future__ import annotations

from typing import Final

import grpc.aio
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from gateway.cli.playground import DEFAULTS, Addresses, playground
from gateway.cli.reference.examples import Examples
from gateway.cli.reference.facts import METHODS
from gateway.cli.reference.recording import Overhearing, Recorder
from gateway.cli.reference.runs.accounts import keep_accounts, send_messages
from gateway.cli.reference.runs.cards import look_at_cards
from gateway.cli.reference.runs.steering import decide_tickets, follow_events, lose_an_answer, steer
from gateway.cli.reference.runs.tickets import place_bets, refuse_bets
from gateway.cli.reference.stable import StillClock
from gateway.settings import Server, Settings

__all__ = ["examples"]

_DISABLED: Final = "SmsService/SendBetResult"
_STEERED: Final = "SandboxService/"
_NO_PROXY: Final = (("grpc.enable_http_proxy", 0),)


class _Unasked(Settings):
    """Settings that no environment changes: a reference does not depend on the machine that it is made on."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing but the arguments."""
        return (init_settings,)


async def examples() -> Examples:
    """Make every call of the contract and return what it looked like; raises UnlikeTheReference where one went wrong."""
    clock, ear = StillClock(), Overhearing()
    settings = _Unasked(**DEFAULTS, server=Server(enable=(_DISABLED,)))
    addresses = Addresses(control="127.0.0.1:0")
    async with (
        playground(settings, addresses, lambda _, __: None, clock=clock, interceptors=[ear]) as place,
        grpc.aio.insecure_channel(place.gateway.target, _NO_PROXY) as served,
        grpc.aio.insecure_channel(place.platform.control_target or "", _NO_PROXY) as steered,
    ):

        def channel(rpc: str) -> grpc.aio.Channel:
            return steered if rpc.startswith(_STEERED) else served

        recorder = Recorder(place, channel, METHODS, clock, ear)
        await _day(recorder)
        return recorder.recorded()


async def _day(recorder: Recorder) -> None:
    cards = await look_at_cards(recorder)
    bets = await place_bets(recorder, cards)
    await follow_events(recorder)
    await lose_an_answer(recorder, cards)
    await keep_accounts(recorder)
    await send_messages(recorder)
    await decide_tickets(recorder, bets)
    await refuse_bets(recorder, cards, bets)
    await steer(recorder)
