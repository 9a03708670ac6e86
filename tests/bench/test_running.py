"""Nothing that the bench starts outlives it."""

from __future__ import annotations

import os
import sys

import pytest

from bench import running
from bench.running import NotServing
from bench.usage import alive, cpu_s, rss_mb, tree

SLEEPER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


def test_a_process_and_its_child_end_with_the_block() -> None:
    with running.running([sys.executable, "-c", SLEEPER]) as process:
        while len(tree([process.pid])) < 2:
            assert process.poll() is None
        pids = tree([process.pid])
        assert rss_mb([process.pid]) > 1
        assert cpu_s([process.pid]) >= 0
    assert not any(alive(pid) for pid in pids)


def test_one_that_ends_early_is_told_with_what_it_printed() -> None:
    command = [sys.executable, "-c", "print('no such option'); raise SystemExit(2)"]
    with (
        pytest.raises(NotServing, match=r"ended with code 2(.|\n)*no such option"),
        running.running(command) as process,
    ):
        running.until_ready(process, running.free_port(), "/", within_s=30)


def test_nobody_listening_is_status_0() -> None:
    assert running.status(running.free_port(), "/") == 0


def test_a_process_that_is_gone_uses_nothing() -> None:
    with running.running([sys.executable, "-c", ""]) as process:
        process.wait(30)
    assert cpu_s([process.pid]) == 0
    assert os.getpid() in tree([os.getpid()])
