"""What was this gateway told to do? One TOML file and the environment, checked as a whole before anything starts.

Environment variables begin with ``GATEWAY_``, put ``__`` between levels and win over the file:
``GATEWAY_OPERATORS__SITE__SECRET``.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from gateway.callers import CallerTable, caller_problems
from gateway.certificates import require_authorities, require_pair, require_readable
from gateway.failure import Reason
from gateway.keys import Key, KeyRing, SecretFile, key_problems, read_secret

__all__ = [
    "Operator",
    "Server",
    "Settings",
    "SettingsProblems",
    "Upstream",
    "exposure_problems",
    "host_and_port",
    "is_loopback",
    "load_settings",
]

ENV_PREFIX: Final = "GATEWAY_"


class SettingsProblems(Exception):  # noqa: N818 - it lists problems
    """The settings cannot be used; one line a problem, each beginning with the key's name, none with a secret."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def host_and_port(listen: str) -> tuple[str, int]:
    """Split ``host:port``; an IPv6 host stands in brackets. Raises ValueError for anything else."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("has to be host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(listen: str) -> bool:
    """Tell whether an address is of this machine alone."""
    host, _ = host_and_port(listen)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(listen: str) -> str:
    host_and_port(listen)
    return listen


def _base_url(url: str) -> str:
    # No message of the parser's own gets out: it would repeat what may be a password.
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("has to be printable ASCII without blanks")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError where it is no port
    except ValueError:
        raise ValueError("has to be a URL, its port a number up to 65535") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("has to begin with http:// or https:// and a host")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError("may have no user, query or fragment")
    return url.rstrip("/")


def _authorities(path: Path) -> Path:
    require_authorities(path)
    return path


def _certificate(path: Path) -> Path:
    require_readable(path)
    return path


def _key_of(key: Path | None, info: ValidationInfo, certificate: str) -> Path | None:
    """Check the key that belongs to another setting, which stands before it."""
    if certificate not in info.data:
        return key
    path = info.data[certificate]
    if (key is None) != (path is None):
        raise ValueError(f"and {certificate} have to be given together")
    if key is not None:
        require_pair(path, key, certificate)
    return key


def _reason(name: object) -> object:
    if isinstance(name, str) and name in Reason.__members__ and name != Reason.GATEWAY_FAULT:
        return Reason(name)
    raise ValueError("has to be a reason that `betstack-gateway errors` lists, other than GATEWAY_FAULT")


Address = Annotated[str, AfterValidator(_address)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Authorities = Annotated[Path, AfterValidator(_authorities)]
Certificate = Annotated[Path, AfterValidator(_certificate)]
MappedReason = Annotated[Reason, BeforeValidator(_reason)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_IN_THE_CLEAR: Final = "listen is not on loopback: give tls_cert_file, or true where something else encrypts"


class Server(_Table):
    """The gRPC face."""

    listen: Address = Field(default="127.0.0.1:50051", description="address and port of the gRPC server")
    workers: int = Field(default=1, ge=1, le=64, description="processes that share the port and the ledger")
    connection_age_s: float = Field(
        default=30,
        ge=0,
        le=86_400,
        description="when clients are asked to connect anew, in seconds, 0 never; a shutdown waits for those that call",
    )
    lameduck_s: float = Field(
        default=0, ge=0, le=3600, description="how long everything is served after SIGTERM says NOT_SERVING, in seconds"
    )
    grace_s: Seconds = Field(default=15, description="how long calls in flight may take at a shutdown, in seconds")
    tls_cert_file: Certificate | None = Field(
        default=None, description="certificate that the server shows, and what vouches for it, a PEM file"
    )
    tls_key_file: Path | None = Field(default=None, validate_default=True, description="the key of that certificate")
    client_ca_file: Authorities | None = Field(
        default=None, description="authorities of callers; with it every caller has to show a certificate of theirs"
    )
    insecure: bool = Field(
        default=False, validate_default=True, description="whether others than this machine may call without TLS"
    )
    watch_s: Seconds = Field(
        default=5, description="how often files with keys and certificates are looked at for changes, in seconds"
    )
    loop: Literal["asyncio", "uvloop"] = Field(
        default="asyncio", description="event loop that everything runs on: Python's own, or `uvloop`"
    )
    reflection: bool = Field(default=True, description="whether the contract can be read over reflection")
    enable: tuple[str, ...] = Field(
        default=(), description="RPCs to enable that are off because the platform does not support them yet"
    )

    @field_validator("loop")
    @classmethod
    def _installed(cls, loop: str) -> str:
        if loop == "uvloop" and not _is_installed("uvloop"):
            raise ValueError("needs the extra betstack-gateway[uvloop]")
        return loop

    @field_validator("tls_key_file")
    @classmethod
    def _pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return _key_of(key, info, "tls_cert_file")

    @field_validator("client_ca_file")
    @classmethod
    def _over_tls(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and info.data.get("tls_cert_file", path) is None:
            raise ValueError("is of no use without tls_cert_file")
        return path

    @field_validator("insecure")
    @classmethod
    def _encrypted_or_near(cls, insecure: bool, info: ValidationInfo) -> bool:
        encrypted = info.data.get("tls_cert_file", True) is not None
        if insecure and "tls_cert_file" in info.data and encrypted:
            raise ValueError("stands beside tls_cert_file; give one of them")
        if not (insecure or encrypted or is_loopback(info.data.get("listen", "localhost:0"))):
            raise ValueError(_IN_THE_CLEAR)
        return insecure


class Upstream(_Table):
    """The HTTP face."""

    timeout_s: Seconds = Field(default=30, description="time limit of every call but a READ, in seconds")
    read_timeout_s: Seconds = Field(default=10, description="time limit of a READ whose caller set none, in seconds")
    connect_timeout_s: Seconds = Field(default=5, description="time limit of connecting, TLS included, in seconds")
    min_deadline_ms: int = Field(
        default=500, ge=0, description="a money call with less time left is refused, in milliseconds"
    )
    max_answer_bytes: int = Field(default=1_048_576, ge=1024, description="largest answer that is read, in bytes")
    max_connections: int = Field(
        default=10_000, ge=1, description="largest number of connections to the platform; of each worker"
    )
    transport: Literal["fast", "httpx"] = Field(
        default="fast", description="what carries requests: connections of our own (`fast`), or `httpx`"
    )
    keepalive_s: Seconds = Field(default=20, description="how long an idle connection is kept, in seconds")
    whitespace: Literal["compact", "strip-all"] = Field(
        default="compact", description="what is signed: `compact`, or `strip-all` for no blanks in strings"
    )
    tries: int = Field(default=3, ge=1, le=10, description="tries of a READ, and of any call that was never sent")
    backoff_s: Seconds = Field(default=0.1, description="longest delay before the first repeat, doubled for each later")
    breaker_calls: int = Field(default=20, ge=1, description="calls seen before the circuit breaker may open")
    breaker_window_s: Seconds = Field(default=10, description="how far back the breaker counts, in seconds")
    breaker_pause_s: Seconds = Field(default=5, description="how long an open breaker lets nothing through, in seconds")
    ca_file: Authorities | None = Field(
        default=None, description="certificates to trust instead of the machine's own, a PEM file"
    )


class LimitsTable(_Table):
    """What callers may ask of the gateway; several workers share it evenly."""

    calls: int = Field(default=10_000, ge=1, description="calls to the platform in flight")
    operator_calls: int | None = Field(default=None, ge=1, description="the same of one operator; no limit if absent")
    operator_rate: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="calls of one operator a second; no limit if absent"
    )
    operator_burst: float | None = Field(
        default=None,
        ge=1,
        allow_inf_nan=False,
        description="how many of them may come at once; those of a second if absent",
    )
    request_bytes: int = Field(default=262_144, ge=1024, le=4_194_304, description="largest request, in bytes")


class LedgerTable(_Table):
    """Where the outcomes of money calls are kept."""

    url: str = Field(
        default="sqlite:///gateway.db",
        pattern=r"^(sqlite:///.+|postgres(ql)?://.+)$",
        description="`sqlite:///PATH`, relative to the working directory, or `postgresql://…`",
        repr=False,
    )
    keep_days: float = Field(default=120, gt=0, description="how long known outcomes are kept, in days")


class Reconcile(_Table):
    """How unknown outcomes become known."""

    poll_s: Seconds = Field(default=1, description="pause between two rounds, in seconds")
    settle_s: Seconds = Field(default=5, description="time after `upstream.timeout_s` before a row is looked at")
    repeat_s: tuple[Seconds, ...] = Field(
        default=(5, 30, 120, 600, 1800), min_length=1, description="delays before the repeats of an action, in seconds"
    )
    give_up_s: float = Field(default=259_200, gt=0, description="how long an action is repeated, in seconds")
    discard_s: Seconds = Field(default=1800, description="delay between two tries of an owed discard, in seconds")
    first_absence_s: Seconds | None = Field(
        default=None, description="when a look may first find a ticket absent; twice `upstream.timeout_s` by default"
    )
    between_looks_s: Seconds = Field(default=30, description="how far the two looks at the ticket list lie apart")
    clock_tolerance_s: Seconds = Field(default=300, description="how far the platform's clock may be off, in seconds")
    list_limit: int = Field(default=100, ge=1, le=10_000, description="how many tickets a look asks for")


class Admin(_Table):
    """What whoever runs the gateway looks at."""

    listen: Address | None = Field(
        default=None, description="address and port of `/metrics`, `/livez` and `/readyz`; none without it"
    )


class Traces(_Table):
    """Spans of all calls, for an OpenTelemetry collector."""

    otlp_endpoint: BaseUrl | None = Field(
        default=None, description="base URL of an OTLP/HTTP collector, as `http://127.0.0.1:4318`; none without it"
    )
    sample: float = Field(default=1, ge=0, le=1, description="share of the traces begun here that are kept")

    @field_validator("otlp_endpoint")
    @classmethod
    def _installed(cls, endpoint: str | None) -> str | None:
        if endpoint is not None and not _is_installed("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError("needs the extra betstack-gateway[otel]")
        return endpoint


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


class Log(_Table):
    """What `serve` writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="least weight of a line of the log: `debug`, `info` (one a call), `warning`, `error`",
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`json`, `text`, or `auto`: text on a terminal, JSON elsewhere"
    )


