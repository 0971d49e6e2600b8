"""Over which connections do requests travel? The seam between the gateway and an HTTP client.

The seam is ``httpx.AsyncBaseTransport``: the platform call hands it a request and reads the answer, without the client
layer of cookies, redirects, proxies and URL merging. Whatever stands behind it reports how far a request got through
httpcore's ``trace`` extension.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpx

from gateway.settings import Upstream

__all__ = ["OpenTransport", "Transport", "open_transport"]

Transport = httpx.AsyncBaseTransport
OpenTransport = Callable[[Upstream], Transport]


def open_transport(settings: Upstream) -> Transport:
    """Return httpx's own transport: TLS verified, no proxy from the environment, no retries, no redirects."""
    limits = httpx.Limits(
        max_connections=settings.max_connections,
        max_keepalive_connections=settings.max_connections,
        keepalive_expiry=settings.keepalive_s,
    )
    cafile = str(settings.ca_file) if settings.ca_file else None
    context = ssl.create_default_context(cafile=cafile)
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, retries=0)
