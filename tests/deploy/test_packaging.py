"""Does what is shipped to run the gateway in fit the gateway, and fit together?"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from gateway.app import require_usable
from gateway.contract import load_contract
from gateway.settings import Server, Settings, host_and_port, load_settings
from tests.deploy.envoy import SHIPPED as ENVOY
from tests.harness import secret_file

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MANIFEST: Final[dict[tuple[str, str], Any]] = {
    (each["kind"], each["metadata"]["name"]): each
    for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))
}
NAME: Final = "betstack-gateway"
POD: Final = MANIFEST["Deployment", NAME]["spec"]["template"]["spec"]
[CONTAINER] = POD["containers"]
COMPOSE: Final = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
GIVEN: Final = {"CALLER_TOKEN": f"sha256:{'0' * 64}", "LEDGER_PASSWORD": "abc"}
"""What the compose file wants to be told."""

TO_END_S: Final = 5
"""How much more than a drain at its longest a process needs to end, in seconds."""


def longest_drain_s(server: Server) -> float:
    """Return how long a gateway may take to leave, as its settings and gRPC's leeway for ages of connections have it."""
    return server.lameduck_s + 1.2 * server.connection_age_s + server.grace_s


@pytest.fixture
def in_kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings that a pod has, its secret in a file of ours."""
    text = MANIFEST["ConfigMap", NAME]["data"]["gateway.toml"]
    place = tomllib.loads(text)["operators"]["site"]["secret_file"]
    [mount] = [each for each in CONTAINER["volumeMounts"] if place.startswith(f"{each['mountPath']}/")]
    [volume] = [each for each in POD["volumes"] if each["name"] == mount["name"]]
    assert [item["path"] for item in volume["secret"]["items"]] == [Path(place).name]
    for variable in CONTAINER["env"]:
        monkeypatch.setenv(variable["name"], "postgresql://somewhere/ledger")
    config = tmp_path / "gateway.toml"
    config.write_text(text.replace(place, str(secret_file(tmp_path / "site", b"key"))), encoding="utf-8")
    return load_settings(config)


def test_a_pod_has_settings_that_the_gateway_takes(in_kubernetes: Settings) -> None:
    """The file in the manifest can be served with, over a ledger that two gateways can share."""
    require_usable(in_kubernetes, load_contract())
    assert in_kubernetes.ledger.url.startswith("postgresql://")
    assert MANIFEST["Deployment", NAME]["spec"]["replicas"] > 1


def test_a_pod_is_given_the_time_to_leave(in_kubernetes: Settings) -> None:
    """It may take as long as its settings say, and no pod that hangs keeps a node for long."""
    given_s = POD["terminationGracePeriodSeconds"]

    assert longest_drain_s(in_kubernetes.server) + TO_END_S <= given_s <= 2 * longest_drain_s(in_kubernetes.server)


def test_everybody_has_seen_that_a_pod_leaves(in_kubernetes: Settings) -> None:
    """It serves on for longer than probe and Envoy need to see NOT_SERVING."""
    probe = CONTAINER["readinessProbe"]
    [check] = yaml.safe_load(ENVOY.read_text("utf-8"))["static_resources"]["clusters"][0]["health_checks"]
    envoy_s = sum(float(check[each].removesuffix("s")) for each in ("no_traffic_interval", "timeout"))

    assert (
        probe["failureThreshold"] * (probe["periodSeconds"] + probe["timeoutSeconds"]) < in_kubernetes.server.lameduck_s
    )
    assert envoy_s < in_kubernetes.server.lameduck_s


def test_ports_are_those_that_are_listened_on(in_kubernetes: Settings) -> None:
    """Probes ask the gRPC port, in plaintext as the kubelet speaks it, and services lead to ports that are there."""
    settings = in_kubernetes
    listening = {"grpc": settings.server.listen, "webhooks": settings.webhooks.listen, "admin": settings.admin.listen}
    ports = {each["name"]: each["containerPort"] for each in CONTAINER["ports"]}
    assert ports == {name: host_and_port(str(listen))[1] for name, listen in listening.items()}
    assert settings.server.insecure
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert CONTAINER[probe]["grpc"] == {"port": ports["grpc"]}
    for service in (each["spec"] for (kind, _), each in MANIFEST.items() if kind == "Service"):
        assert [ports[port["targetPort"]] for port in service["ports"]] == [port["port"] for port in service["ports"]]


def test_a_pod_may_do_little() -> None:
    """No root, no writing but into memory, no rights, no token; secrets are for the gateway's group."""
    assert POD["securityContext"]["runAsNonRoot"]
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not POD["automountServiceAccountToken"]
    assert {each["secret"]["defaultMode"] for each in POD["volumes"] if "secret" in each} == {0o440}
    assert f"{POD['securityContext']['runAsUser']}:{POD['securityContext']['fsGroup']}" == said("USER")


