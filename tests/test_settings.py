"""What does a gateway make of what it is told, and what does it say about what it cannot use?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from gateway.callers import token_hash
from gateway.failure import Reason
from gateway.settings import Settings, SettingsProblems, host_and_port, load_settings
from tests.harness import secret_file, settings_for

SECRET: Final = "s3cr3t-Key"
URL: Final = "https://api.betstack.io"

FILE: Final = f"""
default_operator = "site"

[server]
listen = "127.0.0.1:6000"
enable = ["SmsService/SendBetResult"]

[upstream]
timeout_s = 7

[operators.site]
secret = "{SECRET}"
platform_url = "{URL}/"
pam_url = "http://127.0.0.1:8080/pam"

[operators.acme]
secret = "other"
platform_url = "{URL}"

[codes.be]
112 = "ODDS_CHANGED"
"""


OPEN: Final = {"insecure": True}
CALLERS: Final = {"web": {"tokens": [token_hash("t")], "operators": ["*"], "rights": ["read"]}}
"""What a gateway needs that listens for other machines."""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment of whoever runs the tests out of them."""
    for name in tuple(os.environ):
        if name.upper().startswith("GATEWAY_"):
            monkeypatch.delenv(name)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes a settings file."""

    def write(text: str) -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def operator(**changes: Any) -> dict[str, Any]:
    """Return the settings of one good operator, with changes; what is changed to None is left out."""
    fields = {"secret": SECRET, "platform_url": URL, **changes}
    return {key: value for key, value in fields.items() if value is not None}


def settings(**content: Any) -> Settings:
    """Return settings of one operator and this content."""
    return load_settings(**{"operators": {"site": operator()}, **content})


def problems_of(path: Path | None = None, **content: Any) -> list[str]:
    """Return what is wrong with these settings; no problem may tell a secret."""
    with pytest.raises(SettingsProblems) as found:
        load_settings(path, **content)
    assert SECRET not in str(found.value)
    assert SECRET not in repr(found.value)
    assert str(found.value) == "\n".join(found.value.problems)
    return list(found.value.problems)


def keys_of(problems: list[str]) -> list[str]:
    """Return what each problem begins with: the key's name."""
    return [problem.partition(": ")[0] for problem in problems]


# ------------------------------------------------------------------------------------------------- sources


def test_a_file_says_it_all(written: Callable[[str], Path]) -> None:
    """Every table of the file arrives, and a slash at the end of a URL does not count."""
    found = load_settings(written(FILE))

    assert found.default_operator == "site"
    assert list(found.operators) == ["site", "acme"]
    site = found.operators["site"]
    assert (site.platform_url, site.pam_url, site.sms_url) == (URL, "http://127.0.0.1:8080/pam", None)
    assert site.key() == SECRET.encode()
    assert (found.server.listen, found.server.enable) == ("127.0.0.1:6000", ("SmsService/SendBetResult",))
    assert found.upstream.timeout_s == 7
    assert found.codes.be == {112: Reason.ODDS_CHANGED}


def test_what_is_not_said_has_its_default() -> None:
    """One operator is enough."""
    found = settings()

    assert found.default_operator is None
    assert (found.server.listen, found.server.grace_s, found.server.reflection) == ("127.0.0.1:50051", 15, True)
    assert found.server.enable == ()
    upstream = found.upstream
    assert (upstream.timeout_s, upstream.read_timeout_s, upstream.min_deadline_ms) == (30, 10, 500)
    assert upstream.whitespace == "compact"
    assert upstream.ca_file is None
    assert found.codes.be == found.codes.pam == {}