class Operator(_Table):
    """One operator: its key and where the platform serves it."""

    secret: SecretStr | None = Field(default=None, description="the key that signs; this, `secret_file` or `keys`")
    secret_file: SecretFile | None = Field(
        default=None, description="file that holds the key; a newline at its end does not count"
    )
    keys: tuple[Key, ...] = Field(default=(), validate_default=True, description="several keys, to change them")
    platform_url: BaseUrl = Field(description="base URL of `/bc` and `/be`")
    pam_url: BaseUrl | None = Field(default=None, description="URL of the player account system")
    sms_url: BaseUrl | None = Field(default=None, description="URL of the SMS endpoint")
    target_tls: bool = Field(default=False, description="whether the operator's own services speak TLS")
    pam_target: Address | None = Field(default=None, description="the operator's own PamService, `host:port`")
    sms_target: Address | None = Field(default=None, description="the operator's own SmsService, `host:port`")
    target_ca_file: Authorities | None = Field(
        default=None, description="certificates that the operator's services show"
    )
    target_cert_file: Certificate | None = Field(default=None, description="certificate that the gateway shows them")
    target_key_file: Path | None = Field(default=None, validate_default=True, description="the key of that certificate")
    correlate: Literal["rtag"] | None = Field(
        default=None, description="`rtag`: an empty rtag carries the request id, so that lost tickets can be found"
    )

    @field_validator("pam_target", "sms_target")
    @classmethod
    def _encrypted_or_near(cls, target: str | None, info: ValidationInfo) -> str | None:
        if target is not None and not info.data.get("target_tls") and not is_loopback(target):
            raise ValueError("is not on loopback, so target_tls has to be true")
        return target

    @field_validator("target_key_file")
    @classmethod
    def _pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return _key_of(key, info, "target_cert_file")

    @field_validator("secret")
    @classmethod
    def _not_empty(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value():
            raise ValueError("may not be empty")
        return secret

    @field_validator("secret_file")
    @classmethod
    def _not_beside_secret(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and info.data.get("secret") is not None:
            raise ValueError("stands beside secret; give one of them")
        return path

    @field_validator("keys")
    @classmethod
    def _one_signs(cls, keys: tuple[Key, ...], info: ValidationInfo) -> tuple[Key, ...]:
        others = [name for name in ("secret", "secret_file") if info.data.get(name, True) is not None]
        if not keys:
            if not others:
                raise ValueError("secret, secret_file or keys is required")
            return keys
        if others:
            raise ValueError(f"stands beside {' and '.join(others)}; give one of them")
        if problems := tuple(key_problems(keys)):
            raise ValueError("; ".join(problems))
        return keys

    def ring(self) -> KeyRing:
        """Return the keys; their files are read anew each time. Raises ValueError where one cannot be used."""
        if self.secret is not None:
            return KeyRing(self.secret.get_secret_value().encode())
        return KeyRing(read_secret(self.secret_file)) if self.secret_file else KeyRing.read(self.keys)

    def key(self) -> bytes:
        """Return the key that signs."""
        return self.ring().active


class Webhooks(_Table):
    """The receiver of the platform's webhooks."""

    listen: Address | None = Field(default=None, description="address and port of the receiver; none without it")
    tolerance_s: int = Field(default=300, ge=1, description="how far a timestamp may be off, either way, in seconds")
    max_body_bytes: int = Field(default=262_144, ge=1024, description="largest delivery that is read, in bytes")
    patience_s: Seconds = Field(default=8, description="how long the platform waits for an answer, in seconds")
    answer_after_s: Seconds = Field(
        default=2, description="when an action that is tried on is answered 200, in seconds"
    )
    repeat_s: tuple[Seconds, ...] = Field(
        default=(0.5, 2, 5, 30, 120, 600, 1800), min_length=1, description="delays before later tries, in seconds"
    )
    give_up_s: float = Field(default=259_200, gt=0, description="how long an action is tried, in seconds")
    unknown_action_code: int = Field(default=100, description="error code for an unknown action or type (assumed)")
    other_code: int = Field(default=0, description="error code where no platform code fits (assumed)")
    keep_days: float = Field(default=120, gt=0, description="how long events and answers are kept, in days")

    @property
    def call_timeout_s(self) -> float:
        """Time limit of a call of the operator's service, so that its end still reaches the platform in time."""
        return 0.95 * self.patience_s


class Codes(_Table):
    """Platform codes that are not known today, by API: number = reason."""

    bc: Mapping[int, MappedReason] = Field(default={}, description="codes of the Bet Card API")
    be: Mapping[int, MappedReason] = Field(default={}, description="codes of the Bet Engine API")
    pam: Mapping[int, MappedReason] = Field(default={}, description="codes of the player account system")
    sms: Mapping[int, MappedReason] = Field(default={}, description="codes of the SMS endpoint")


class Settings(BaseSettings):
    """All settings of a gateway."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    operators: Mapping[str, Operator] = Field(min_length=1, description="the operators, by name")
    default_operator: str | None = Field(
        default=None, description="the operator of requests that name none; without it they are refused"
    )
    server: Server = Server()
    callers: Mapping[str, CallerTable] = Field(default={}, description="who may call, by name")
    upstream: Upstream = Upstream()
    limits: LimitsTable = LimitsTable()
    ledger: LedgerTable = LedgerTable()
    reconcile: Reconcile = Reconcile()
    log: Log = Log()
    admin: Admin = Admin()
    traces: Traces = Traces()
    webhooks: Webhooks = Webhooks()
    codes: Codes = Codes()

    @field_validator("operators")
    @classmethod
    def _header_safe(cls, operators: Mapping[str, Operator]) -> Mapping[str, Operator]:
        for name in operators:
            if not name.isascii() or not name.isprintable() or not name.strip() or name != name.strip():
                raise ValueError(f"{name!r}: a name has to be printable ASCII, because it travels in a header")
        return operators

    @field_validator("server", "webhooks")
    @classmethod
    def _not_its_own_target(cls, table: Server | Webhooks, info: ValidationInfo) -> Server | Webhooks:
        for name, operator in info.data.get("operators", {}).items():
            for target in (operator.pam_target, operator.sms_target):
                if target is not None and table.listen is not None and _is_same_address(target, table.listen):
                    raise ValueError(f"operators.{name} has this very address as its target: calls would go in circles")
        return table

    @field_validator("callers")
    @classmethod
    def _fitting(cls, callers: Mapping[str, CallerTable], info: ValidationInfo) -> Mapping[str, CallerTable]:
        if {"operators", "server"} <= info.data.keys():
            problems = tuple(_misfits(callers, info.data["operators"], info.data["server"]))
            if problems:
                raise ValueError("; ".join(problems))
        return callers

    @field_validator("default_operator")
    @classmethod
    def _is_configured(cls, name: str | None, info: ValidationInfo) -> str | None:
        operators = info.data.get("operators")
        if name is not None and operators is not None and name not in operators:
            raise ValueError(f"no operator {name!r} is configured")
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose content comes as arguments."""
        return env_settings, init_settings


def exposure_problems(server: Server, callers: Mapping[str, CallerTable], operators: Collection[str]) -> Iterator[str]:
    """Yield why a gateway with these operators and callers may not listen so; settings that were loaded are fine."""
    if not (server.insecure or server.tls_cert_file or is_loopback(server.listen)):
        yield f"server.insecure: {_IN_THE_CLEAR}"
    yield from (f"callers: {problem}" for problem in _misfits(callers, operators, server))


def _misfits(callers: Mapping[str, CallerTable], operators: Collection[str], server: Server) -> Iterator[str]:
    return caller_problems(
        callers, operators, is_near=is_loopback(server.listen), sees_certificates=server.client_ca_file is not None
    )


def _is_same_address(target: str, listen: str) -> bool:
    host, port = host_and_port(target)
    own_host, own_port = host_and_port(listen)
    if port != own_port or port == 0:
        return False
    if own_host in ("0.0.0.0", "::"):  # noqa: S104
        return is_loopback(target) or _is_of_this_machine(host)
    return host == own_host or (is_loopback(target) and is_loopback(listen))


def _is_of_this_machine(host: str) -> bool:
    """Tell whether a host has an address that only this machine can bind."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    for family, kind, _, _, address in found:
        with socket.socket(family, kind) as bound:
            try:
                bound.bind(address)
            except OSError:
                continue
            return True
    return False


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401 - any setting
    """Read the file (none: the environment alone); raises SettingsProblems with everything that is wrong."""
    content = {**_read_file(path), **overrides} if path else overrides
    problems = list(_unknown_variables())
    try:
        settings = Settings(**content)
    except ValidationError as error:
        problems += (_describe(problem["loc"], problem["msg"]) for problem in error.errors(include_input=False))
    except SettingsError as error:
        problems.append(f"environment: {error}")
    if problems:
        raise SettingsProblems(problems)
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsProblems([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsProblems([f"{path}: is not TOML: {error}"]) from None


def _unknown_variables() -> Iterable[str]:
    for name in os.environ:
        key = name.upper().removeprefix(ENV_PREFIX).partition("__")[0].lower()
        if name.upper().startswith(ENV_PREFIX) and key not in Settings.model_fields:
            yield f"{name}: no such setting"


def _describe(location: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in location if part != "[key]")
    return f"{key}: {message.removeprefix('Value error, ')}"
