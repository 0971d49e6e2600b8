"""What did the runs see? What is printed of each, what there was too little of, and the last line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from tests.chaos import run as bets
from tests.chaos.trouble import KINDS
from tests.chaos.verdict import Verdict
from tests.chaos.webhooks import run as webhooks

__all__ = ["summed_up", "told_of_bets", "told_of_webhooks", "too_few_bets", "too_few_webhooks"]

_KILLS: Final = 5
_OTHER_KILLS: Final = 2
"""Of operators and subscribers, in each run."""


def told_of_bets(plan: bets.Plan, figures: bets.Figures) -> str:
    """Return what one run of bets saw."""
    deeds = {deed.rpartition(".")[2]: count for deed, count in figures.deeds.items()}
    faults = {kind.removeprefix("FAULT_KIND_").lower(): count for kind, count in sorted(figures.faults.items())}
    witnesses = f", {figures.unharmed} calls through a survivor unharmed" if plan.gateways > 1 else ""
    lines = [
        f"{plan.name}: seed {plan.seed}, {figures.seconds:.0f} s, {figures.kills} kills{witnesses}",
        f"  asked for  {_listed(deeds)}",
        f"  faults     {_listed(faults)}",
        f"  answers    {_listed(dict(figures.answers.most_common()))}",
        f"  unknown    {figures.unknown_seen}, {figures.orphans} of them because a gateway was killed",
        *(f"  person     {each}" for each in figures.verdict.needs_human),
    ]
    return "\n".join(lines)


def told_of_webhooks(plan: webhooks.Plan, figures: webhooks.Figures) -> str:
    """Return what one run of webhooks saw."""
    kills = {
        "gateways": figures.kills,
        "operators": figures.operator_kills,
        "subscribers": figures.subscriber_kills,
    }
    lines = [
        f"{plan.name}: seed {plan.seed}, {figures.seconds:.0f} s, killed {_listed(kills)}",
        f"  tickets    {figures.tickets} of {figures.creates} that were asked for; {_listed(figures.said)}",
        f"  webhooks   {figures.webhooks} in {figures.deliveries} deliveries, {figures.calls} calls of the operator",
        f"  faults     {_listed(figures.faults)}",
        f"  unknown    {figures.unknown_seen} creates and reserves",
        f"  events     {figures.events}, read in {figures.sessions} sessions",
    ]
    return "\n".join(lines)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def too_few_bets(figures: Sequence[bets.Figures], creates: int) -> Iterator[str]:
    """Find what there was too little of for the runs of bets to say anything."""
    made, kills = sum(each.creates for each in figures), sum(each.kills for each in figures)
    faults = sum((each.faults for each in figures), Counter[str]())
    if made < creates:
        yield f"{made} creates are fewer than {creates}"
    if kills < _KILLS:
        yield f"{kills} kills are fewer than {_KILLS}"
    if not sum(each.orphans for each in figures):
        yield "no kill met a call on its way"
    yield from (f"{pb.FaultKind.Name(kind)} never hit" for kind in KINDS if not faults[pb.FaultKind.Name(kind)])
    yield from (
        "no kill was seen through a surviving gateway" for each in figures if each.gateways > 1 and not each.unharmed
    )


def too_few_webhooks(figures: Sequence[webhooks.Figures], tickets: int) -> Iterator[str]:
    """Find what there was too little of for the runs of webhooks to say anything."""
    made, kills = sum(each.tickets for each in figures), sum(each.kills for each in figures)
    if made < tickets:
        yield f"{made} tickets are fewer than {tickets}"
    if kills < _KILLS:
        yield f"{kills} kills of gateways with webhooks are fewer than {_KILLS}"
    for each in figures:
        if min(each.operator_kills, each.subscriber_kills) < _OTHER_KILLS:
            yield f"{each.operator_kills} kills of operators, {each.subscriber_kills} of subscribers are too few"
        if not each.unknown_seen:
            yield "no create or reserve ended without anybody knowing how"
        yield from (f"never: {what}" for what, count in each.faults.items() if not count)


def summed_up(of_bets: Sequence[bets.Figures], of_webhooks: Sequence[webhooks.Figures]) -> str:
    """Return the last line: both directions together, then what only webhooks have."""
    both: Sequence[bets.Figures | webhooks.Figures] = (*of_bets, *of_webhooks)
    verdicts: Sequence[Verdict] = [each.verdict for each in both]
    sums = {
        "creates": sum(each.creates for each in both),
        "kills": sum(each.kills for each in both),
        "faults": sum(each.faults.total() for each in both),
        "unknown_seen": sum(each.unknown_seen for each in both),
        "doubles": sum(len(each.doubles) for each in verdicts),
        "lost": sum(len(each.lost) for each in verdicts),
        "wrong": sum(len(each.wrong) for each in verdicts),
        "needs_human": sum(len(each.needs_human) for each in verdicts),
        "webhooks": sum(each.webhooks for each in of_webhooks),
        "deliveries": sum(each.deliveries for each in of_webhooks),
        "operator_kills": sum(each.operator_kills for each in of_webhooks),
        "events": sum(each.events for each in of_webhooks),
        "subscriber_kills": sum(each.subscriber_kills for each in of_webhooks),
    }
    return " ".join(f"{name}={count}" for name, count in sums.items())
