"""The official Node SDK against the real process. Its tests are in `node/` and run by Node's own runner."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import GatewayProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]

NODE = Path(__file__).parent / "node"
#: Node may be the machine's own, or the one that `make test` put beside this interpreter.
PATH = f"{os.environ['PATH']}:{Path(sys.executable).parent}"
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
BY_HAND = f"Install Node 20 or newer (it brings npm), then: cd {NODE} && {' '.join(INSTALL)}"


@pytest.fixture(scope="module")
def installed() -> None:
    """The SDK as the lock has it. `make test` has installed it; this is for those who run pytest by itself."""
    for program in ("node", "npm"):
        if shutil.which(program, path=PATH) is None:
            pytest.fail(f"{program} is not on the PATH, so the Node SDK can not be tested. {BY_HAND}")
    stamp, lock = NODE / "node_modules" / ".package-lock.json", NODE / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(
        INSTALL, cwd=NODE, capture_output=True, text=True, timeout=120, env={**os.environ, "PATH": PATH}
    )
    if done.returncode:
        pytest.fail(f"npm ci failed. {BY_HAND}\n{done.stdout}{done.stderr}")


def test_the_node_sdk(installed: None, gateway: GatewayProcess) -> None:
    environ = {
        "PATH": PATH,
        "HOME": os.environ.get("HOME", ""),
        "WAYPOST_URL": f"{gateway.url}/v1",
        "WAYPOST_KEY": gateway.key,
        "WAYPOST_POOR_KEY": gateway.create_key("--name", "poor node", "--budget", "0.000001"),
        "WAYPOST_NARROW_KEY": gateway.create_key("--name", "narrow node", "--models", "sim-echo"),
    }
    files = sorted(path.name for path in NODE.glob("*.test.mjs"))
    assert len(files) == 4
    done = subprocess.run(
        ["node", "--test", *files], cwd=NODE, env=environ, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr}"
    assert "# pass 0" not in done.stdout


def test_the_lock_is_exact_and_names_no_host() -> None:
    lock = (NODE / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry." not in lock
    assert '": "^' not in (NODE / "package.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
