"""Which certificate do clients see, and whose certificates are taken? Read anew while connections live on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import grpc

from gateway.certificates import require_authorities, require_pair
from gateway.settings import Server, SettingsProblems

__all__ = ["Certificates"]


@dataclass(frozen=True, slots=True)
class _Files:
    """What the files hold."""

    key: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    authorities: bytes | None = field(repr=False)

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Return them as gRPC wants them."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authorities)


class Certificates:
    """The server's side of TLS; new connections see what was read last."""

    def __init__(self, certificate: Path, key: Path, authorities: Path | None) -> None:
        self._paths = (key, certificate, authorities)
        self._files = self._read()
        self._fetched = self._files

    @classmethod
    def of(cls, settings: Server) -> Certificates | None:
        """Return those of the settings; None where the server speaks plaintext.

        Raises SettingsProblems where the files cannot be used any more.
        """
        if settings.tls_cert_file is None or settings.tls_key_file is None:
            return None
        try:
            return cls(settings.tls_cert_file, settings.tls_key_file, settings.client_ca_file)
        except ValueError as error:
            raise SettingsProblems([f"server.tls_key_file: {error}"]) from None

    def renew(self) -> bool:
        """Read the files again and tell whether they have changed; raises ValueError where they cannot be used."""
        files = self._read()
        is_new = files != self._files
        self._files = files
        return is_new

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a server listens with; where callers are to show certificates, those without get no connection."""
        return grpc.dynamic_ssl_server_credentials(
            self._files.configuration(),
            self._fetch,  # type: ignore[arg-type]  # the stubs do not know that None says: nothing has changed
            require_client_authentication=self._files.authorities is not None,
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Tell gRPC, which asks for every new connection in a thread of its own, what has changed since."""
        files = self._files
        if files is self._fetched:
            return None
        self._fetched = files
        return files.configuration()

    def _read(self) -> _Files:
        key, certificate, authorities = self._paths
        files = _contents(key, certificate, authorities)
        require_pair(certificate, key, "tls_cert_file")
        if authorities is not None:
            require_authorities(authorities)
        if files != _contents(key, certificate, authorities):
            raise ValueError("the files of server.tls_* change while they are read")
        return files


def _contents(key: Path, certificate: Path, authorities: Path | None) -> _Files:
    try:
        return _Files(
            key.read_bytes(), certificate.read_bytes(), None if authorities is None else authorities.read_bytes()
        )
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be read: {error.strerror}") from None
