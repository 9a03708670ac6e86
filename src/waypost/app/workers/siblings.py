"""How workers ask each other: one question per connection, over Unix sockets in a folder of their
user's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

import waypost.errors
from waypost.errors import Bug, ConfigInvalid, GatewayError, NotFound, StoreUnavailable, UpstreamError
from waypost.telemetry.logs import Log

#: Until a sibling that is asked has to have answered: longer than an event loop is ever late.
PATIENCE_S: Final = 2.0
_LENGTH: Final = 4
_MOST: Final = 64 * 1024 * 1024
#: It is restarted, has just ended, or its event loop stands still.
_AWAY: Final = (OSError, TimeoutError, asyncio.IncompleteReadError)


class _Ask(msgspec.Struct, array_like=True, frozen=True):
    what: str
    body: bytes


class _Fault(msgspec.Struct, array_like=True, frozen=True):
    """An error, as it is made again on the other side."""

    name: str
    message: str
    param: str | None
    retry_after_s: float | None


class _Said(msgspec.Struct, array_like=True, frozen=True):
    body: bytes = b""
    fault: _Fault | None = None


class Events(msgspec.Struct, frozen=True):
    """An answer in pieces."""

    next: Callable[[], Awaitable[bytes]]
    """The next one; b"" behind the last one."""
    leave: Callable[[], None]
    """Nobody listens any more."""


Answer = Callable[[bytes], Awaitable[bytes]]
Follow = Callable[[bytes], Events]


class Room:
    """A worker's own door: what it answers its siblings."""

    def __init__(self, folder: Path, number: int, log: Log) -> None:
        self._path = _door(folder, number)
        self._log = log
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        #: By what is asked. A body is whatever the two sides agree on.
        self.answers: dict[str, Answer] = {}
        self.follows: dict[str, Follow] = {}

    async def open(self) -> None:
        """Begin to answer. Raises StoreUnavailable when the socket can not be made."""
        self._path.unlink(missing_ok=True)  # of the worker before in this place
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        except OSError as error:
            raise StoreUnavailable(
                f"The socket {self._path} for the other workers can not be made ({error.strerror}). Set TMPDIR to a "
                "folder on a local disk, with a shorter path."
            ) from None

    async def close(self) -> None:
        """Answer no more. Idempotent."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(*_AWAY):
                asked = msgspec.msgpack.decode(await _read(reader), type=_Ask)
                if asked.what in self.follows:
                    await self._tell_all(asked, reader, writer)
                else:
                    await _write(writer, await self._said(asked))
        finally:
            writer.close()

    async def _said(self, asked: _Ask) -> _Said:
        answer = self.answers.get(asked.what)
        try:
            if answer is None:
                raise Bug("A worker asked what its sibling does not know.")
            return _Said(await answer(asked.body))
        except GatewayError as error:
            return _Said(fault=_rendered(error))
        except Exception as error:  # noqa: BLE001 - told of here, and the other side gets an answer
            self._log.fault("a question of another worker could not be answered", error, what=asked.what)
            return _Said(fault=_rendered(Bug("A worker could not answer another one. The log says why.")))

    async def _tell_all(
        self, asked: _Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            events = self.follows[asked.what](asked.body)
        except GatewayError as error:
            await _write(writer, _Said(fault=_rendered(error)))
            return
        gone = asyncio.ensure_future(reader.read())  # the other side says nothing more: this is its end
        gone.add_done_callback(lambda _: events.leave())
        try:
            await _write(writer, _Said())
            while piece := await events.next():
                await _write(writer, _Said(piece))
            await _write(writer, _Said())
        finally:
            gone.cancel()
            events.leave()


class Siblings:
    """Asks the other workers of this gateway."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._folder = folder
        self.number = number
        self.others = tuple(each for each in range(1, count + 1) if each != number)

    async def ask(self, worker: int, what: str, body: bytes = b"", patience_s: float = PATIENCE_S) -> bytes:
        """What one of them answers. Raises its GatewayError, and StoreUnavailable when it does not answer."""
        try:
            async with asyncio.timeout(patience_s):
                reader, writer = await asyncio.open_unix_connection(_door(self._folder, worker))
                try:
                    await _write(writer, _Ask(what, body))
                    said = msgspec.msgpack.decode(await _read(reader), type=_Said)
                finally:
                    writer.close()
        except _AWAY:
            raise _away(worker) from None
        if said.fault is not None:
            raise _rebuilt(said.fault)
        return said.body

    async def ask_all(
        self, what: str, body: bytes = b"", patience_s: float = PATIENCE_S
    ) -> Mapping[int, bytes]:
        """What they answer, each at the same time; without those that do not."""
        told = await asyncio.gather(
            *(self.ask(each, what, body, patience_s) for each in self.others), return_exceptions=True
        )
        return dict(_answered(zip(self.others, told, strict=True)))

    async def follow(self, worker: int, what: str, body: bytes) -> Events:
        """An answer in pieces. Raises as `ask`, and NotFound where there is no such worker at the moment."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_unix_connection(_door(self._folder, worker))
                await _write(writer, _Ask(what, body))
                said = msgspec.msgpack.decode(await _read(reader), type=_Said)
        except (ConnectionRefusedError, FileNotFoundError):
            raise NotFound(f"Worker {worker} of this gateway does not run at the moment.") from None
        except _AWAY:
            raise _away(worker) from None
        if said.fault is not None:
            writer.close()
            raise _rebuilt(said.fault)

        async def following() -> bytes:
            try:
                return msgspec.msgpack.decode(await _read(reader), type=_Said).body
            except _AWAY:
                return b""  # it has ended: as a gateway that is gone

        return Events(following, writer.close)


def _answered(pairs: Iterator[tuple[int, bytes | BaseException]]) -> Iterator[tuple[int, bytes]]:
    for worker, told in pairs:
        if isinstance(told, bytes):
            yield worker, told
        elif not isinstance(told, GatewayError):
            raise told


def _door(folder: Path, number: int) -> Path:
    return folder / f"{number}.sock"


async def _write(writer: asyncio.StreamWriter, message: _Ask | _Said) -> None:
    data = msgspec.msgpack.encode(message)
    writer.write(len(data).to_bytes(_LENGTH, "big") + data)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    if size > _MOST:
        raise OSError("That is no message.")
    return await reader.readexactly(size)


def _away(worker: int) -> StoreUnavailable:
    return StoreUnavailable(
        f"Worker {worker} of this gateway does not answer: it is being started again. Try again in a moment.",
        retry_after_s=1.0,
    )


def _rendered(error: GatewayError) -> _Fault:
    return _Fault(type(error).__name__, error.message, error.param, error.retry_after_s)


def _rebuilt(fault: _Fault) -> GatewayError:
    made = getattr(waypost.errors, fault.name, Bug)
    if issubclass(made, ConfigInvalid | UpstreamError):  # those say more, and nobody answers them to a client
        made = Bug
    error: GatewayError = made(fault.message, param=fault.param, retry_after_s=fault.retry_after_s)
    return error
