"""Is the operator's money right? The short form of ``make chaos`` for webhooks: seconds, one gateway on SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.webhooks.run import Plan, run


async def test_the_operator_s_money_is_right_whatever_fails_and_whoever_is_killed(tmp_path: Path) -> None:
    """Every check holds, and there was trouble enough for that to mean something."""
    plan = Plan(
        name="short",
        ledger=f"sqlite:///{tmp_path}/ledger.db",
        gateways=1,
        seed=1,
        seconds=3,
        tickets=5,
        home=tmp_path,
        calm_s=(0.5, 2.0),
    )
    async with asyncio.timeout(100):
        figures = await run(plan)
    assert figures.problems == ()
    assert figures.tickets >= 3
    assert min(figures.kills, figures.operator_kills, figures.subscriber_kills) >= 1
    assert figures.events >= 20
    assert figures.faults.total() >= 20
