"""How does a test use a browser? By WebDriver, whose commands are JSON over HTTP: a few of them are all it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

__all__ = ["Browser", "browser"]

ENTER: Final = "\ue007"
ESCAPE: Final = "\ue00c"
DOWN: Final = "\ue015"
PASTE: Final = "\ue009v"
"""Keys, as WebDriver writes them; the last is Control with V."""

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)
_PATIENCE_S: Final = 60
_READY: Final = "was started successfully on port "


class Browser:
    """One window."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http = http
        self._session = session

    def command(self, path: str, content: dict[str, Any]) -> Any:
        """Run a command of WebDriver."""
        answer = self._http.post(f"/session/{self._session}/{path}", json=content)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def devtools(self, method: str, **parameters: Any) -> Any:
        """Run a command of the browser's own protocol."""
        return self.command("goog/cdp/execute", {"cmd": method, "params": parameters})

    def open(self, url: str) -> None:
        """Open a page, also if it is open already."""
        self.command("url", {"url": "about:blank"})
        self.command("url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a function body returns, awaited if it is a promise."""
        return self.command("execute/sync", {"script": script, "args": arguments})

    def type(self, keys: str) -> None:
        """Press keys, wherever the focus is."""
        (element,) = self.run("return [document.activeElement]")
        self.command(f"element/{next(iter(element.values()))}/value", {"text": keys})

    def click(self, selector: str) -> None:
        """Click on an element where a person would; it has to be visible and may not be covered."""
        element = self.command("element", {"using": "css selector", "value": selector})
        self.command(f"element/{next(iter(element.values()))}/click", {})

    def wide(self, width: int, height: int) -> None:
        """Be a screen of this size; a narrow one is a phone's."""
        mobile = width < 700
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )

    def prefer(self, scheme: str, medium: str = "screen") -> None:
        """Be on a system that is ``light`` or ``dark``, or on paper."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", media=medium, features=features)

    def complaints(self) -> list[str]:
        """Return what the console was told since the last time."""
        return [entry["message"] for entry in self.command("se/log", {"type": "browser"})]


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a browser; without its programs the test is skipped, and fails in CI."""
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or chromium is None:
        why = "needs chromium and chromedriver, of Debian's packages chromium and chromium-driver"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    with (
        tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder,
        _driver(driver) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=_PATIENCE_S) as http,
    ):
        session = _session(http, chromium, Path(folder))
        try:
            yield Browser(http, session)
        finally:
            http.delete(f"/session/{session}")


@contextmanager
def _driver(program: str) -> Iterator[str]:
    with subprocess.Popen(
        [program, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if _READY in line)
            yield f"http://127.0.0.1:{int(line.partition(_READY)[2].strip().rstrip('.'))}"
        finally:
            process.terminate()


def _session(http: httpx.Client, chromium: str, folder: Path) -> str:
    options = {"binary": chromium, "args": [*_FLAGS, f"--user-data-dir={folder}"]}
    wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    answer = http.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"]["sessionId"])
