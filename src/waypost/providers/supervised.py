"""The local model's process, kept running: started, watched, started again on the same port, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path

from waypost.errors import OperatorError
from waypost.providers.smollm import local_model_available

READY_S = 30.0
STOP_S = 3.0
#: Pauses between starts after it ended by itself; the list's end is where it is given up.
RESTART_PAUSES_S = (0.2, 1.0, 5.0, 15.0, 60.0)
#: After a run of this length an end counts as the first one again.
STEADY_S = 600.0
_POLL_S = 0.02


class LocalModel:
    """Owns one child process. `start` once, `stop` once; both are for the event loop's thread.

    The port stays the same over restarts, so that a target made from it stays right.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ready_s: float = READY_S,
        pauses_s: Sequence[float] = RESTART_PAUSES_S,
        command: Sequence[str] | None = None,
    ) -> None:
        """`folder` holds the port file. `command` stands in for the real server in tests; it is given
        `--port-file` and, on a restart, `--port`."""
        self._port_file = folder / "local-model.port"
        self._ready_s = ready_s
        self._pauses_s = tuple(pauses_s)
        self._command = tuple(command or (sys.executable, "-m", "waypost.providers.smollm"))
        self._own = command is None
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._problem: str | None = "it was not started"
        self.port = 0
        self.restarts = 0

    @property
    def problem(self) -> str | None:
        """None while it is ready; otherwise what keeps it from being."""
        return self._problem

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def read_port(self) -> int:
        """The port of the process that another worker of the gateway runs. Raises OperatorError when it does not."""
        try:
            return int(self._port_file.read_text())
        except (OSError, ValueError):
            raise OperatorError("The local model does not run: worker 1, which starts it, has not.") from None

    async def start(self, port: int = 0) -> int:
        """Start the process and wait until it answers. Returns its port on 127.0.0.1. `port`: one to try first.

        Raises OperatorError when it is not installed, ends, or is not ready in time; nothing is left running.
        """
        reason = local_model_available() if self._own else None
        if reason is not None:
            raise OperatorError(f"The local model can not be started: {reason}.")
        try:
            self.port = port
            self.port = await self._launch()
        except OperatorError:
            if not port:
                raise
            self.port = 0
            self.port = await self._launch()
        self._watch = asyncio.get_running_loop().create_task(self._keep_running(), name="local-model")
        return self.port

    async def stop(self) -> None:
        """End the process and wait for its end. Idempotent."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        await self._end()
        self._problem = "it was stopped"

    async def _launch(self) -> int:
        self._port_file.unlink(missing_ok=True)
        port = ("--port", str(self.port)) if self.port else ()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                "--port-file",
                str(self._port_file),
                *port,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=DEVNULL,
                # A Ctrl-C in the terminal is for the gateway, which drains first.
                start_new_session=True,
            )
        except OSError:
            raise OperatorError(
                "The local model can not be started: the process could not be made."
            ) from None
        try:
            async with asyncio.timeout(self._ready_s):
                found = await self._read_port(self._process)
        except TimeoutError:
            await self._end()
            raise OperatorError(f"The local model was not ready within {self._ready_s:g} s.") from None
        except asyncio.CancelledError:
            await self._end()
            raise
        if found is None:
            await self._end()
            raise OperatorError("The local model ended while it was starting. `waypost doctor` shows why.")
        self._problem = None
        return found

    async def _read_port(self, process: Process) -> int | None:
        """The port once it is written; None when the process ends first."""
        while process.returncode is None:
            if self._port_file.exists():
                return int(self._port_file.read_text())
            await asyncio.sleep(_POLL_S)
        return None

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while self._process is not None:
            begun = loop.time()
            await self._process.wait()
            if loop.time() - begun >= STEADY_S:
                failures = 0
            self._problem = "it ended by itself and is being started again"
            ready = False
            while not ready:
                if failures >= len(self._pauses_s):
                    self._problem = "it ended by itself too often and is not started again"
                    return
                await asyncio.sleep(self._pauses_s[failures])
                failures += 1
                with contextlib.suppress(OperatorError):
                    await self._launch()
                    ready = True
            self.restarts += 1

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        # Not `asyncio.timeout`: before 3.11.3, in a task that is being cancelled, its end is taken for the cancelling.
        ended = asyncio.ensure_future(process.wait())
        if not (await asyncio.wait((ended,), timeout=STOP_S))[0]:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await ended
        self._port_file.unlink(missing_ok=True)
