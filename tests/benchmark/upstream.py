"""What does the platform answer here? nginx gives the same ticket at once, after 50 ms or a second, and a long list."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["TICKET", "Upstream", "upstream"]

TICKET: Final[dict[str, Any]] = {
    "id": "64f1c0ffee1234567890abcd",
    "code": "QT7KXW2M",
    "price": 10000,
    "stake": 8889,
    "currency": "KES",
    "gross_payout": 45000,
    "net_payout": 36000,
    "wht_amount": 9000,
    "wht": 20.5,
    "ext_amount": 1111,
    "ext": 12.5,
    "ext_type": "inclusive",
    "status": "open",
    "result": "pending",
    "approved": True,
    "source": "mobile",
    "type": "quicktip",
    "user_id": "u-20394857",
    "created": "2026-03-14T15:09:26.535897",
    "odds": 5.06,
}
"""Twenty fields, as the platform spells them."""

_LIST_BYTES: Final = 1_048_000
"""How long the list is, a little less than the gateway reads."""

_DELAYING: Final = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
_START_S: Final = 10.0
_CONFIG: Final = """\
{module}
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen 127.0.0.1:{instant} backlog=4096;
    location = /be/list/be/tickets {{ root {home}; try_files /tickets.json =404; }}
    location / {{ return 200 '{answer}'; }}
  }}
{slow}
}}
"""
_SLOW: Final = """\
  server {{
    listen 127.0.0.1:{slow} backlog=4096;
    location / {{ echo_sleep 0.05; echo_exec @answer; }}
    location /second {{ echo_sleep 1; echo_exec @answer; }}
    location @answer {{ return 200 '{answer}'; }}
  }}
"""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where it answers; ``slow`` takes 50 ms, ``second`` a second; both are None where nginx cannot wait."""

    url: str
    lists: str
    slow: str | None
    second: str | None


@contextmanager
def upstream(home: Path) -> Iterator[Upstream]:
    """Run nginx."""
    answer = json.dumps(TICKET, separators=(",", ":"))
    (home / "tickets.json").write_text(f"[{','.join([answer] * (_LIST_BYTES // (len(answer) + 1)))}]")
    home.chmod(0o755)
    instant, slow = _free_ports(2)
    can_wait = _DELAYING.exists()
    config = home / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            module=f"load_module {_DELAYING};" if can_wait else "",
            home=home,
            instant=instant,
            answer=answer,
            slow=_SLOW.format(slow=slow, answer=answer) if can_wait else "",
        )
    )
    with subprocess.Popen(["nginx", "-c", config, "-p", home, "-e", home / "nginx.log"]) as process:
        try:
            _wait(instant)
            fast, late = f"http://127.0.0.1:{instant}", f"http://127.0.0.1:{slow}"
            yield Upstream(fast, f"{fast}/be/list", late if can_wait else None, f"{late}/second" if can_wait else None)
        finally:
            process.kill()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]


def _wait(port: int) -> None:
    ends = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
        else:
            return
