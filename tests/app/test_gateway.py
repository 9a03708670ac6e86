"""The gateway's life as a process: what a start does, what an end leaves."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess, config_for

pytestmark = pytest.mark.process

QUIET = config_for("http://127.0.0.1:9/v1")


def test_the_first_key_is_shown_once_and_then_reused(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, QUIET)
    with gateway:
        first = gateway.key
        assert first.startswith("sk-wp-")
        stored = gateway.query("SELECT digest, hint FROM key_secrets")
    with gateway:
        assert gateway.key == first, "a second start prints no key"
        assert gateway.query("SELECT digest, hint FROM key_secrets") == stored
    assert first.encode() not in (gateway.data / "waypost.db").read_bytes()


def test_a_start_that_fails_does_not_use_up_the_first_key(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, QUIET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*gateway.command("serve"), "--config", str(gateway.config), "--port", port],
            capture_output=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert port.encode() in done.stderr
    with gateway:
        assert gateway.key.startswith("sk-wp-")


def test_two_gateways_never_share_a_data_folder(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, QUIET)
    with gateway:
        done = subprocess.run(
            [*gateway.command("serve"), "--config", str(gateway.config), "--port", "0"],
            capture_output=True,
            timeout=30,
        )
        assert done.returncode == 1
        assert str(gateway.pid).encode() in done.stderr


def test_a_clean_stop_leaves_nothing_to_recover(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, QUIET)
    gateway.start()
    assert gateway.stop() == 0
    gateway.start()
    assert gateway.stop() == 0
    assert "recovered" not in gateway.log_file.read_text()


def test_the_log_is_json_unless_it_is_for_a_terminal(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, QUIET)
    with gateway:
        gateway.config.write_text("nonsense: 1")
        os.kill(gateway.pid, signal.SIGHUP)
        line = _line_with(gateway.log_file, "old one stays in force")
    assert msgspec.json.decode(line)["level"] == "error"


def test_closing_its_terminal_stops_it(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, QUIET)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*gateway.command("serve"), "--config", str(gateway.config), "--port", "0"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(theirs)
    shown = b""
    while b"curl" not in shown:
        shown += os.read(ours, 4096)
    os.close(ours)
    assert process.wait(timeout=30) == 0


def _line_with(file: Path, text: str) -> str:
    for _ in range(1000):
        for line in file.read_text().splitlines():
            if text in line:
                return line
        time.sleep(0.01)  # the log is written by another process
    raise AssertionError(f"{text!r} never came: {file.read_text()}")
