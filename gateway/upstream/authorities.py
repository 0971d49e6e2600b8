"""Whose certificates does a platform have to show? The machine's own authorities, or those of the settings."""

from __future__ import annotations

import ssl

from gateway.settings import Upstream

__all__ = ["authorities"]


def authorities(settings: Upstream) -> ssl.SSLContext:
    """Read the certificates of the authorities that are trusted; takes some ten milliseconds."""
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
