"""What the gateway and the ledger's writer process say to each other over their socket pair.

Settled records do not go this way: they are in the intents files. A message is four bytes of length and MessagePack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from waypost.core.record import Exchange

_LENGTH_BYTES: Final = 4


class Task(msgspec.Struct, frozen=True):
    """What a writer is told on its command line. The link and the lock are open files it inherits."""

    data: str
    link: int
    lock: int
    fsync: bool
    delay_s: float
    worker: int = 0


class Wake(msgspec.Struct, tag="w", array_like=True, frozen=True):
    """To the writer: something was appended while it slept."""


class Hurry(msgspec.Struct, tag="h", array_like=True, frozen=True):
    """To the writer: somebody waits until everything is posted."""


class Ask(msgspec.Struct, tag="a", array_like=True, frozen=True):
    """To the writer: post everything that is in the files, then say what is posted to these accounts."""

    number: int
    account_ids: tuple[str, ...]


class Carry(msgspec.Struct, tag="c", array_like=True, frozen=True):
    """To the writer: an exchange that is not in the files as a whole. Its content never is; all of it is not when the
    disk was full."""

    number: int
    exchange: Exchange


class Drop(msgspec.Struct, tag="d", array_like=True, frozen=True):
    """To the writer: nothing needs this segment any more."""

    segment: str


class Applied(msgspec.Struct, tag="p", array_like=True, frozen=True):
    """From the writer: how far it is. `handled` counts the settled records of the segment that the journal has, or that
    were set aside."""

    segment: int
    handled: int
    stuck: int
    """Records set aside since it began, because the database refuses them or they can not be read."""
    failing: bool
    """The database does not answer."""
    idle: bool
    """It sleeps until it is woken."""


class Posted(msgspec.Struct, tag="q", array_like=True, frozen=True):
    """From the writer: the answer to an `Ask`; None when the database did not answer, with the reason."""

    number: int
    accounts: dict[str, int] | None
    fault: str = ""


class Taken(msgspec.Struct, tag="t", array_like=True, frozen=True):
    """From the writer: the journal has what was carried, or refuses it."""

    number: int
    refused: bool


class Ended(msgspec.Struct, tag="e", array_like=True, frozen=True):
    """From the writer: its last words, when a fault that nobody foresaw ends it."""

    reason: str


ToWriter = Wake | Hurry | Ask | Carry | Drop
FromWriter = Applied | Posted | Taken | Ended
Message = TypeVar("Message")


def render(message: ToWriter | FromWriter) -> bytes:
    """One message. Raises OverflowError for a number of more than 64 bits."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


class Frames(Generic[Message]):
    """Bytes as they arrive to whole messages."""

    def __init__(self, decode: Callable[[bytes], Message]) -> None:
        self._decode = decode
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete by now."""
        buffer = self._buffer
        buffer += data
        found: list[Message] = []
        start = 0
        while len(buffer) - start >= _LENGTH_BYTES:
            body = start + _LENGTH_BYTES
            end = body + int.from_bytes(buffer[start:body], "big")
            if len(buffer) < end:
                break
            found.append(self._decode(bytes(buffer[body:end])))
            start = end
        del buffer[:start]
        return found


def to_writer() -> Frames[ToWriter]:
    """Reads what the gateway says."""
    decoder: msgspec.msgpack.Decoder[ToWriter] = msgspec.msgpack.Decoder(ToWriter)
    return Frames(decoder.decode)


def from_writer() -> Frames[FromWriter]:
    """Reads what the writer says."""
    decoder: msgspec.msgpack.Decoder[FromWriter] = msgspec.msgpack.Decoder(FromWriter)
    return Frames(decoder.decode)
