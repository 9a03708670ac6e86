"""Node's client SDKs over every dialect of a provider. The tests are in `node/dialects/`, run by Node's own runner."""

from __future__ import annotations

import os
import subprocess

import pytest

from gateway import GatewayProcess
from sdk.targets import TARGETS
from sdk.test_openai_node import NODE, PATH, installed

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]

__all__ = ["installed"]
FILES = ("ai", "anthropic", "google")


@pytest.mark.parametrize("file", FILES)
def test_a_node_sdk(installed: None, crossing: GatewayProcess, file: str) -> None:
    environ = {
        "PATH": PATH,
        "HOME": os.environ.get("HOME", ""),
        "WAYPOST_URL": crossing.url,
        "WAYPOST_KEY": crossing.key,
        "WAYPOST_TARGETS": ",".join(TARGETS),
        "AI_SDK_LOG_WARNINGS": "false",
    }
    done = subprocess.run(
        ["node", "--test", f"dialects/{file}.test.mjs"],
        cwd=NODE,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr}"
    assert "# pass 0" not in done.stdout


def test_every_file_is_run() -> None:
    assert sorted(path.name for path in (NODE / "dialects").glob("*.test.mjs")) == [
        f"{name}.test.mjs" for name in FILES
    ]
