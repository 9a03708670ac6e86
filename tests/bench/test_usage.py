"""Processes are told apart by the module that they run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.usage import running_as, tree


@pytest.mark.process
def test_processes_are_found_by_the_module_they_run() -> None:
    command = [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()", "some.module"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert running_as("some.module", [process.pid]) == tree([process.pid]) == [process.pid]
        assert running_as("some", [process.pid]) == []
        process.communicate()
    assert running_as("some.module", [process.pid]) == []
