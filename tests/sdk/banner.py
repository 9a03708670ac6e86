"""`waypost serve` as a person starts it, and what it prints for them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_COMMAND = [sys.executable, "-c", "from waypost.cli.entry import run; run()", "serve", "--port", "0"]
_LAST = "  -d '"


@dataclass(frozen=True)
class Banner:
    """The printed text and its parts. `key` is None when none was printed; `curl` is a line for a shell."""

    text: str
    base_url: str
    key: str | None
    curl: str


@contextmanager
def served(folder: Path, config: str) -> Iterator[Banner]:
    """Start it in `folder` with nothing of ours in the environment, read its banner, and stop it at the end."""
    (folder / "waypost.yaml").write_text(config)
    environ = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    command = [*_COMMAND, "--data", str(folder / "data"), "--config", str(folder / "waypost.yaml")]
    with (
        (folder / "gateway.log").open("ab") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=environ, text=True
        ) as process,
    ):
        try:
            yield _read(process, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()


def _read(process: subprocess.Popen[str], folder: Path) -> Banner:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.startswith(_LAST):
            break
    text = "".join(lines)
    assert _LAST in text, f"it printed {text!r} and {(folder / 'gateway.log').read_text()[-2000:]!r}"
    base_url = re.search(r"Base URL  (\S+)", text)
    key = re.search(r"API key   (sk-wp-\S+)", text)
    assert base_url is not None
    return Banner(text, base_url[1], key and key[1], text[text.index("curl http") :])
