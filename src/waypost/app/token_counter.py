"""Exact counts of tokens, from a process that is started for the first of them and ended when none was asked for a
while. The gateway itself holds no tokenizer."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from importlib.util import find_spec

import msgspec

from waypost.catalog.counting_process import SIZE, Answer, Question, frame
from waypost.core.encoding import Encoding
from waypost.stores.writer_process import bare_environment
from waypost.telemetry.logs import Log

MODULE = "waypost.catalog.counting_process"
#: Without a question for so long, the process ends and gives its 70 to 170 MB back.
IDLE_S = 300.0
#: A megabyte takes about 50 ms, and the worst text found 0.3 s; a start takes as long.
ANSWER_S = 5.0
#: Characters that are waited for at once, over all questions: what is beyond is estimated.
MOST_CHARACTERS = 16_000_000


class CountingProcess:
    """A `ports.TokenCounter`. Owns one child process; for the event loop's thread. `close` once."""

    def __init__(
        self,
        log: Log,
        *,
        installed: bool | None = None,
        command: Sequence[str] = (sys.executable, "-P", "-m", MODULE),
        answer_s: float = ANSWER_S,
        idle_s: float = IDLE_S,
    ) -> None:
        """`installed`: whether there is a tokenizer, None looks for one; `command` stands in for it in tests."""
        self._log = log
        self._installed = installed
        self._command = tuple(command)
        self._answer_s = answer_s
        self._idle_s = idle_s
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[int | None]] = {}
        self._characters = 0
        self._number = 0
        self._starting = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._process is None else self._process.pid

    async def count(self, encoding: Encoding, texts: Sequence[str]) -> int | None:
        """See `ports.TokenCounter`."""
        size = sum(map(len, texts))
        if not self._can_count() or self._characters + size > MOST_CHARACTERS:
            return None
        self._characters += size
        try:
            return await self._ask(encoding, texts)
        finally:
            self._characters -= size

    async def close(self) -> None:
        """End the process and wait for its end. Idempotent."""
        self._wake()
        process, reader = self._process, self._reader
        self._end()
        if reader is not None:
            await asyncio.wait((reader,))
        if process is not None:
            await process.wait()

    def _can_count(self) -> bool:
        if self._installed is None:
            self._installed = find_spec("tiktoken") is not None
        return self._installed

    async def _ask(self, encoding: Encoding, texts: Sequence[str]) -> int | None:
        self._number += 1
        number, loop = self._number, asyncio.get_running_loop()
        question = frame(Question(number, encoding, list(texts)))
        answer: asyncio.Future[int | None] = loop.create_future()
        process = None
        self._wake()
        try:
            async with asyncio.timeout(self._answer_s):
                process = await self._running()
                self._waiting[number] = answer
                assert process.stdin is not None  # noqa: S101 - it was made with a pipe
                process.stdin.write(question)
                await process.stdin.drain()
                return await answer
        except TimeoutError:
            if process is not None and process is self._process:
                # It may be at a text that it never finishes, and everybody behind it would wait too.
                self._log.warning(
                    "the token counter gave no answer in time and is ended", seconds=self._answer_s
                )
                self._end()
            return None
        except OSError as error:
            self._log.warning("the token counter can not be asked", error=type(error).__name__)
            return None
        finally:
            self._waiting.pop(number, None)
            self._rest()

    async def _running(self) -> Process:
        """The process, started if there is none. Raises OSError."""
        async with self._starting:
            if self._process is None:
                self._process = process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=DEVNULL,
                    env=bare_environment(),
                    # A Ctrl-C in the terminal is for the gateway, which drains first.
                    start_new_session=True,
                )
                self._reader = asyncio.get_running_loop().create_task(
                    self._read(process), name="token-counter"
                )
            return self._process

    async def _read(self, process: Process) -> None:
        """Hand out answers until the process ends; then nobody is left waiting for it. One that ends by itself before
        its first answer is broken, and is not started again."""
        answered = False
        assert process.stdout is not None  # noqa: S101 - it was made with a pipe
        with contextlib.suppress(asyncio.IncompleteReadError, msgspec.DecodeError):
            while True:
                size = await process.stdout.readexactly(SIZE)
                body = await process.stdout.readexactly(int.from_bytes(size, "big"))
                answer = msgspec.msgpack.decode(body, type=Answer)
                answered = True
                waiting = self._waiting.get(answer.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer.tokens)
        if process is self._process:
            if not answered:
                self._installed = False
                self._log.warning("the token counter does not start: counts are estimated from here on")
            self._end()
        await process.wait()

    def _end(self) -> None:
        process, self._process = self._process, None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # it holds nothing that would have to be written

    def _wake(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _rest(self) -> None:
        self._wake()
        if not self._waiting and self._process is not None:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._end)
