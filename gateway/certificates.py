"""Do these files hold what TLS needs: authorities, a certificate, the key of that certificate?"""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.keys import private

__all__ = ["require_authorities", "require_pair", "require_readable"]


def require_readable(path: Path) -> None:
    """Raise ValueError unless the file can be read."""
    try:
        path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def require_authorities(path: Path) -> None:
    """Raise ValueError unless the file holds certificates."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError:
        raise ValueError("cannot be read as a PEM file of certificates") from None


def require_pair(certificate: Path, key: Path, name: str) -> None:
    """Raise ValueError unless the key is the certificate's and not for everybody; ``name`` is the certificate's setting."""
    require_readable(private(key))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError):
        raise ValueError(f"is not the PEM file of the key of {name}, without a password") from None


def _no_password() -> str:
    return ""
