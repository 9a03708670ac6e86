"""A chat answer as every dialect can say it."""

from __future__ import annotations

from enum import Enum

import msgspec

from waypost.core.request import Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.usage import Usage

ReplyPart = Text | Thinking | ToolCall | Media | Refusal | Opaque


class Finish(Enum):
    """Why a choice ended."""

    STOP = "stop"  # the model was done, or met a stop text
    LENGTH = "length"  # the output limit
    TOOLS = "tools"  # it waits for tool results
    FILTERED = "filtered"  # a safety filter of the provider
    REFUSED = "refused"  # the model itself declined
    PAUSED = "paused"  # a server-side tool is at work; send the answer back to go on
    OTHER = "other"  # only the dialect it came in has a word for it (in the choice's extras)

    # A member is only itself, and `Enum`'s own is written in Python.
    __hash__ = object.__hash__


class Choice(msgspec.Struct, frozen=True):
    """One answer. `finish` is None only for an answer that was cut."""

    index: int
    parts: tuple[ReplyPart, ...]
    finish: Finish | None
    extras: Extras | None = None
    stop_text: str | None = None
    """The stop text that was met, where the provider says so."""


class ChatResponse(msgspec.Struct, frozen=True):
    """The whole answer. `created` is Unix time in seconds; `usage` None when the provider did not say."""

    response_id: str
    model: str
    choices: tuple[Choice, ...]
    created: int | None = None
    usage: Usage | None = None
    tier: str | None = None
    extras: Extras | None = None
