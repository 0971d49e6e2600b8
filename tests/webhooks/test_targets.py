"""Which targets does the gateway refuse before it starts?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.callers import token_hash
from gateway.settings import Settings, SettingsProblems, Webhooks
from tests.harness import settings_for
from tests.webhooks.certificates import Certificates
from tests.webhooks.circle import circle_settings


def test_the_defaults_are_the_documented_ones() -> None:
    """Nothing listens unless it is told to; times and sizes are the platform's."""
    assert settings_for("http://127.0.0.1:1").webhooks == Webhooks()
    defaults = Webhooks()
    assert (defaults.answer_after_s, defaults.patience_s, defaults.give_up_s) == (2, 8, 72 * 3600)
    assert list(defaults.repeat_s) == [0.5, 2, 5, 30, 120, 600, 1800]
    assert (defaults.tolerance_s, defaults.max_body_bytes) == (300, 256 * 1024)
    assert defaults.listen is None


def _problems(**site: Any) -> list[str]:
    """Return what is wrong with an operator's targets."""
    try:
        _settings(**site)
    except SettingsProblems as problem:
        return list(problem.problems)
    return []


def _settings(*, listen: str = "127.0.0.1:50051", webhooks: str = "127.0.0.1:8080", **site: Any) -> Settings:
    server = {"listen": listen, "insecure": True}
    callers = {"all": {"tokens": [token_hash("all")], "operators": ["*"], "rights": ["read"]}}
    return circle_settings("127.0.0.1:50052", site=site, server=server, callers=callers, webhooks={"listen": webhooks})


@pytest.mark.parametrize("name", ["pam_target", "sms_target"])
@pytest.mark.parametrize(
    ("listen", "target"),
    [
        ("127.0.0.1:50051", "127.0.0.1:50051"),
        ("127.0.0.1:50051", "localhost:50051"),
        ("localhost:50051", "127.0.0.1:50051"),
        ("0.0.0.0:50051", "127.0.0.1:50051"),
        ("[::]:50051", "[::1]:50051"),
        ("127.0.0.1:50052", "127.0.0.1:8080"),
    ],
)
def test_the_gateway_is_not_its_own_target(name: str, listen: str, target: str) -> None:
    """Neither its gRPC listener nor its webhook listener, however they are spelled."""
    [problem] = _problems(listen=listen, **{"pam_target": None, "sms_target": None, name: target})
    assert problem.startswith(("server: ", "webhooks: "))
    assert "operators.site" in problem


@pytest.mark.parametrize(
    ("listen", "target"),
    [
        ("127.0.0.1:50051", "127.0.0.1:50052"),
        ("0.0.0.0:50051", "192.0.2.7:50051"),
        ("0.0.0.0:50051", "127.0.0.1:50052"),
        ("127.0.0.1:0", "127.0.0.1:50052"),
    ],
)
def test_another_machine_may_use_the_same_port(listen: str, target: str) -> None:
    """Only what is the gateway's own is refused."""
    assert _problems(listen=listen, pam_target=target, target_tls=True) == []


@pytest.mark.parametrize("target", ["192.0.2.7:50052", "example.org:50052", "[2001:db8::1]:50052", "0.0.0.0:50052"])
@pytest.mark.parametrize("name", ["pam_target", "sms_target"])
def test_plaintext_stays_on_this_machine(name: str, target: str) -> None:
    """Beyond loopback a target speaks TLS."""
    [problem] = _problems(**{name: target})
    assert problem.startswith(f"operators.site.{name}: ")
    assert _problems(**{name: target, "target_tls": True}) == []


def test_certificates_are_looked_at_before_anything_starts(certificates: Certificates, tmp_path: Path) -> None:
    """Files that are not there or something else, a certificate without its key, and a key of another one."""
    text = tmp_path / "text.pem"
    text.write_text("some text")
    text.chmod(0o600)
    ours = certificates.site(mutual=True)
    assert _problems(**ours) == []
    for name in ("target_ca_file", "target_cert_file", "target_key_file"):
        problems = _problems(**{**ours, name: str(tmp_path / "none.pem")})
        assert problems[0].startswith(f"operators.site.{name}: cannot be read")
    for name in ("target_cert_file", "target_key_file"):
        [problem] = _problems(**{**ours, name: None})
        assert problem.startswith("operators.site.target_key_file: ")
        assert "together" in problem
        [problem] = _problems(**{**ours, name: str(text)})
        assert problem.startswith("operators.site.target_key_file: is not")
    [problem] = _problems(**{**ours, "target_key_file": f"{certificates.service}.key"})
    assert problem.startswith("operators.site.target_key_file: is not")
    [problem] = _problems(**{**ours, "target_ca_file": f"{certificates.authority}.key"})
    assert problem.startswith("operators.site.target_ca_file: cannot be read as a PEM file")


def test_a_target_is_an_address() -> None:
    """Host and port, nothing else."""
    for target in ("", "50052", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", ":50052"):
        assert _problems(pam_target=target)
