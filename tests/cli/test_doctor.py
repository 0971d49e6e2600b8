"""Does the doctor find what would keep a gateway from working, and nothing else?"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Sandbox, SandboxOptions, sandbox
from gateway.sandbox.wallet_service import WalletOptions, wallet_service
from tests.cli.program import ended
from tests.harness import SECRET, http_answer, scripted
from tests.rpc.calls import closed_port

Doctor = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Return what looks at the settings of an operator, without getting in the way of what runs here."""

    async def look(url: str, ledger: str = "", **operator: Any) -> subprocess.CompletedProcess[str]:
        lines = [f'{key} = "{value}"' for key, value in {"secret": SECRET, "platform_url": url, **operator}.items()]
        path = tmp_path / "gateway.toml"
        path.write_text(
            "\n".join([f'ledger.url = "{ledger or f"sqlite:///{tmp_path}/g.db"}"', "[operators.site]", *lines])
        )
        return await asyncio.to_thread(ended, "doctor", "--config", str(path), cwd=tmp_path)

    return look


def verdicts(answer: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the verdict about each subject."""
    return {line[5:30].strip(): line[:4].strip() for line in answer.stdout.splitlines()}


async def test_all_is_well(doctor: Doctor, platform: Sandbox) -> None:
    """With everything running every line says ok, and the exit status is 0."""
    async with wallet_service(WalletOptions()) as wallet:
        targets = {"pam_target": wallet.target, "sms_target": wallet.target}
        answer = await doctor(platform.url, pam_url=f"{platform.url}/pam", **targets)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    subjects = [
        "signing",
        "open files",
        "ledger",
        "site platform_url",
        "site clock",
        "site pam_url",
        "site pam_target",
        "site sms_target",
    ]
    assert verdicts(answer) == dict.fromkeys(subjects, "ok")
    assert SECRET not in answer.stdout
    assert {exchange.method for exchange in platform.journal} == {"GET", "POST"}
    assert platform.book.tickets() == []


async def test_a_key_that_is_wrong_is_found(doctor: Doctor, platform: Sandbox) -> None:
    """The platform refuses the signature."""
    answer = await doctor(platform.url, secret="another")

    assert answer.returncode == 1
    assert verdicts(answer)["site platform_url"] == "BAD"
    assert "the key is wrong, or the clock" in answer.stdout
    assert answer.stderr.endswith("1 of 5 do not work\n")


async def test_nobody_there_is_found(doctor: Doctor) -> None:
    """Every address is named that does not answer; a ledger that cannot be written, too."""
    with closed_port() as url:
        answer = await doctor(
            url,
            ledger="sqlite:////nowhere/at/all.db",
            pam_url=f"{url}/pam",
            pam_target=url.removeprefix("http://"),
        )

    assert answer.returncode == 1
    bad = ["ledger", "site platform_url", "site pam_url", "site pam_target"]
    assert verdicts(answer) == {"signing": "ok", "open files": "ok", **dict.fromkeys(bad, "BAD")}


async def test_a_clock_that_is_off_is_odd(doctor: Doctor) -> None:
    """The platform's Date is compared with the time here; that alone is no failure."""
    dated = http_answer(200, b"[]", date="Mon, 24 Nov 2025 08:00:00 GMT")
    async with scripted(dated) as platform:
        answer = await doctor(platform.url)

    assert answer.returncode == 0
    assert verdicts(answer)["site clock"] == "odd"


async def test_the_sandbox_says_what_time_it_is_there(doctor: Doctor, platform: Sandbox) -> None:
    """Its clock can be moved, and the doctor sees how far."""
    platform.clock.advance(120)

    answer = await doctor(platform.url)

    assert verdicts(answer)["site clock"] == "odd"
    assert re.search(r"-1[12][0-9] s from the platform's", answer.stdout)


async def test_a_platform_without_date_is_odd(doctor: Doctor) -> None:
    """There is nothing to compare the clock with."""
    async with scripted(http_answer(200, b"[]")) as platform:
        answer = await doctor(platform.url)

    assert verdicts(answer)["site clock"] == "odd"


async def test_settings_that_are_wrong_come_first(doctor: Doctor) -> None:
    """Nothing is looked at before the settings can be read."""
    answer = await doctor("ftp://nowhere")

    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("operators.site.platform_url: ")


async def test_another_operators_name_is_found(doctor: Doctor) -> None:
    """A platform that does not know the operator says so."""
    options = replace(SandboxOptions(listen="127.0.0.1:0"), operators={"acme": SECRET})
    async with sandbox(options) as other:
        answer = await doctor(other.url)

    assert answer.returncode == 1
    assert "Operator" in answer.stdout