def test_the_environment_wins_over_the_file(written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable replaces one value of the file and leaves its neighbours alone."""
    path = written(FILE)
    for name, value in {
        "GATEWAY_DEFAULT_OPERATOR": "acme",
        "GATEWAY_OPERATORS__SITE__SECRET": "from the environment",
        "GATEWAY_UPSTREAM__TIMEOUT_S": "9",
        "GATEWAY_SERVER__ENABLE": '["SmsService/SendOtp"]',
        "GATEWAY_CODES__BE__118": "TICKET_NOT_FOUND",
    }.items():
        monkeypatch.setenv(name, value)

    found = load_settings(path)

    assert found.default_operator == "acme"
    assert found.operators["site"].key() == b"from the environment"
    assert found.operators["site"].platform_url == URL
    assert found.operators["acme"].key() == b"other"
    assert (found.upstream.timeout_s, found.server.listen) == (9, "127.0.0.1:6000")
    assert found.server.enable == ("SmsService/SendOtp",)
    assert found.codes.be == {112: Reason.ODDS_CHANGED, 118: Reason.TICKET_NOT_FOUND}


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, variables say everything; their letters may be small."""
    monkeypatch.setenv("GATEWAY_OPERATORS__SITE__PLATFORM_URL", URL)
    monkeypatch.setenv("gateway_operators__site__secret", SECRET)

    assert load_settings().operators["site"].key() == SECRET.encode()


def test_a_table_can_be_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole table as JSON is understood."""
    monkeypatch.setenv("GATEWAY_OPERATORS", json.dumps({"site": operator()}))

    assert load_settings().operators["site"].platform_url == URL


def test_a_gateway_needs_an_operator() -> None:
    """No operators are a problem, in any spelling."""
    assert keys_of(problems_of()) == ["operators"]
    assert keys_of(problems_of(operators={})) == ["operators"]
    assert keys_of(problems_of(operators="site")) == ["operators"]


def test_settings_do_not_change_while_they_are_used() -> None:
    """What was checked stays what it was."""
    found = settings()

    with pytest.raises(ValidationError):
        found.default_operator = "other"
    with pytest.raises(ValidationError):
        found.upstream.timeout_s = 1


# ------------------------------------------------------------------------------------------------ problems


def test_all_problems_are_told_at_once(written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the gateway mends everything in one go: each problem begins with its key."""
    monkeypatch.setenv("GATEWAY_SPEED", "fast")
    monkeypatch.setenv("GATEWAY_UPSTREAM__WHITESPACE", "none")
    path = written(
        f"""
        default_operator = "nobody"
        colour = "red"
        [server]
        listen = "everywhere"
        grace_s = 0
        [upstream]
        timeout_s = "soon"
        max_connections = 0
        [operators.site]
        secret = "{SECRET}"
        platform_url = "ftp://api.betstack.io"
        [operators.acme]
        platform_url = "{URL}"
        [codes.be]
        112 = "ODDS_MOVED"
        [codes.casino]
        1 = "CONFLICT"
        """
    )

    problems = problems_of(path)

    assert sorted(keys_of(problems)) == [
        "GATEWAY_SPEED",
        "codes.be.112",
        "codes.casino",
        "colour",
        "operators.acme.keys",
        "operators.site.platform_url",
        "server.grace_s",
        "server.listen",
        "upstream.max_connections",
        "upstream.timeout_s",
        "upstream.whitespace",
    ]
    assert all(len(problem.partition(": ")[2]) > 5 for problem in problems)


UNKNOWN_KEYS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"colour": "red"}, "colour"),
    ({"server": {"listn": "127.0.0.1:1"}}, "server.listn"),
    ({"upstream": {"timeout": 3}}, "upstream.timeout"),
    ({"operators": {"site": operator(platfrom_url=URL)}}, "operators.site.platfrom_url"),
    ({"codes": {"casino": {}}}, "codes.casino"),
]


