"""Who is told what happens in a gateway? Sinks and the admin listener, as far as the settings ask for them.

What they do not ask for is not even imported.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from gateway.http_listener import listening
from gateway.ledger.ledger import Ledger
from gateway.settings import Settings
from gateway.telemetry import Sink, Telemetry

if TYPE_CHECKING:
    from gateway.telemetry.metrics import Metrics

__all__ = ["Insight", "insight"]

_VERSION: Final = version("betstack-gateway")


@dataclass(frozen=True, slots=True)
class Insight:
    """What a gateway tells about itself."""

    settings: Settings
    telemetry: Telemetry
    metrics: Metrics | None = field(repr=False)

    @asynccontextmanager
    async def administered(
        self, ledger: Ledger, is_serving: Callable[[], bool], clock: Callable[[], float]
    ) -> AsyncIterator[str | None]:
        """Serve the admin pages where the settings say so; gives the address. Raises OSError where it is taken."""
        listen = self.settings.admin.listen
        if listen is None or self.metrics is None:
            yield None
            return
        from gateway.admin import Exposition, Readiness, admin_app, kept, watched_loop  # noqa: PLC0415 - see above

        exposition = Exposition(self.metrics, ledger, self.settings.operators, _VERSION, clock)
        is_shared = self.settings.server.workers > 1
        app = admin_app(exposition, Readiness(ledger, is_serving))
        async with (
            watched_loop(self.telemetry),
            kept(self.metrics),
            listening(app, listen, shared=is_shared) as address,
        ):
            yield address


@asynccontextmanager
async def insight(settings: Settings) -> AsyncIterator[Insight]:
    """Make the sinks that the settings ask for; at the end the last spans are sent."""
    async with AsyncExitStack() as stack:
        sinks: list[Sink] = []
        metrics = None
        if settings.admin.listen is not None:
            from gateway.telemetry.metrics import Metrics  # noqa: PLC0415

            metrics = Metrics(settings.operators)
            sinks.append(metrics)
        if settings.traces.otlp_endpoint is not None:
            from gateway.telemetry.spans import Spans  # noqa: PLC0415

            spans = Spans(settings.traces.otlp_endpoint, settings.traces.sample, _VERSION)
            stack.push_async_callback(spans.close)
            sinks.append(spans)
        yield Insight(settings, Telemetry(sinks), metrics)
