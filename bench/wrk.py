"""wrk as the load: it asks as often as it is answered, and takes little of the machine for itself."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.measure import LoadFailed
from bench.subject import STATIC_MODEL, Subject


def require_wrk() -> None:
    """Raises LoadFailed where it is not installed."""
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not installed, and only it asks often enough. Debian: apt install wrk")


@contextmanager
def asking(
    subject: Subject, connections: int, seconds: float, *, model: str = STATIC_MODEL, pause_ms: int = 0
) -> Iterator[int]:
    """Requests on so many connections, with a pause after each answer that is `pause_ms` on average (were they all
    alike, all would ask at once), until the block ends or the time is over. The process id of wrk."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        script = Path(folder) / "ask.lua"
        lines = [
            'wrk.method = "POST"',
            f"wrk.body = {msgspec.json.encode(subject.asks(subject.model.format(model))).decode()}",
            'wrk.headers["content-type"] = "application/json"',
            *(f'wrk.headers["{name}"] = "{value}"' for name, value in subject.headers[0].items()),
            *([f"function delay() return math.random(0, {2 * pause_ms}) end"] if pause_ms else []),
        ]
        script.write_text("\n".join(lines), "utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script)]
        process = subprocess.Popen(
            [*command, f"http://127.0.0.1:{subject.port}{subject.path}"], stdout=subprocess.DEVNULL
        )
        try:
            yield process.pid
        finally:
            process.kill()
            process.wait()
