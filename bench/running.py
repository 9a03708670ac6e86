"""Start a process, wait until it serves, and be sure that it is gone afterwards."""

from __future__ import annotations

import ctypes
import http.client
import os
import resource
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter, sleep

from bench.usage import alive, tree

ROOT = Path(__file__).resolve().parent.parent
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl


class NotServing(RuntimeError):
    """A process ended, or did not serve in time; the message has the end of what it printed."""


def free_port() -> int:
    """A port that is free now, on 127.0.0.1."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _in_child() -> None:
    """Many sockets are allowed; and whatever ends the bench, even SIGKILL, ends its processes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


@contextmanager
def running(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, in a group of its own; its output goes to a temporary file. Killed when the block ends."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=_in_child,
        )
        try:
            yield process
        except NotServing as failure:
            output.seek(0)
            tail = output.read()[-2000:].decode("utf-8", "replace")
            raise NotServing(f"{failure}\n{tail}") from None
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and after 5 s SIGKILL, to the process and its children; then wait until none of them runs."""
    pids = tree([process.pid])
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5)
    until = perf_counter() + 5
    while any(alive(pid) for pid in pids) and perf_counter() < until:
        sleep(0.005)


def status(
    port: int, path: str, *, method: str = "GET", body: str = "", headers: Mapping[str, str] | None = None
) -> int:
    """The HTTP status of one request to 127.0.0.1; 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def until_ready(process: subprocess.Popen[bytes], port: int, path: str, *, within_s: float = 20.0) -> float:
    """Seconds until GET `path` answers 200. Raises NotServing."""
    began = perf_counter()
    while perf_counter() - began < within_s:
        if process.poll() is not None:
            raise NotServing(f"{process.args!r} ended with code {process.returncode}")
        if status(port, path) == 200:
            return perf_counter() - began
        sleep(0.005)
    raise NotServing(f"{process.args!r} did not answer {path} within {within_s:g} s")
