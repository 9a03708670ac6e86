"""Events to the whole answer, and the whole answer to events: not streaming is a fold over the stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from waypost.core.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    Used,
)
from waypost.core.request import Citation, Extras, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage


class _OpenPart:
    __slots__ = ("citations", "first", "pieces", "signature")

    def __init__(self, first: ReplyPart) -> None:
        self.first = first
        self.pieces: list[str] = []
        self.signature: str | None = None
        self.citations: list[Citation] = []

    def close(self) -> ReplyPart:
        text = "".join(self.pieces)
        first = self.first
        if isinstance(first, Text):
            citations = (*first.citations, *self.citations)
            return msgspec.structs.replace(first, text=first.text + text, citations=citations)
        if isinstance(first, Refusal):
            return msgspec.structs.replace(first, text=first.text + text)
        if isinstance(first, Thinking | ToolCall):
            signature = self.signature if self.signature is not None else first.signature
            if isinstance(first, Thinking):
                return msgspec.structs.replace(first, text=first.text + text, signature=signature)
            return msgspec.structs.replace(first, arguments=first.arguments + text, signature=signature)
        return first


class _OpenChoice:
    __slots__ = ("extras", "finish", "parts", "stop_text")

    def __init__(self) -> None:
        self.parts: dict[int, _OpenPart] = {}
        self.finish: Finish | None = None
        self.extras: Extras | None = None
        self.stop_text: str | None = None

    def close(self, index: int) -> Choice:
        parts = tuple(self.parts[number].close() for number in sorted(self.parts))
        return Choice(index, parts, self.finish, self.extras, self.stop_text)


class Fold:
    """Takes events one by one; `response()` is the answer so far, whole once the stream has ended."""

    __slots__ = ("_choices", "_started", "_usage", "failure")

    def __init__(self) -> None:
        self._started = Started("", "")
        self._choices: dict[int, _OpenChoice] = {}
        self._usage: Usage | None = None
        self.failure: Failed | None = None

    def take(self, event: Event) -> None:
        """Raises ValueError for a delta of a part that has not begun: a fault of the codec."""
        if isinstance(event, PartDelta):
            self._extend(event)
        elif isinstance(event, PartStarted):
            self._choice(event.choice).parts[event.part] = _OpenPart(event.value)
        elif isinstance(event, Started):
            self._started = event
        elif isinstance(event, Finished):
            choice = self._choice(event.choice)
            choice.finish, choice.extras, choice.stop_text = event.finish, event.extras, event.stop_text
        elif isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Failed):
            self.failure = event

    def _choice(self, index: int) -> _OpenChoice:
        return self._choices.setdefault(index, _OpenChoice())

    def _extend(self, event: PartDelta) -> None:
        part = self._choice(event.choice).parts.get(event.part)
        if part is None:
            raise ValueError(f"part {event.part} of choice {event.choice} has a delta before its start")
        part.pieces.append(event.text)
        if event.signature is not None:
            part.signature = event.signature
        if event.citation is not None:
            part.citations.append(event.citation)

    def response(self) -> ChatResponse:
        """What the events taken so far add up to."""
        started = self._started
        return ChatResponse(
            started.response_id,
            started.model,
            tuple(self._choices[index].close(index) for index in sorted(self._choices)),
            started.created,
            self._usage,
            started.tier,
            started.extras,
        )


def fold(events: Iterable[Event]) -> ChatResponse:
    """The answer that these events add up to. Raises ValueError as `Fold.take` does."""
    folding = Fold()
    for event in events:
        folding.take(event)
    return folding.response()


def unfold(response: ChatResponse) -> Iterator[Event]:
    """The events of a whole answer, one delta per part and one per citation; `fold` of them is the answer again."""
    yield Started(response.response_id, response.model, response.created, response.tier, response.extras)
    for choice in response.choices:
        for number, part in enumerate(choice.parts):
            first, text, signature = _split(part)
            yield PartStarted(choice.index, number, first)
            if text is not None:
                yield PartDelta(choice.index, number, text, signature)
            for citation in part.citations if isinstance(part, Text) else ():
                yield PartDelta(choice.index, number, citation=citation)
            yield PartEnded(choice.index, number)
        if choice.finish is not None:
            yield Finished(choice.index, choice.finish, choice.extras, choice.stop_text)
    if response.usage is not None:
        yield Used(response.usage)


def _split(part: ReplyPart) -> tuple[ReplyPart, str | None, str | None]:
    """A part as its start, and the text and signature of its one delta; no text: it has none."""
    if isinstance(part, Text):
        return msgspec.structs.replace(part, text="", citations=()), part.text, None
    if isinstance(part, Refusal):
        return msgspec.structs.replace(part, text=""), part.text, None
    if isinstance(part, Thinking):
        return msgspec.structs.replace(part, text="", signature=None), part.text, part.signature
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments="", signature=None), part.arguments, part.signature
    return part, None, None
