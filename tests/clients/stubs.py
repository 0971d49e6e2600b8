"""Does the contract give stubs in the languages that it is offered for? ``protos/buf.gen.yaml`` with real plugins.

Plugins come from where each language keeps them; one that is not to be had is left out, and that is said.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from filecmp import dircmp
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import yaml

from tests.clients.programs import FOLDER, ROOT, Failed, lacking, run, search_path

__all__ = ["generated_stubs"]

_TEMPLATE: Final = ROOT / "protos" / "buf.gen.yaml"
_SERVICES: Final = ("card", "event", "operation", "pam", "sandbox", "sms", "ticket")
_PROOF: Final[Mapping[str, tuple[str, str]]] = {
    "go": ("betstack/{name}/v1/{name}_service_grpc.pb.go", "type {Name}ServiceClient interface"),
    "java": ("io/betstack/{name}/v1/{Name}ServiceGrpc.java", "package io.betstack.{name}.v1;"),
    "kotlin": ("io/betstack/{name}/v1/{Name}ServiceOuterClassGrpcKt.kt", "{Name}ServiceCoroutineStub"),
    "typescript": ("betstack/{name}/v1/{name}_service.ts", "export interface {Name}ServiceClient"),
    "csharp": ("Betstack/{Name}/V1/{Name}Service.cs", "namespace Betstack.{Name}.V1"),
}
"""By the folder of a language: the file that each service is in, and what has to be in there."""

_COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_KOTLIN: Final = "1.5.0"
_ELSEWHERE: Final = {"grpc_csharp_plugin": "NuGet's Grpc.Tools has it"}
"""Plugins that neither the Go module proxy nor Maven Central nor npm has."""


@dataclass(frozen=True, slots=True)
class _Plugins:
    """The plugins of the template, and the PATH that they are on."""

    template: dict[str, Any]
    path: str

    def left_out(self) -> list[str]:
        """Return the programs that are missing."""
        named = [each["local"] for each in self.template["plugins"] if "local" in each]
        return lacking(named, self.path)

    def usable(self) -> str:
        """Return the template without the plugins that are missing; the file itself if there are none."""
        missing = self.left_out()
        if not missing:
            return str(_TEMPLATE)
        plugins = [each for each in self.template["plugins"] if each.get("local") not in missing]
        return json.dumps({**self.template, "plugins": plugins})


async def generated_stubs(folder: Path) -> str:
    """Generate stubs from the protos and from the descriptor set, and return what came of it; raises Failed."""
    tools = folder / "plugins"
    tools.mkdir()
    await _install(tools)
    path = search_path(tools, FOLDER / "node" / "node_modules" / ".bin")
    plugins = _Plugins(yaml.safe_load(_TEMPLATE.read_text("utf-8")), path)
    unknown = set(plugins.left_out()) - _ELSEWHERE.keys()
    if unknown:
        raise Failed(f"{_TEMPLATE.name}: {', '.join(sorted(unknown))}: not to be found")
    usable = plugins.usable()

    protos, contract = folder / "protos", folder / "contract.binpb"
    await run(("buf", "generate", "protos", "--template", usable, "-o", protos), ROOT, path=path)
    await run(("betstack-gateway", "descriptor", "-o", contract), ROOT)
    described = folder / "described"
    command = ("buf", "generate", contract, "--exclude-path", "google", "--template", usable, "-o", described)
    await run(command, ROOT, path=path)

    for language in _PROOF:
        _look(protos, language)
        _require_same(dircmp(protos / language, described / language, ignore=["google"]))
    without = "".join(f"; without {each}: {_ELSEWHERE[each]}" for each in plugins.left_out())
    return f"{', '.join(_PROOF)}, the same from the protos and from the descriptor set{without}"


async def _install(tools: Path) -> None:
    """Fetch the plugins, each from its language's own registry."""
    await run(("env", f"GOBIN={tools}", "go", "install", "tool"), FOLDER / "go")
    pom = ET.parse(FOLDER / "java" / "pom.xml").getroot()  # noqa: S314 - a file of ours
    version = {each.tag.partition("}")[2]: each.text for each in pom.find("{*}properties") or ()}
    kind = f"exe:{_classifier()}"
    for artifact, name in (
        (f"com.google.protobuf:protoc:{version['protobuf.version']}:{kind}", "protoc"),
        (f"io.grpc:protoc-gen-grpc-java:{version['grpc.version']}:{kind}", "protoc-gen-grpc-java"),
        (f"io.grpc:protoc-gen-grpc-kotlin:{_KOTLIN}:jar:jdk8", "grpc-kotlin.jar"),
    ):
        fetched = tools / "fetched"
        await run(("mvn", "-B", "-q", "-ntp", _COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={fetched}"), tools)
        [file] = fetched.iterdir()
        file.rename(tools / name).chmod(0o755)
    kotlin = tools / "protoc-gen-grpc-kotlin"
    kotlin.write_text(f'#!/bin/sh\nexec java -jar "{tools / "grpc-kotlin.jar"}"\n')
    kotlin.chmod(0o755)


def _classifier() -> str:
    """Return what Maven Central calls this machine."""
    system = {"Linux": "linux", "Darwin": "osx"}[platform.system()]
    machine = {"x86_64": "x86_64", "aarch64": "aarch_64", "arm64": "aarch_64"}[platform.machine()]
    return f"{system}-{machine}"


def _look(stubs: Path, language: str) -> None:
    pattern, sign = _PROOF[language]
    for name in _SERVICES:
        names = {"name": name, "Name": name.capitalize()}
        file = stubs / language / pattern.format(**names)
        if not file.exists() or sign.format(**names) not in file.read_text("utf-8"):
            raise Failed(f"{language}: {file.relative_to(stubs)} without {sign.format(**names)!r}")


def _require_same(compared: dircmp[str]) -> None:
    different = compared.left_only + compared.right_only + compared.diff_files
    different = [each for each in different if each != "com"]  # Google's own messages in Java
    if different:
        raise Failed(f"{compared.left}: {', '.join(different)}: not the same from the descriptor set")
    for below in compared.subdirs.values():
        _require_same(below)
