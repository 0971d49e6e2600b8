"""Who is a caller, and which settings of callers are none?"""

from __future__ import annotations

from typing import Any, Final

import pytest

from gateway.callers import ANYBODY, Access, CallerTable, Credentials, Policy, Right, digest_of, token_hash
from gateway.failure import Reason
from gateway.settings import Server, Settings, SettingsProblems, exposure_problems, load_settings
from tests.harness import failing

SITE: Final = {"secret": "x", "platform_url": "https://api.betstack.io"}
SPIFFE: Final = "spiffe://site.example/web"


def table(**fields: Any) -> dict[str, Any]:
    """Return the settings of one caller."""
    return {"tokens": [token_hash("t0ken")], "operators": ["site"], "rights": ["read"], **fields}


def loaded(**content: Any) -> Settings:
    """Return settings of the operators ``site`` and ``acme``."""
    return load_settings(**{"operators": {"site": SITE, "acme": SITE}, **content})


def problems(**content: Any) -> list[str]:
    """Return what is wrong with settings."""
    with pytest.raises(SettingsProblems) as found:
        loaded(**content)
    return list(found.value.problems)


def policy(**callers: dict[str, Any]) -> Policy:
    """Return the policy of these callers."""
    return Policy({name: CallerTable(**table(**fields)) for name, fields in callers.items()})


def by_token(*tokens: str) -> Credentials:
    """Return what a call shows that has these tokens."""
    return Credentials(tuple(map(digest_of, tokens)))


# ------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tokens": ["t0ken"]}, "callers.web.tokens.0: has to be a hash"),
        ({"tokens": [token_hash("t").upper()]}, "callers.web.tokens.0: has to be a hash"),
        ({"tokens": ["sha256:00"]}, "callers.web.tokens.0: has to be a hash"),
        ({"tokens": [token_hash("")]}, "callers.web.tokens.0: is the hash of nothing"),
        ({"tokens": []}, "callers: web: tokens or certificates are needed"),
        ({"rights": []}, "callers.web.rights: "),
        ({"rights": ["read", "write"]}, "callers.web.rights.1: "),
        ({"operators": []}, "callers.web.operators: "),
        ({"operators": ["nobody"]}, "callers: web.operators: no operator 'nobody' is configured"),
        (
            {"certificates": [SPIFFE]},
            "callers: web.certificates: no caller shows a certificate without server.client_ca",
        ),
        ({"certificates": ["web"]}, "callers.web.certificates.0: has to be spiffe://"),
        ({"certificates": ["email:a@b.c"]}, "callers.web.certificates.0: has to be spiffe://"),
        ({"certificates": ["dns:"]}, "callers.web.certificates.0: has to be spiffe://"),
        ({"colour": "red"}, "callers.web.colour: "),
    ],
)
def test_what_a_caller_cannot_be_is_said(change: dict[str, Any], problem: str) -> None:
    """Each mistake is one problem that begins with its key; a token in the clear is not repeated."""
    [found] = problems(callers={"web": table(**change)})

    assert found.startswith(problem)
    assert "t0ken" not in found


def test_two_callers_are_not_known_by_one_token() -> None:
    """Nobody could say which of them calls."""
    [problem] = problems(callers={"web": table(), "app": table()})

    assert problem == "callers: app: is known by the same token or certificate as web"


def test_without_callers_nobody_else_is_listened_to() -> None:
    """Off loopback both are needed: somebody who may call, and TLS or the word that something else encrypts."""
    far: dict[str, Any] = {"listen": "0.0.0.0:50051"}
    callers = {"web": table()}

    assert [each.partition(":")[0] for each in problems(server=far)] == ["server.insecure"]
    assert [each.partition(":")[0] for each in problems(server=far, callers=callers)] == ["server.insecure"]
    assert [each.partition(":")[0] for each in problems(server={**far, "insecure": True})] == ["callers"]
    assert loaded(server={**far, "insecure": True}, callers=callers).callers["web"].rights == (Right.READ,)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0", "127.1.2.3:0"])