@pytest.mark.parametrize(("content", "key"), UNKNOWN_KEYS, ids=[key for _, key in UNKNOWN_KEYS])
def test_a_misspelled_key_is_a_problem(content: dict[str, Any], key: str) -> None:
    """What is not a setting does not go unnoticed."""
    assert keys_of(problems_of(**{"operators": {"site": operator()}, **content})) == [key]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("GATEWAY_TIMEOUT", "GATEWAY_TIMEOUT"),
        ("GATEWAY_OPERATOR__SITE__SECRET", "GATEWAY_OPERATOR__SITE__SECRET"),
        ("gateway_colour", "gateway_colour"),
        ("GATEWAY_", "GATEWAY_"),
        ("GATEWAY_SERVER__COLOUR", "server.colour"),
        ("GATEWAY_OPERATORS__SITE__SECRETS", "operators.site.secrets"),
    ],
)
def test_a_misspelled_variable_is_a_problem(monkeypatch: pytest.MonkeyPatch, name: str, key: str) -> None:
    """A variable that begins like one of ours and is none does not go unnoticed, and its value is not told."""
    monkeypatch.setenv(name, SECRET)

    assert keys_of(problems_of(operators={"site": operator()})) == [key]


@pytest.mark.parametrize("name", ["GATEWAYS", "GRPC_GATEWAY_X", "PATH"])
def test_other_variables_are_other_peoples(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Only the prefix makes a variable ours."""
    monkeypatch.setenv(name, "/bin")

    assert settings().operators


def test_a_variable_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken table says which variable it is, and nothing of what is in it."""
    monkeypatch.setenv("GATEWAY_OPERATORS", f'{{"site": {{"secret": "{SECRET}"')

    [problem] = problems_of()

    assert '"operators"' in problem


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file and a folder are problems, not crashes."""
    for path in (tmp_path / "missing.toml", tmp_path):
        [problem] = problems_of(path)
        assert problem.startswith(f"{path}: cannot be read: ")


@pytest.mark.parametrize("text", [f'secret = "{SECRET}', f"{SECRET} = = 1", f'a = "{SECRET}"\na = 1'])
def test_a_file_that_is_no_toml_says_where(written: Callable[[str], Path], text: str) -> None:
    """A broken file is told with line and column, and nothing of what is in it."""
    path = written(text)

    [problem] = problems_of(path)

    assert problem.startswith(f"{path}: is not TOML: ")


def test_a_file_in_another_encoding_is_a_problem(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    path = tmp_path / "gateway.toml"
    path.write_bytes('default_operator = "Köln"'.encode("latin-1"))

    assert problems_of(path)[0].startswith(f"{path}: is not TOML: ")


# ------------------------------------------------------------------------------------------------- secrets


def test_secrets_are_not_shown() -> None:
    """Whoever prints the settings sees everything but the keys, and the ledger's password."""
    password = "l3dger-Passw0rd"
    found = settings(ledger={"url": f"postgresql://gateway:{password}@localhost/ledger"})

    for shown in (repr(found), str(found), repr(found.operators["site"]), str(found.model_dump()["operators"])):
        assert SECRET not in shown
    assert password not in repr(found)
    assert URL in repr(found)


BAD_SECRETS: Final[list[tuple[dict[str, Any], list[str], str]]] = [
    ({"secret": ""}, ["operators.site.secret"], "may not be empty"),
    ({"secret": None}, ["operators.site.keys"], "secret, secret_file or keys is required"),
    ({"secret": [SECRET]}, ["operators.site.secret"], "valid string"),
    ({"secret": {"key": SECRET}}, ["operators.site.secret"], "valid string"),
]


@pytest.mark.parametrize(("changes", "keys", "words"), BAD_SECRETS)
def test_a_key_that_is_none_is_a_problem(changes: dict[str, Any], keys: list[str], words: str) -> None:
    """Without a key nothing can be signed; what was given in its place is not told."""
    problems = problems_of(operators={"site": operator(**changes)})

    assert keys_of(problems) == keys
    assert words in problems[0]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_key_can_come_from_a_file(tmp_path: Path, ending: bytes) -> None:
    """A newline at the end of the file does not count; blanks do."""
    path = secret_file(tmp_path / "key", f" {SECRET} ".encode() + ending)

    found = load_settings(operators={"site": operator(secret=None, secret_file=str(path))})

    assert found.operators["site"].key() == f" {SECRET} ".encode()
    assert SECRET not in repr(found)


def test_a_key_that_is_no_text_can_come_from_a_file(tmp_path: Path) -> None:
    """A key is bytes."""
    path = secret_file(tmp_path / "key", b"\x00\xff")

    assert settings(operators={"site": operator(secret=None, secret_file=path)}).operators["site"].key() == b"\x00\xff"


def test_a_key_file_that_holds_none_is_a_problem(tmp_path: Path) -> None:
    """A missing, empty or unreadable file is told with the key's name, before the first bet fails."""
    empty = secret_file(tmp_path / "empty", b"\n")
    for path, words in ((empty, "the file is empty"), (tmp_path / "missing", "cannot be read"), (tmp_path, "read")):
        [problem] = problems_of(operators={"site": operator(secret=None, secret_file=str(path))})
        assert problem.startswith("operators.site.secret_file: ")
        assert words in problem


def test_two_keys_are_one_too_many(tmp_path: Path) -> None:
    """A key and a key file side by side leave open which one signs."""
    path = secret_file(tmp_path / "key", SECRET.encode())

    [problem] = problems_of(operators={"site": operator(secret_file=str(path))})

    assert problem == "operators.site.secret_file: stands beside secret; give one of them"


def test_a_file_with_certificates_has_to_be_one(tmp_path: Path) -> None:
    """A missing or broken `ca_file` is told at start, with its name."""
    broken = tmp_path / "ca.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnone\n", encoding="ascii")
    for path in (tmp_path / "missing.pem", broken, tmp_path):
        problems = problems_of(operators={"site": operator()}, upstream={"ca_file": str(path)})
        assert keys_of(problems) == ["upstream.ca_file"]


