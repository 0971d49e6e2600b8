"""Who vouches for whom? Authorities and what they sign, made by openssl for the occasion."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Authority", "Pair"]

_CURVE: Final = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path

    def read(self) -> tuple[bytes, bytes]:
        """Return key and certificate, in gRPC's order."""
        return self.key.read_bytes(), self.certificate.read_bytes()


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = name
        self._openssl(f"req -x509 {_CURVE} -keyout {self._path(name, 'key')} -out {self.path} -subj /CN={name}")

    @property
    def path(self) -> Path:
        """Its own certificate."""
        return self._path(self._name, "pem")

    def signed(self, name: str, alternative_names: str = "IP:127.0.0.1") -> Pair:
        """Sign a certificate for some names, such as ``URI:spiffe://site/web,DNS:web``."""
        pair = Pair(self._path(name, "pem"), self._path(name, "key"))
        self._openssl(
            f"req -x509 {_CURVE} -CA {self.path} -CAkey {self._path(self._name, 'key')} -keyout {pair.key} "
            f"-out {pair.certificate} -subj /CN={name} -addext subjectAltName={alternative_names}"
        )
        return pair

    def _path(self, name: str, kind: str) -> Path:
        return self._folder / f"{name}.{kind}"

    @staticmethod
    def _openssl(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)
