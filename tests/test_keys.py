"""Which keys does an operator have, and which of them hold when?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.keys import KeyRing
from gateway.settings import Operator, SettingsProblems, load_settings
from tests.harness import secret_file

URL: Final = "https://api.betstack.io"
OLD, NOW, NEW = b"old-S3cret", b"now-S3cret", b"new-S3cret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three keys."""
    for key in (OLD, NOW, NEW):
        secret_file(tmp_path / key[:3].decode(), key)
    return tmp_path


def key(folder: Path, name: str, use: str, **more: Any) -> dict[str, Any]:
    """Return one key of the settings."""
    return {"id": name, "secret_file": str(folder / name), "use": use, **more}


def operator(**fields: Any) -> Operator:
    """Return an operator of loaded settings."""
    return load_settings(operators={"site": {"platform_url": URL, **fields}}).operators["site"]


def problems(**fields: Any) -> list[str]:
    """Return what is wrong with an operator; no problem tells a secret."""
    with pytest.raises(SettingsProblems) as found:
        operator(**fields)
    assert "S3cret" not in str(found.value)
    return [problem.removeprefix("operators.site.") for problem in found.value.problems]


def test_the_active_key_signs_and_all_of_them_verify(folder: Path) -> None:
    """Whatever the order, exactly one key signs; the next one and a retired one hold beside it."""
    for keys in (
        [key(folder, "old", "retired"), key(folder, "now", "active"), key(folder, "new", "next")],
        [key(folder, "new", "next"), key(folder, "old", "retired"), key(folder, "now", "active")],
    ):
        site = operator(keys=keys)

        assert site.key() == NOW
        assert site.ring().valid(0)[0] == NOW
        assert set(site.ring().valid(0)) == {OLD, NOW, NEW}


def test_a_retired_key_holds_until_its_time(folder: Path) -> None:
    """From that very second on it does not; the others do not age."""
    until = "2026-12-01T00:00:00+02:00"
    moment = datetime(2026, 11, 30, 22, tzinfo=UTC).timestamp()
    ring = operator(
        keys=[key(folder, "old", "retired", until=until), key(folder, "now", "active"), key(folder, "new", "next")]
    ).ring()

    assert set(ring.valid(moment - 0.001)) == {OLD, NOW, NEW}
    assert set(ring.valid(moment)) == {NOW, NEW}


def test_a_file_of_settings_says_it_in_tables(folder: Path) -> None:
    """Keys are an array of tables, and a time is TOML's own."""
    path = folder / "gateway.toml"
    path.write_text(
        f"""
        [operators.site]
        platform_url = "{URL}"
        [[operators.site.keys]]
        id = "2026-11"
        secret_file = "{folder}/now"
        use = "active"
        [[operators.site.keys]]
        id = "2026-05"
        secret_file = "{folder}/old"
        use = "retired"
        until = 2026-12-01T00:00:00Z
        """
    )

    site = load_settings(path).operators["site"]

    assert [(each.id, each.use) for each in site.keys] == [("2026-11", "active"), ("2026-05", "retired")]
    assert site.keys[1].until == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_single_secret_is_a_ring_of_one(folder: Path) -> None:
    """`secret` and `secret_file` are one active key."""
    assert operator(secret="text").ring() == KeyRing(b"text")
    assert operator(secret_file=folder / "now").ring() == KeyRing(NOW)


def test_what_keys_cannot_be_together_is_said(folder: Path) -> None:
    """Beside `secret`, without an active one, with two, with one name for two: each is one problem."""
    one = key(folder, "now", "active")

    assert problems(keys=[one], secret="x") == ["keys: stands beside secret; give one of them"]
    assert problems(keys=[one], secret_file=folder / "now") == ["keys: stands beside secret_file; give one of them"]
    assert problems() == ["keys: secret, secret_file or keys is required"]
    assert problems(keys=[key(folder, "now", "next")]) == ["keys: 0 of them are active, and it has to be one"]
    assert problems(keys=[one, key(folder, "new", "active")]) == ["keys: 2 of them are active, and it has to be one"]
    assert problems(keys=[one, {**key(folder, "new", "next"), "id": "now"}]) == ["keys: 'now' is there twice"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"use": "old"}, "keys.0.use: "),
        ({"id": ""}, "keys.0.id: "),
        ({"id": "two words"}, "keys.0.id: "),
        ({"until": "2026-12-01T00:00:00Z"}, "keys.0.until: is for retired keys"),
        ({"use": "retired", "until": "2026-12-01T00:00:00"}, "keys.0.until: "),
        ({"use": "retired", "until": "soon"}, "keys.0.until: "),
        ({"secret_file": "/nowhere/key"}, "keys.0.secret_file: cannot be read: "),
        ({"secret": "S3cret"}, "keys.0.secret: "),
    ],
)
def test_what_a_key_cannot_be_is_said(folder: Path, change: dict[str, Any], problem: str) -> None:
    """A key without a name, a use or a file is none, and `until` needs a retired key and an offset from UTC."""
    [found] = problems(keys=[{**key(folder, "now", "active"), **change}])

    assert found.startswith(problem)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640, 0o750])
def test_a_key_may_be_for_its_owner_and_a_group(folder: Path, mode: int) -> None:
    """Kubernetes gives files to a group, so a group may read."""
    (folder / "now").chmod(mode)

    assert operator(secret_file=folder / "now").key() == NOW


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o660, 0o777])
def test_a_key_that_everybody_can_read_is_refused(folder: Path, mode: int) -> None:
    """Neither as the only key nor as one of several, and the problem says what to do."""
    (folder / "now").chmod(mode)

    for fields, name in (
        ({"secret_file": folder / "now"}, "secret_file"),
        ({"keys": [key(folder, "now", "active")]}, "keys.0.secret_file"),
    ):
        [problem] = problems(**fields)
        assert problem.startswith(f"{name}: its mode is {mode:04o}")
        assert "chmod 0440" in problem


def test_keys_are_not_shown(folder: Path) -> None:
    """Whoever prints settings or keys sees no key."""
    site = operator(keys=[key(folder, "now", "active"), key(folder, "old", "retired")])

    assert "S3cret" not in repr(site) + repr(site.ring())