# ---------------------------------------------------------------------------------------- URLs, names, codes


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.betstack.io", "https://api.betstack.io"),
        ("https://api.betstack.io/", "https://api.betstack.io"),
        ("http://127.0.0.1:9090/v1/site//", "http://127.0.0.1:9090/v1/site"),
        ("http://[::1]:9090", "http://[::1]:9090"),
        ("https://host/a%2Fb", "https://host/a%2Fb"),
    ],
)
def test_a_url_is_taken_without_slashes_at_its_end(given: str, used: str) -> None:
    """Paths are put behind it."""
    site = operator(platform_url=given, pam_url=given, sms_url=given)

    found = load_settings(operators={"site": site}).operators["site"]

    assert (found.platform_url, found.pam_url, found.sms_url) == (used, used, used)


BAD_URLS: Final = (
    "",
    "api.betstack.io",
    "//api.betstack.io",
    "ftp://api.betstack.io",
    "https://",
    "https:///be",
    f"https://user:{SECRET}@api.betstack.io",
    f"https://{SECRET}@api.betstack.io",
    f"https://user:{SECRET}/x@api.betstack.io",
    "https://api.betstack.io?key=1",
    "https://api.betstack.io/#top",
    "https://api.betstack.io:port",
    "https://api.betstack.io:99999",
    "https://api.betstack.io/łódź",
    f"https://user:{SECRET}℀@api.betstack.io",
    "https://api.betstack.io/a b",
    "https://api.betstack.io/\n",
    "https://api.betstack.io/\x01",
    "http://[::1",
    7,
)


