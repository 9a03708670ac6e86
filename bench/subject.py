"""What is measured: an address that answers chat requests, and the processes behind it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.bodies import ANSWER, ask
from bench.running import free_port, running, until_ready

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
STATIC_MODEL = "sim-static"
"""The simulator's model that always answers the same bytes; the other upstreams take any name."""


@dataclass(frozen=True)
class Subject:
    """One column of the report."""

    name: str
    port: int
    pids: list[int]
    path: str = CHAT
    headers: list[dict[str, str]] = field(default_factory=lambda: [{}])
    stream_port: int = 0
    """Where streams are asked for, when it is not `port`."""
    model: str = "{}"
    """How a model of the upstream is spelled for this subject."""
    start_s: float = 0.0
    asks: Callable[..., str] = ask
    """How a request is written: in OpenAI's dialect, unless translating is what is measured."""

    def static_body(self) -> str:
        return self.asks(self.model.format(STATIC_MODEL))

    def paced_body(self, interval_ms: int, count: int) -> str:
        return self.asks(self.model.format(f"paced-{interval_ms}x{count}"), stream=True)


def nginx() -> str | None:
    """The nginx program, also where Debian puts it."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_body_buffer_size 64k;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {body}
}}
"""

_STATIC = """
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location = /ready {{ return 200 "ok"; }}
    location / {{ default_type application/json; return 200 '{answer}'; }} }}
"""

_PROXY = """
  upstream static {{ server 127.0.0.1:{static_port}; keepalive 1024; keepalive_requests 1000000000; }}
  upstream paced {{ server 127.0.0.1:{paced_port}; keepalive 1024; keepalive_requests 1000000000; }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 600s;
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location = /ready {{ return 200 "ok"; }}
    location / {{ proxy_pass http://static; }} }}
  server {{ listen 127.0.0.1:{stream_port} backlog=4096; location / {{ proxy_pass http://paced; }} }}
"""


@contextmanager
def _nginx_with(body: str, port: int) -> Iterator[int]:
    program = nginx()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, body=body), "utf-8")
        with running([program, "-p", folder, "-e", f"{folder}/error.log", "-c", str(config)]) as process:
            until_ready(process, port, "/ready")
            yield process.pid


@contextmanager
def paced_upstream() -> Iterator[Subject]:
    """The asyncio upstream: paces streams; also answers whole requests."""
    port = free_port()
    with running([sys.executable, "-m", "bench.upstream", str(port)]) as process:
        until_ready(process, port, "/ready")
        yield Subject("direct", port, [process.pid])


@contextmanager
def static_upstream(paced: Subject) -> Iterator[Subject]:
    """What answers whole requests: nginx where it is installed, which costs least, else the project's simulator."""
    port = free_port()
    if nginx() is None:
        with running([sys.executable, "-m", "waypost.simulator", "--port", str(port)]) as process:
            until_ready(process, port, "/healthz")
            yield Subject("direct", port, [process.pid], stream_port=paced.port)
        return
    with _nginx_with(_STATIC.format(port=port, answer=ANSWER.decode()), port) as pid:
        yield Subject("direct", port, [pid], stream_port=paced.port)


@contextmanager
def nginx_proxy(direct: Subject) -> Iterator[Subject | None]:
    """A bare nginx before the same upstreams: the limit of what a proxy can do. None where it is missing."""
    if nginx() is None:
        yield None
        return
    port, stream_port = free_port(), free_port()
    body = _PROXY.format(
        port=port, stream_port=stream_port, static_port=direct.port, paced_port=direct.stream_port
    )
    with _nginx_with(body, port) as pid:
        yield Subject("nginx", port, [pid], stream_port=stream_port)
