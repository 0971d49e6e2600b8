"""How do gateway and sandbox run?"""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Prompt
from tests.cli.program import FREE, FREE_ALL, FREE_SANDBOX, MODULE, SCRIPT, ended, pasted, started

ENVIRONMENT = {
    "GATEWAY_OPERATORS__SITE__SECRET": "12345ABCDE",
    "GATEWAY_OPERATORS__SITE__PLATFORM_URL": "http://127.0.0.1:1",
    "GATEWAY_SERVER__LISTEN": FREE,
}


RUN_LISTENS = ("--listen", "--sandbox-listen", "--control", "--webhooks-listen", "--wallet-listen")


def _others(option: str) -> list[str]:
    """Let everything else of `run` listen on free ports."""
    return [text for other in RUN_LISTENS if other != option for text in (other, FREE)]


@pytest.fixture
def taken() -> Iterator[str]:
    """Listen somewhere."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield "127.0.0.1:{1}".format(*listener.getsockname())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write the settings of a gateway with one operator."""
    path = tmp_path / "gateway.toml"
    path.write_text(f"""
        server.listen = "{FREE}"
        ledger.url = "sqlite:///{tmp_path}/gateway.db"
        [operators.acme]
        secret = "another key"
        platform_url = "http://127.0.0.1:1"
    """)
    return path


def test_serve_prints_its_address_and_ends_on_sigterm(config: Path, prompt: Prompt) -> None:
    """A gateway that was started from a file answers at the address it prints, and ends with status 0."""
    with started("serve", "--config", str(config), command=SCRIPT) as program:
        target = program.line("gateway").split()[1]
        assert '"SERVING"' in prompt("call", "Health/Check", "--target", target).output
        assert program.end() == 0


def test_serve_and_its_workers_run_on_the_loop_that_is_set(config: Path, prompt: Prompt) -> None:
    """With uvloop they answer and end as they do without."""
    for workers in ("1", "2"):
        on_uvloop = {"GATEWAY_SERVER__LOOP": "uvloop", "GATEWAY_LOG__LEVEL": "debug"}
        with started("serve", "--config", str(config), "--workers", workers, more=on_uvloop) as program:
            target = program.line("gateway").split()[1]
            maps = Path(f"/proc/{worker_of(program.pid)}/maps")
            assert not maps.exists() or "uvloop" in maps.read_text()
            assert '"SERVING"' in prompt("call", "Health/Check", "--target", target).output
            assert program.end() == 0


def worker_of(process: int) -> int:
    """Return a process that this one started, or itself."""
    children = Path(f"/proc/{process}/task/{process}/children")
    started_by_it = children.read_text().split() if children.exists() else []
    return int(started_by_it[0]) if started_by_it else process


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has this policy")
def test_no_thread_interrupts_the_event_loop(config: Path) -> None:
    """The threads of gRPC and of the ledger wait for their turn; the main thread does not."""
    with started("serve", "--config", str(config)) as program:
        assert program.line("gateway")
        threads = [int(thread.name) for thread in Path(f"/proc/{program.pid}/task").iterdir()]
        policies = {thread: os.sched_getscheduler(thread) for thread in threads}
        assert policies.pop(program.pid) == os.SCHED_OTHER
        assert set(policies.values()) == {os.SCHED_BATCH}
        assert program.end() == 0


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH") or shutil.which("chrt") is None, reason="needs Linux, and chrt")
def test_a_policy_that_was_chosen_stays(config: Path) -> None:
    """Whoever runs the gateway as a batch job has all of it run so, its main thread too."""
    with started("serve", "--config", str(config), command=("chrt", "--batch", "0", *MODULE)) as program:
        assert program.line("gateway")
        threads = Path(f"/proc/{program.pid}/task").iterdir()
        assert {os.sched_getscheduler(int(thread.name)) for thread in threads} == {os.SCHED_BATCH}
        assert program.end() == 0


