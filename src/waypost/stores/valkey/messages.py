"""The form of what nodes tell each other, and of what is kept for those that join later.

A message is a JSON array: `[node, mark, [kind, provider, key_name, model, until]]`. It is published on the namespace's
channel and kept under a key of its own, which expires when it is over. What others wrote is not trusted: it is bounded,
its shape is checked, and its time is cut to a day.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from waypost.routing.health.changes import Change

PREFIX: Final = "waypost:health:v1:"
#: Bytes of one message. A model's name, which clients can make up, is the only long part.
MESSAGE_MOST: Final = 2048
#: Nobody is kept away from a target for longer by what others say, in seconds.
UNTIL_MOST_S: Final = 86_400.0
#: How long "well again" is kept for nodes that were cut off when it was said, in seconds.
WELL_KEPT_S: Final = 600.0

Subject = tuple[str, str, str, str]
"""What a change is about: kind, provider, credential, model."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One change, as one node found it."""

    node: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    mark: Annotated[str, Meta(max_length=16)]
    """Which address, and for a parking which credential, the names stand for: equal where they are."""
    change: Change


_DECODER = msgspec.json.Decoder(Message, strict=True)
_ENCODER = msgspec.json.Encoder()


def subject_of(change: Change) -> Subject:
    """What it is about."""
    return change.kind, change.provider, change.key_name, change.model


def channel_of(namespace: str) -> str:
    """Where changes are published."""
    return f"{PREFIX}{namespace}"


def key_of(namespace: str, change: Change) -> str:
    """Where the newest change about its subject is kept: of bounded length, whatever a model is called."""
    digest = blake2b(_ENCODER.encode(subject_of(change)), digest_size=16).hexdigest()
    return f"{PREFIX}{namespace}:{change.kind}:{digest}"


def pattern_of(namespace: str) -> str:
    """For SCAN. A namespace holds no character that has a meaning in a pattern."""
    return f"{PREFIX}{namespace}:*"


def kept_until(change: Change, wall: float) -> float:
    """When its key expires, in Unix seconds."""
    return change.until or wall + WELL_KEPT_S


def encode(message: Message) -> bytes | None:
    """None when it is too large to be told."""
    data = _ENCODER.encode(message)
    return data if len(data) <= MESSAGE_MOST else None


def decode(data: bytes, wall: float) -> Message | None:
    """What another node wrote; None when it is not what one would write, or over at `wall` (Unix seconds)."""
    if len(data) > MESSAGE_MOST:
        return None
    try:
        message = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    change = message.change
    whole = change.kind == "parked" or (change.model and not change.key_name)
    if not change.provider or not whole or (change.until != 0.0 and change.until <= wall):
        return None
    if change.until > wall + UNTIL_MOST_S:
        change = msgspec.structs.replace(change, until=wall + UNTIL_MOST_S)
        message = msgspec.structs.replace(message, change=change)
    return message
