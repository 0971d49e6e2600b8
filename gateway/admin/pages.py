"""Which pages are there for whoever runs a gateway? ``/metrics``, ``/livez`` and ``/readyz``; nothing on them is secret."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.admin.exposition import Exposition
from gateway.admin.readiness import OK, Readiness

__all__ = ["admin_app"]

_READY: Final = {True: ("ready", 200), False: ("not ready", 503)}


def admin_app(exposition: Exposition, readiness: Readiness) -> Starlette:
    """Return the ASGI application."""

    async def metrics(request: Request) -> Response:
        body, content_type = await exposition.scrape(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    async def livez(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> Response:
        checks = await readiness.checks()
        status, code = _READY[all(said == OK for said in checks.values())]
        return JSONResponse({"status": status, "checks": dict(checks)}, code)

    app = Starlette(routes=[Route("/metrics", metrics), Route("/livez", livez), Route("/readyz", readyz)])
    app.router.redirect_slashes = False
    return app