def test_serve_opens_as_many_files_as_the_system_lets_it(config: Path) -> None:
    """A limit that a process may raise itself is none; one that it may not is told, with the setting that meets it."""
    with started("serve", "--config", str(config), command=limited_to("-Sn 64", "-Hn 16000")) as program:
        assert program.line().startswith("gateway")
        assert program.end() == 0
    with started("serve", "--config", str(config), command=limited_to("-n 64")) as program:
        warning = program.line_with("upstream.max_connections")
        assert "may open 64 files here" in warning
        assert '"level": "warning"' in warning
        assert program.line().startswith("gateway")
        assert program.end() == 0


def limited_to(*limits: str) -> tuple[str, ...]:
    """Return a command that runs the gateway under limits of its shell."""
    script = " && ".join([*(f"ulimit {limit}" for limit in limits), 'exec "$@"'])
    return ("sh", "-c", script, "sh", *MODULE)


def test_serve_prints_where_webhooks_arrive(config: Path) -> None:
    """Where the settings say that there is a receiver, it answers at the address that is printed."""
    with started("serve", "--config", str(config), more={"GATEWAY_WEBHOOKS__LISTEN": FREE}) as program:
        receiver = program.line("webhooks").split()[1]
        url = f"http://{receiver}/pam/acme"
        assert httpx.post(url, json={"action": "ping"}, trust_env=False).status_code == 200
        assert program.end() == 0


def test_serve_needs_no_file(tmp_path: Path) -> None:
    """The environment alone is enough."""
    with started("serve", more=ENVIRONMENT, cwd=tmp_path) as program:
        assert program.line("gateway")
        assert program.end(signal.SIGINT) == 0


def test_serve_names_every_problem_of_the_settings(tmp_path: Path) -> None:
    """Each problem is a line that begins with its key, and the exit status is 2."""
    path = tmp_path / "gateway.toml"
    path.write_text('[operators.acme]\nplatform_url = "ftp://x"\nsecret = "s3cret"\n[server]\ngrace_s = -1\n')

    answer = ended("serve", "--config", str(path))

    assert answer.returncode == 2
    assert sorted(line.split(":")[0] for line in answer.stderr.splitlines()) == [
        "operators.acme.platform_url",
        "server.grace_s",
    ]
    assert "s3cret" not in answer.stderr


def test_serve_names_a_file_that_is_not_there(prompt: Prompt, tmp_path: Path) -> None:
    """A file that cannot be read is named, and the exit status is 2."""
    answer = prompt("serve", "--config", tmp_path / "none.toml")

    assert answer.exit_code == 2
    assert answer.stderr == f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("sandbox", "--control", FREE, "--listen"),
        ("sandbox", "--listen", FREE, "--control"),
        *(("run", *_others(option), option) for option in RUN_LISTENS),
    ],
)
def test_a_taken_port_is_said_in_a_sentence(prompt: Prompt, taken: str, arguments: tuple[str, ...]) -> None:
    """Who starts a second one on the same port reads which address is taken."""
    answer = prompt(*arguments, taken)

    assert answer.exit_code == 1
    assert answer.output == f"Error: cannot listen on {taken}: Address already in use\n"


def test_serve_says_that_its_ledger_cannot_be_opened(prompt: Prompt, config: Path) -> None:
    """Where outcomes could not be kept, the gateway does not start."""
    nowhere = f"sqlite:///{config.parent}/none/gateway.db"

    answer = prompt("serve", "--config", config, env={"GATEWAY_LEDGER__URL": nowhere})

    assert answer.exit_code == 1
    assert answer.output.startswith("Error: ledger.url: ")


@pytest.mark.parametrize("setting", ["GATEWAY_SERVER__LISTEN", "GATEWAY_WEBHOOKS__LISTEN"])
def test_serve_says_that_its_port_is_taken(prompt: Prompt, taken: str, config: Path, setting: str) -> None:
    """The ports of the settings are checked like those of an option."""
    answer = prompt("serve", "--config", config, env={setting: taken})

    assert answer.exit_code == 1
    assert answer.output == f"Error: cannot listen on {taken}: Address already in use\n"


