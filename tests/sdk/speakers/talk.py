"""What every client SDK can be asked, in words that are nobody's: each speaker says it with its own SDK's means.

A test asks for a `Talk` and never sees a request: the SDK's own types, helpers and accumulators make and read those.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

TIMEOUT_S = 20.0
LIMIT = 4096
"""The output limit where a client has to name one."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
"""What every tool of the tests takes."""


class Place(BaseModel):
    """The form of structured output."""

    city: str
    people: int
    coastal: bool


@dataclass(frozen=True)
class Wishes:
    """Everything that is set for a whole talk. What is empty is not sent."""

    system: str = ""
    tools: Sequence[str] = ()
    choice: str = ""
    """`none`, `any`, or the name of one tool."""
    limit: int | None = None
    stop: str = ""
    temperature: float | None = None
    schema: type[BaseModel] | None = None
    thinks: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of this SDK's own, for what only it has a word for."""


NOTHING = Wishes()


@dataclass(frozen=True)
class Call:
    """A tool call, as the SDK gave it."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """An answer's tokens. `input` is all of the prompt, `output` has the reasoning in it; None: the dialect, or its
    SDK, has no word for that."""

    input: int
    output: int
    cached: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True)
class Said:
    """An answer. `finish` is the dialect's own word."""

    text: str
    finish: str
    counted: Counted
    headers: Mapping[str, str]
    calls: Sequence[Call] = ()
    thinking: str = ""
    parsed: object = None
    pieces: int = 0
    """Of a stream: in how many pieces its text came."""


class Talk(ABC):
    """A conversation in the SDK's own types. `streams`: ask for streams, and let the SDK put them together."""

    def __init__(self, model: str, wishes: Wishes, streams: bool) -> None:
        self.model, self.wishes, self.streams = model, wishes, streams

    @abstractmethod
    def say(self, text: str, *, png: bytes | None = None) -> Said:
        """A user's turn, and the answer to it."""

    @abstractmethod
    def answer(self, results: Sequence[tuple[Call, str]]) -> Said:
        """The results of the last answer's calls, which go back together with it, and the answer to them."""


class Speaker(ABC):
    """A client SDK that is connected to a gateway. Use as a context manager."""

    name: str
    errors: Mapping[str, type[Exception]]
    """The SDK's own exception per kind of failure: `key`, `model`, `rate`, `down`, `busy`, `request`, `budget`."""
    stream_error: type[Exception]
    """What it raises for an error in the middle of a stream."""

    @abstractmethod
    def __enter__(self) -> Speaker: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def talk(self, model: str, wishes: Wishes = NOTHING, *, streams: bool = False) -> Talk:
        """A new conversation."""

    @abstractmethod
    def told(self, error: Exception) -> Told:
        """What of a failure the SDK passes on."""


@dataclass(frozen=True)
class Told:
    """An exception of an SDK: its status, its message, the dialect's own word for it, and the headers."""

    status: int
    message: str
    word: str
    headers: Mapping[str, str]