@pytest.mark.parametrize("url", BAD_URLS)
def test_what_is_no_base_url_is_a_problem(url: Any) -> None:
    """A URL that cannot be called is told by its key, for each of the three; what is secret in it is not told."""
    problems = problems_of(operators={"site": operator(platform_url=url, pam_url=url, sms_url=url)})

    assert keys_of(problems) == [f"operators.site.{name}_url" for name in ("platform", "pam", "sms")]


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:50051", ("127.0.0.1", 50051)),
        ("[::]:0", ("::", 0)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_an_address_is_host_and_port(listen: str, address: tuple[str, int]) -> None:
    """An IPv6 host stands in brackets."""
    assert settings(server={"listen": listen, **OPEN}, callers=CALLERS).server.listen == listen
    assert host_and_port(listen) == address


@pytest.mark.parametrize("listen", ["", "50051", ":50051", "localhost", "localhost:", "localhost:x", "h:65536", "h:٣"])
def test_what_is_no_address_is_a_problem(listen: str) -> None:
    """Half an address is none."""
    assert keys_of(problems_of(operators={"site": operator()}, server={"listen": listen})) == ["server.listen"]


@pytest.mark.parametrize("name", ["Łódź", " site", "site ", "si\nte", "", " "])
def test_an_operators_name_has_to_fit_into_a_header(name: str) -> None:
    """The name travels in `operator-name`."""
    [problem] = problems_of(operators={name: operator()})

    assert problem.startswith(f"operators: {name!r}: ")


def test_the_default_operator_has_to_be_one() -> None:
    """A default that is not configured would refuse every call."""
    assert problems_of(operators={"site": operator()}, default_operator="acme") == [
        "default_operator: no operator 'acme' is configured"
    ]


def test_a_broken_operator_is_not_reported_as_a_missing_default() -> None:
    """One mistake is one problem."""
    problems = problems_of(operators={"site": operator(platform_url="x")}, default_operator="site")

    assert keys_of(problems) == ["operators.site.platform_url"]


BAD_CODES: Final[list[tuple[dict[str, Any], str]]] = [
    ({"be": {"112": "ODDS_MOVED"}}, "codes.be.112"),
    ({"be": {"112": "odds_changed"}}, "codes.be.112"),
    ({"be": {"112": "ERROR_REASON_ODDS_CHANGED"}}, "codes.be.112"),
    ({"be": {"112": "GATEWAY_FAULT"}}, "codes.be.112"),
    ({"pam": {"112": 5}}, "codes.pam.112"),
    ({"sms": {"many": "CONFLICT"}}, "codes.sms.many"),
    ({"bc": {"1.5": "CONFLICT"}}, "codes.bc.1.5"),
    ({"bc": "CONFLICT"}, "codes.bc"),
    ({"casino": {"1": "CONFLICT"}}, "codes.casino"),
]


@pytest.mark.parametrize(("codes", "key"), BAD_CODES)
def test_a_code_is_a_number_with_a_reason(codes: dict[str, Any], key: str) -> None:
    """A reason that does not exist, a number that is none and an API that is none are problems, each by its key."""
    assert keys_of(problems_of(operators={"site": operator()}, codes=codes)) == [key]


BAD_LIMITS: Final[list[tuple[str, Any]]] = [
    ("timeout_s", 0),
    ("timeout_s", -1),
    ("timeout_s", float("inf")),
    ("timeout_s", float("nan")),
    ("timeout_s", 86_401),
    ("read_timeout_s", 0),
    ("connect_timeout_s", "x"),
    ("min_deadline_ms", -1),
    ("max_answer_bytes", 1023),
    ("max_connections", 0),
    ("keepalive_s", 0),
    ("whitespace", "strip"),
]


@pytest.mark.parametrize(("key", "value"), BAD_LIMITS)
def test_a_limit_that_makes_no_sense_is_a_problem(key: str, value: Any) -> None:
    """Times are positive and end some day."""
    assert keys_of(problems_of(operators={"site": operator()}, upstream={key: value})) == [f"upstream.{key}"]


def test_a_loop_that_is_not_installed_is_a_problem_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem says what to install."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(SettingsProblems, match=r"^server\.loop: needs the extra betstack-gateway\[uvloop\]$"):
        settings_for("http://127.0.0.1:1", server={"loop": "uvloop"})
    settings_for("http://127.0.0.1:1", server={"loop": "asyncio"})