@pytest.mark.parametrize("address", ["9090", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536"])
def test_an_address_has_host_and_port(prompt: Prompt, address: str) -> None:
    """What is no address is refused before anything starts."""
    answer = prompt("sandbox", "--listen", address)

    assert answer.exit_code == 2
    assert "has to be host:port" in answer.output


def test_sandbox_prints_what_is_needed_to_call_it(prompt: Prompt, tmp_path: Path) -> None:
    """URL, steering, operators and player tokens are printed; SIGTERM ends it with status 0."""
    arguments = ("--operator", "acme=key=1", "--operator", "site=2", "--data", str(tmp_path), "--seed", "7")
    with started("sandbox", *FREE_SANDBOX, *arguments) as program:
        url = program.line("sandbox").split()[1]
        control = program.line("control").split()[1]
        assert program.line("  operators") == "  operators: acme, site"
        assert program.line("    demo").split() == ["demo", "1,000.00", "KES"]
        assert httpx.post(f"{url}/pam", json={"action": "ping"}, trust_env=False).status_code == 200
        assert "betstack.sandbox.v1.SandboxService" in prompt("call", "--target", control).output
        assert program.end() == 0
    assert list(tmp_path.iterdir())


@pytest.mark.parametrize("operator", ["acme", "=key", "acme="])
def test_an_operator_has_name_and_secret(prompt: Prompt, operator: str) -> None:
    """What is no `NAME=SECRET` is refused before anything starts."""
    answer = prompt("sandbox", "--operator", operator)

    assert answer.exit_code == 2
    assert "has to be NAME=SECRET" in answer.output


def test_sandbox_says_where_it_cannot_keep_its_data(prompt: Prompt, tmp_path: Path) -> None:
    """A directory that cannot be made is named."""
    (tmp_path / "file").touch()

    answer = prompt("sandbox", *FREE_SANDBOX, "--data", tmp_path / "file" / "data")

    assert answer.exit_code == 1
    assert answer.output.startswith("Error: the sandbox cannot run: ")
    assert str(tmp_path / "file") in answer.output


def test_run_prints_commands_that_work_when_pasted() -> None:
    """They list the services and cards, place a bet, let it win and read the balance; the wallet says what it does."""
    with started("run", *FREE_ALL, command=SCRIPT) as program:
        lines = program.lines(f"  {SCRIPT[0]} call", 5)
        services, cards, bet, won, player = (pasted(line) for line in lines)
        heard = [program.line("wallet ").split()[1:] for _ in range(3)]
        assert program.end() == 0

    assert [each.returncode for each in (services, cards, bet, won, player)] == [0] * 5
    assert "betstack.ticket.v1.TicketService\n" in services.stdout
    assert '"title": "Match of the day"' in cards.stdout
    assert '"status": "TICKET_STATUS_OPEN"' in bet.stdout
    assert '"result": "won"' in won.stdout
    create, *rest = heard
    assert (create[0], create[3:]) == ("PamService/CreateTicket", ["-20.00", "has", "980.00"])
    assert {each[0] for each in rest} == {"PamService/WinTicket", "SmsService/SendTicketStatus"}
    assert '"player_id": ' in player.stdout


def test_run_plays_with_the_operators_of_a_file(config: Path) -> None:
    """The operators of a file are served by the sandbox and the wallet, whatever addresses they have there."""
    with started("run", "--config", str(config), *FREE_ALL) as program:
        assert program.line("  operators") == "  operators: acme"
        bet = pasted(program.lines(f"  {SCRIPT[0].rpartition('/')[0]}", 3)[-1])
        assert program.line("wallet ").split()[1] == "PamService/CreateTicket"
        assert program.end(signal.SIGINT) == 0

    assert bet.returncode == 0, bet.stderr
    assert '"status": "TICKET_STATUS_OPEN"' in bet.stdout
