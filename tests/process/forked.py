"""The real gateway in a process of its own, forked from one that has its modules loaded: a start costs a fifth.

What runs is `waypost serve`, as in `GatewayProcess`: its own process, a writer process that is started afresh as ever,
real signals. Only reading the modules is done once for all. For tests with very many starts.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

import msgspec

from gateway import GatewayProcess, Said
from process.nursery import Told, Wanted


class Nursery:
    """Forks command lines, and hears how they end."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lines = link.makefile("rb")
        self._ended: dict[int, int] = {}

    def fork(self, wanted: Wanted, output: int) -> int:
        """The process id. `output` becomes its standard output."""
        socket.send_fds(self._link, [msgspec.json.encode(wanted)], [output])
        while (told := self._hear()).status is not None:
            self._ended[told.pid] = told.status
        return told.pid

    def run(self, arguments: list[str], environ: dict[str, str], errors: Path) -> bytes:
        """What a command prints; `errors` is the file for its standard error."""
        reading, writing = os.pipe()
        pid = self.fork(Wanted(arguments, environ, str(errors)), writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as output:
            printed = output.read()
        self.wait(pid)
        return printed

    def wait(self, pid: int) -> int:
        """How it ended, as `subprocess` says it."""
        while pid not in self._ended:
            told = self._hear()
            assert told.status is not None
            self._ended[told.pid] = told.status
        return self._ended.pop(pid)

    def _hear(self) -> Told:
        line = self._lines.readline()
        assert line, "the nursery has ended"
        return msgspec.json.decode(line, type=Told)

    def close(self) -> None:
        self._lines.close()
        self._link.close()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """One, which ends with the block."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, str(Path(__file__).with_name("nursery.py")), str(theirs.fileno())]
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, pass_fds=(theirs.fileno(),), env={**os.environ, **paths}) as process:
        theirs.close()
        made = Nursery(ours)
        try:
            yield made
        finally:
            made.close()
            process.wait(20)


class ForkedGateway(GatewayProcess):
    """`begin` starts it without waiting for it, `ready` waits; `start` does both."""

    def __init__(
        self, made_by: Nursery, folder: Path, config: str, environ: dict[str, str] | None = None
    ) -> None:
        super().__init__(folder, config, environ)
        self._nursery = made_by
        self._pid = 0
        self._output: BufferedReader | None = None

    @property
    def pid(self) -> int:
        assert self._pid
        return self._pid

    def start(self) -> None:
        self.begin()
        self.ready()

    def begin(self) -> None:
        """It starts."""
        reading, writing = os.pipe()
        arguments = ["serve", "--data", str(self.data), "--config", str(self.config), "--port", "0", "--json"]
        self._pid = self._nursery.fork(Wanted(arguments, self._environ, str(self.log_file)), writing)
        os.close(writing)
        self._output = os.fdopen(reading, "rb")

    def ready(self) -> None:
        """Wait until it listens."""
        assert self._output is not None
        line = self._output.readline()
        if not line:
            self.kill()
            raise AssertionError(f"the gateway did not start: {self.log_file.read_text()[-2000:]}")
        said = msgspec.json.decode(line, type=Said)
        self.url = said.url
        self.key = said.key or self.key

    def strike(self) -> None:
        """SIGKILL, without waiting for what comes of it; it may have ended by itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def kill_hard(self) -> bool:
        """SIGKILL. False when it had ended by itself."""
        return self._end(signal.SIGKILL) == -signal.SIGKILL

    def _end(self, number: signal.Signals) -> int:
        pid, self._pid = self._pid, 0
        if not pid:
            return 0
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        status = self._nursery.wait(pid)
        assert self._output is not None
        self._output.close()
        return status
