"""Do the alert rules and the dashboard ask for what the gateway says?"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml
from google.rpc.code_pb2 import Code

from gateway.failure import Reason
from gateway.ledger.operation import State
from gateway.telemetry.catalogue import CATALOGUE, Kind, Metric
from tests.admin.scraping import ADMIN, Page, scrape
from tests.harness import connected, hang_up, http_answer, scripted
from tests.rpc.calls import CREATE, GET_TICKET, TAKE, error_body, refusal_of
from tests.webhooks.circle import circle

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: Final = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
PANELS: Final[list[dict[str, Any]]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS: Final = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]

QUERIES: Final = [
    *((rule["alert"], rule["expr"], re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) for rule in RULES),
    *((title, target["expr"], re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) for title, target in TARGETS),
]
"""Who asks, what, and which labels of the answer it shows."""

PROMETHEUS: Final = {"instance", "job"}
"""The labels that Prometheus adds."""

METRICS: Final = {metric.full_name: metric for metric in CATALOGUE}


def parsed(query: str) -> Any:
    """Read a query, as Grafana would send it."""
    return promql_parser.parse(query.replace("$__rate_interval", "5m"))


def parts(query: str, kind: type[Any]) -> list[Any]:
    """Return all parts of a query that are of a kind."""
    found: list[Any] = []
    promql_parser.walk(parsed(query), lambda part: found.append(part) if isinstance(part, kind) else None)
    return found


def metric_of(selector: Any) -> Metric:
    """Return the metric that a series belongs to."""
    name = selector.name
    if name not in METRICS:
        name, _, suffix = name.rpartition("_")
        assert suffix in ("bucket", "sum", "count")
        assert METRICS[name].kind is Kind.HISTOGRAM
    return METRICS[name]


def labels_of(selector: Any) -> set[str]:
    """Return the labels that a series has."""
    bucket = {"le"} if selector.name.endswith("_bucket") else set()
    return {*metric_of(selector).labels, *bucket, *PROMETHEUS}


@pytest.fixture(scope="module")
def page() -> Page:
    """Return what a gateway exports after a little of everything has happened."""
    return asyncio.run(_busy())


async def _busy() -> Page:
    found = http_answer(200, b'{"id":"668ef666333180bba97f0c93","colour":1}')
    answers = (found, found, http_answer(400, error_body(4711)), hang_up, hang_up, http_answer(503))
    async with scripted(*answers) as platform:
        site = {"platform_url": platform.url, "pam_url": platform.url}
        async with circle(site=site, upstream={"breaker_calls": 3}, **ADMIN) as running:
            async with connected(running.gateway) as client:
                bet = CREATE.made()
                await client.tickets.CreateTicket(bet)
                await client.tickets.CreateTicket(bet)
                for to in (GET_TICKET, GET_TICKET, CREATE, TAKE, *[GET_TICKET] * 8):
                    await refusal_of(to(client))
                await running.send("ticket_win")
            return await scrape(running.gateway)


def test_there_is_something_to_look_at() -> None:
    """Rules and panels have names of their own."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 12
    assert len({panel["title"] for panel in PANELS}) == len(PANELS) >= 12


@pytest.mark.parametrize(("who", "query", "_"), QUERIES)
def test_every_metric_is_exported(page: Page, who: str, query: str, _: list[str]) -> None:
    """Each series that is asked for is there once something has happened, and has the labels that are asked for."""
    for selector in parts(query, promql_parser.VectorSelector):
        short = selector.name.removeprefix("betstack_gateway_")
        exported = [{name for name, _ in labels} for name, labels in page.series if name == short]
        assert exported, f"{who}: {selector.name}"
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert all(asked <= labels for labels in exported)
        assert exported[0] | PROMETHEUS == labels_of(selector)


@pytest.mark.parametrize(("who", "query", "shown"), QUERIES)
def test_labels_are_those_of_the_metrics(who: str, query: str, shown: list[str]) -> None:
    """What is summed by, and what is shown, are labels of the series."""
    sums = parts(query, promql_parser.AggregateExpr)
    for each in sums:
        inside = [labels_of(part) for part in parts(each.prettify(), promql_parser.VectorSelector)]
        by = set(each.modifier.labels) if each.modifier else set()
        assert by <= set.intersection(*inside), who
    result = set.union(*(set(each.modifier.labels) for each in sums if each.modifier), set()) if sums else None
    assert set(shown) <= (PROMETHEUS if result is None else result), who


def _matchers() -> Iterator[tuple[str, str, str, bool]]:
    for who, query, _ in QUERIES:
        for selector in parts(query, promql_parser.VectorSelector):
            for matcher in selector.matchers.matchers:
                yield who, matcher.name, matcher.value, str(matcher.op) in ("MatchOp.Re", "MatchOp.NotRe")


def test_values_that_are_looked_for_can_occur() -> None:
    """Reasons, states, codes and outcomes are spelled as the gateway spells them."""
    words = _vocabulary()
    looked_for = list(_matchers())
    assert looked_for
    for who, label, value, is_pattern in looked_for:
        patterns = value.split("|") if is_pattern else [re.escape(value)]
        for pattern in patterns:
            assert any(re.fullmatch(pattern, word) for word in words[label]), f"{who}: {label}={pattern}"


def _vocabulary() -> dict[str, set[str]]:
    outcomes = next(metric.known for metric in CATALOGUE if metric.name == "webhook_outcomes_total")
    return {
        "reason": set(Reason),
        "code": set(Code.keys()),
        "state": set(State),
        "outcome": {outcome for (outcome,) in outcomes},
    }


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """Each has a weight, a sentence, and advice."""
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert all(rule["annotations"][key] for key in ("summary", "description"))
    assert rule.get("for") is None or promql_parser.parse_duration(rule["for"])


def test_the_dashboard_can_be_loaded() -> None:
    """Panels have places and numbers of their own, and ask the data source that is chosen."""
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS}
    assert len(places) == len(PANELS)
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource"]


def test_every_metric_is_of_use() -> None:
    """What is exported is looked at by a rule or a panel."""
    asked = {metric_of(part) for _, query, _ in QUERIES for part in parts(query, promql_parser.VectorSelector)}

    assert [metric.name for metric in CATALOGUE if metric not in asked] == [
        "webhook_in_flight",
        "dispatch_try_in_flight",
    ]
