"""An answer for an idempotency key told from the process that makes it to another one: what is told there comes here as
it comes there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from waypost.core.record import Outcome
from waypost.pipeline.shared import Listener, Shared

#: A longer piece is told in several.
_PIECE: Final = 1024 * 1024


class _Head(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    streamed: bool


class _Piece(msgspec.Struct, frozen=True, array_like=True, tag="piece"):
    body: bytes


class _End(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """It was told to its end."""

    outcome: Outcome
    error: str | None
    finish_reason: str | None


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Head | _Piece | _End)


class Retelling:
    """What one answer's other process is told. One reader."""

    def __init__(self, shared: Shared, listener: Listener | None) -> None:
        """`listener`: None where there is nothing to be told, and only its end is waited for."""
        self._shared = shared
        self._listener = listener
        self._rest = b""
        self._headed = False
        self._ended = False

    async def next(self) -> bytes:
        """The next piece; b"" behind the last one, and where it broke off."""
        shared, listener = self._shared, self._listener
        if listener is None:
            await shared.wait()
            return b""
        while not self._ended:
            over, told = shared.over, self._new(listener)
            if told is not None:
                return _ENCODER.encode(told)
            if over:
                return b""
            await listener.heard()
        return b""

    def leave(self) -> None:
        """Nobody there waits any more. Idempotent."""
        if self._listener is not None:
            self._shared.detach(self._listener)

    def _new(self, listener: Listener) -> _Head | _Piece | _End | None:
        shared = self._shared
        if not shared.status:
            return None
        if not self._headed:
            self._headed = True
            return _Head(shared.status, shared.headers, shared.streamed)
        over = shared.over
        self._rest = self._rest or listener.take()
        if self._rest:
            piece, self._rest = self._rest[:_PIECE], self._rest[_PIECE:]
            return _Piece(piece)
        if over and shared.complete:
            self._ended = True
            return _End(shared.outcome, shared.error, shared.finish_reason)
        return None


async def hear(shared: Shared, following: Callable[[], Awaitable[bytes]]) -> None:
    """Tell everybody here what is told there, up to its end."""
    while told := await following():
        heard = _DECODER.decode(told)
        if isinstance(heard, _Head):
            shared.begin_as(heard.status, heard.headers, streamed=heard.streamed)
        elif isinstance(heard, _Piece):
            shared.add(heard.body)
        else:
            shared.finish_as(heard.outcome, heard.error, heard.finish_reason)
