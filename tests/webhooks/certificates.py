"""Which certificates do gateway and services show each other? Made by openssl for the occasion."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import grpc

__all__ = ["Certificates"]


class Certificates:
    """An authority, and certificates that it signed: the service's and the gateway's."""

    def __init__(self, folder: Path) -> None:
        self.authority, self.service, self.own = (folder / name for name in ("authority", "service", "gateway"))
        curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        self._openssl(f"req -x509 {curve} -keyout {self.authority}.key -out {self.authority}.pem -subj /CN=authority")
        for name in (self.service, self.own):
            self._openssl(
                f"req -x509 {curve} -CA {self.authority}.pem -CAkey {self.authority}.key -keyout {name}.key "
                f"-out {name}.pem -subj /CN={name.name} -addext subjectAltName=IP:127.0.0.1"
            )

    @staticmethod
    def _openssl(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)

    def credentials(self, *, mutual: bool) -> grpc.ServerCredentials:
        """Return the service's side; a mutual one wants to see a certificate of the authority too."""
        pair = (Path(f"{self.service}.key").read_bytes(), Path(f"{self.service}.pem").read_bytes())
        authority = Path(f"{self.authority}.pem").read_bytes()
        return grpc.ssl_server_credentials([pair], authority if mutual else None, mutual)

    def site(self, *, mutual: bool) -> dict[str, Any]:
        """Return the operator's settings for it."""
        shown = {"target_cert_file": f"{self.own}.pem", "target_key_file": f"{self.own}.key"}
        return {"target_tls": True, "target_ca_file": f"{self.authority}.pem", **(shown if mutual else {})}
