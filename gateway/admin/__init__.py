"""What does whoever runs a gateway see of it? Metrics, liveness and readiness, on an address of their own."""

from gateway.admin.exposition import Exposition
from gateway.admin.keeping import kept
from gateway.admin.loop_lag import watched_loop
from gateway.admin.pages import admin_app
from gateway.admin.readiness import Readiness

__all__ = ["Exposition", "Readiness", "admin_app", "kept", "watched_loop"]
