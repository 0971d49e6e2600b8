"""How do changed settings come into force without a restart? By SIGHUP, and for keys and certificates by themselves.

Files with keys and certificates are looked at every few seconds, and read once a change has settled. A settings file is
read when somebody says so. What cannot be used leaves in force what was, and is said once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gateway.live import Live, Snapshot, changed_but_not_applied, with_what_may_change
from gateway.server.tls import Certificates
from gateway.settings import Settings, SettingsProblems

__all__ = ["Reloading"]

LOG: Final = logging.getLogger("gateway.reload")

_Stamps = Mapping[Path, tuple[int, int, int] | None]


class Reloading:
    """Brings changes into force."""

    def __init__(self, live: Live, certificates: Certificates | None) -> None:
        self._live = live
        self._certificates = certificates
        # Files are read once more at the first look: they may have changed since the settings were loaded.
        self._read: _Stamps = {}
        self._seen: _Stamps = {}

    async def run(self) -> None:
        """Look at the files again and again."""
        while True:
            await asyncio.sleep(self._live.snapshot.settings.server.watch_s)
            self.look()

    def look(self) -> None:
        """Read keys and certificates whose files have changed, and not since the last look."""
        now = _stamps(_watched(self._live.snapshot.settings))
        if now == self._seen != self._read:
            self._read = now
            self._renew_certificates()
            self._renew_keys()
        self._seen = now

    async def reread(self, read: Callable[[], Settings]) -> None:
        """Bring into force what ``read`` gives, as far as it may change; it is called in another thread."""
        running = self._live.snapshot.settings

        def prepared() -> tuple[Settings, Snapshot]:
            given = read()
            return given, Snapshot.of(with_what_may_change(running, given))

        try:
            given, snapshot = await asyncio.to_thread(prepared)
        except SettingsProblems as error:
            _refused(error.problems)
            return
        self._live.replace(snapshot)
        self._renew_certificates()
        LOG.info("the settings are in force")
        for key in changed_but_not_applied(running, given):
            LOG.warning("%s: has changed and needs a restart", key)

    def _renew_certificates(self) -> None:
        try:
            if self._certificates is not None and self._certificates.renew():
                LOG.info("server.tls_cert_file: new connections see what the files hold now")
        except ValueError as error:
            _refused([f"server.tls_key_file: {error}"])

    def _renew_keys(self) -> None:
        before = self._live.snapshot.keys
        for name, operator in self._live.snapshot.settings.operators.items():
            try:
                ring = operator.ring()
            except ValueError as error:
                _refused([f"operators.{name}: {error}"])
                continue
            if ring != before[name]:
                self._live.replace_keys(name, ring)
                LOG.info("operators.%s: the keys that the files hold now are in force", name)


def _refused(problems: Iterable[str]) -> None:
    for problem in problems:
        LOG.error("%s; what was in force stays", problem)


def _watched(settings: Settings) -> Iterator[Path]:
    server = settings.server
    yield from (path for path in (server.tls_cert_file, server.tls_key_file, server.client_ca_file) if path)
    for operator in settings.operators.values():
        if operator.secret_file:
            yield operator.secret_file
        yield from (key.secret_file for key in operator.keys)


def _stamps(paths: Iterable[Path]) -> _Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ctime_ns, found.st_ino, found.st_size)