def test_envoy_finds_the_gateways() -> None:
    """It looks for the headless service."""
    assert MANIFEST["Service", NAME]["spec"]["clusterIP"] == "None"
    assert (
        f"{{address: {NAME}, port_value: {MANIFEST['Service', NAME]['spec']['ports'][0]['port']}}}" in ENVOY.read_text()
    )


def test_the_compose_file_has_settings_that_the_gateway_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment alone can be served with, and it waits long enough for the gateway to leave."""
    service = COMPOSE["gateway"]
    environment = {name: told(value) for name, value in service["environment"].items()}
    place = environment["GATEWAY_OPERATORS__SITE__SECRET_FILE"]
    assert place.removeprefix("/run/secrets/") in service["secrets"]
    environment["GATEWAY_OPERATORS__SITE__SECRET_FILE"] = str(secret_file(tmp_path / "site", b"key"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()

    require_usable(settings, load_contract())
    assert f"@{next(name for name in COMPOSE if name != 'gateway')}/" in settings.ledger.url
    assert longest_drain_s(settings.server) + TO_END_S <= float(service["stop_grace_period"].removesuffix("s"))
    listening = [settings.server.listen, settings.webhooks.listen, settings.admin.listen]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}" for _, port in map(host_and_port, filter(None, listening))]


def told(value: str) -> str:
    """Fill in what the compose file wants to be told."""
    return re.sub(r"\$\{(\w+):\?\}", lambda match: GIVEN[match[1]], value)


def instructions() -> Iterator[tuple[str, str]]:
    """Yield the instructions of the Containerfile, each on one line."""
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        if not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


def said(word: str) -> str:
    """Return what the last such instruction says."""
    return [rest for each, rest in instructions() if each == word][-1]


def test_an_image_is_made_of_files_that_are_there() -> None:
    """What is copied exists and is not left out of the context; what is installed from has been copied."""
    allowed = [
        line[1:]
        for line in (ROOT / "deploy" / "Containerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied: list[str] = []
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            sources = rest.split()[:-1]
            assert all((ROOT / source).exists() for source in sources)
            assert all(any(fnmatch(source, pattern) for pattern in allowed) for source in sources)
            copied += sources
        elif word == "RUN":
            assert set(re.findall(r"-r (\S+)", rest)) <= set(copied)
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert {*backend["targets"]["wheel"]["packages"], PROJECT["readme"], *PROJECT["license-files"]} <= set(copied)


@pytest.mark.parametrize("lock", ["runtime.lock", "build.lock"])
def test_an_image_holds_what_was_tested(lock: str) -> None:
    """Every package has the version and the hashes that tests run with."""
    pinned, tested = pins(DEPLOY / lock), pins(ROOT / "requirements.lock")

    assert pinned.keys() <= tested.keys()
    assert all(pinned[name] == tested[name] for name in pinned)


def pins(lock: Path) -> dict[str, list[str]]:
    """Return the hashes of every pinned package."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    lines = [line.split("--hash=") for line in text.splitlines() if line]
    return {pin.split(";")[0].strip(): [each.strip() for each in hashes] for pin, *hashes in lines}


def test_an_image_runs_the_gateway_and_nothing_as_root() -> None:
    """It starts the program with the file that pods mount, writes where its volume is, and has the version's name."""
    [program] = json.loads(said("ENTRYPOINT"))
    config = json.loads(said("CMD"))[-1]

    assert program in PROJECT["scripts"]
    assert str(Path(config).parent) in [mount["mountPath"] for mount in CONTAINER["volumeMounts"]]
    assert Path(config).name in MANIFEST["ConfigMap", NAME]["data"]
    assert said("VOLUME") == said("WORKDIR")
    assert {CONTAINER["image"], COMPOSE["gateway"]["image"]} == {f"{NAME}:{PROJECT['version']}"}