def test_on_loopback_nothing_is_needed(listen: str) -> None:
    """A gateway to try things out needs no callers."""
    assert loaded(server={"listen": listen}).callers == {}


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ({"tls_cert_file": "/nowhere.pem", "tls_key_file": "/nowhere.pem"}, "server.tls_cert_file: cannot be read"),
        ({"tls_key_file": "/nowhere.key"}, "server.tls_key_file: and tls_cert_file have to be given together"),
        ({"client_ca_file": "/nowhere.pem"}, "server.client_ca_file: cannot be read"),
    ],
)
def test_what_tls_cannot_use_is_said(server: dict[str, Any], problem: str) -> None:
    """Files that are not there and halves of a pair stop the start."""
    assert problems(server=server)[0].startswith(problem)


def test_settings_that_were_put_together_are_checked_again() -> None:
    """Who changes the address of loaded settings does not get around any of this."""
    assert list(exposure_problems(Server(), {}, ["site"])) == []
    opened = Server().model_copy(update={"listen": "0.0.0.0:50051"})

    assert [each.partition(":")[0] for each in exposure_problems(opened, {}, ["site"])] == [
        "server.insecure",
        "callers",
    ]


# --------------------------------------------------------------------------------------------------- policy


def test_without_callers_everybody_is_anybody() -> None:
    """Where there is no policy nothing that a call shows is looked at."""
    assert Policy({}).caller(Credentials()) is ANYBODY
    assert Policy({}).caller(by_token("whatever")) is ANYBODY
    for right in Right:
        ANYBODY.require(right, "site")


def test_a_caller_is_known_by_any_of_its_tokens() -> None:
    """Several tokens let a caller change from one to the next."""
    callers = policy(web={"tokens": [token_hash("one"), token_hash("two")]}, app={"tokens": [token_hash("three")]})

    names = [
        caller.name if (caller := callers.caller(by_token(token))) else "" for token in ("one", "two", "three", "")
    ]

    assert names == ["web", "web", "app", ""]


def test_a_token_decides_over_a_certificate() -> None:
    """An unknown token is refused although the certificate would do, and two tokens are none."""
    callers = policy(mesh={"tokens": [], "certificates": [SPIFFE]}, web={"tokens": [token_hash("one")]})
    names = (SPIFFE,)

    assert _name(callers, Credentials(names=names)) == "mesh"
    assert _name(callers, Credentials((digest_of("one"),), names)) == "web"
    assert _name(callers, Credentials((digest_of("two"),), names)) == ""
    assert _name(callers, Credentials((digest_of("one"), digest_of("one")), names)) == ""


def test_a_certificate_of_two_callers_is_nobodys() -> None:
    """Several names of one caller are fine; those of two are not."""
    callers = policy(
        web={"tokens": [], "certificates": [SPIFFE, "dns:WEB.example"]}, app={"tokens": [], "certificates": ["dns:app"]}
    )

    assert _name(callers, Credentials(names=(SPIFFE, "dns:web.example", "dns:other"))) == "web"
    assert _name(callers, Credentials(names=("dns:app", SPIFFE))) == ""
    assert _name(callers, Credentials(names=("dns:other",))) == ""
    assert _name(callers, Credentials()) == ""


def _name(callers: Policy, shown: Credentials) -> str:
    caller = callers.caller(shown)
    return caller.name if caller else ""


def test_a_caller_may_what_it_may_and_for_whom() -> None:
    """A right that is not its own, an operator that is not its own, and one that does not exist are refused alike."""
    caller = policy(web={"rights": ["read", "bet"]}).caller(by_token("t0ken"))
    assert caller is not None

    caller.require(Right.READ, "site")
    caller.require(Right.BET, "site")
    for right, operator in ((Right.PAM, "site"), (Right.READ, "acme"), (Right.READ, "nobody")):
        with failing(Reason.CALLER_NOT_ALLOWED, right=right):
            caller.require(right, operator)


def test_a_caller_for_all_operators_is_for_all() -> None:
    """A star stands for every operator, whatever else is said."""
    caller = policy(web={"operators": ["site", "*"]}).caller(by_token("t0ken"))
    assert caller is not None

    caller.require(Right.READ, "acme")


def test_who_wants_to_know_is_told_of_another_policy() -> None:
    """As long as it wants to know, and no longer."""
    access, told = Access(Policy({})), []
    with access.telling(lambda: told.append(access.policy)):
        another = policy(web={})
        access.replace(another)
    access.replace(Policy({}))

    assert told == [another]
