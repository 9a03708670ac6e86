"""Where one target's answer broke off and another's goes on: one stream to the client, made of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as Set

import msgspec

from waypost.core.asked import Asked
from waypost.core.events import (
    Ending,
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    Used,
)
from waypost.core.markup import both
from waypost.core.request import Citation, Text, Thinking
from waypost.core.response import ReplyPart
from waypost.core.usage import Usage, sum_usage
from waypost.dialects.cross import CrossRelay
from waypost.dialects.dialect import Pricer, StreamParser, StreamRenderer
from waypost.errors import Failed as AnswerFailed
from waypost.errors import Unrepresentable

#: Characters that the end of one answer and the start of the next may have in common to be taken for a repetition, and
#: how far that is looked for. Fewer than the least are more often chance, as in `Mis|sissippi`.
OVERLAP_LEAST = 12
OVERLAP_MOST = 200

_ENCODER = msgspec.json.Encoder()


#: Writes a note (JSON) on a seam into the events that follow it.
Mark = Callable[[bytes, bytes], bytes]
_Told = PartStarted | PartDelta | PartEnded | Finished


class Seam(msgspec.Struct, frozen=True):
    """What is known of the answer that broke off. Targets are `provider/model`."""

    origin: str
    target: str
    """Who goes on."""
    usage: Usage
    """Of all attempts so far whose content the client got, or that were made to go on with it."""
    cost_nusd: int | None
    """What they cost; None: not known."""


class _Continued(msgspec.Struct):
    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    at_chars: int


class _Note(msgspec.Struct):
    continued: _Continued


def mark_nothing(out: bytes, note: bytes) -> bytes:
    """For dialects whose clients take nothing that they do not know."""
    del note
    return out


def mark_by_comment(out: bytes, note: bytes) -> bytes:
    """For clients that leave out the comments of an event stream (openai 3.52.0 and anthropic 2.14.0 for Python,
    `_streaming.py`)."""
    return b": waypost %b\n\n%b" % (note, out)


def mark_by_field(out: bytes, note: bytes) -> bytes:
    """For clients that leave out fields that they do not know: one more in the event's object."""
    return out.replace(b"data: {", b'data: {"waypost":%b,' % note, 1)


class Overlap:
    """Leaves out of what comes what was said already, word for word, at the end of `before`."""

    __slots__ = ("_held", "_tail", "trimmed")

    def __init__(self, before: str) -> None:
        self._tail = before[-OVERLAP_MOST:]
        self._held: str | None = ""
        self.trimmed = 0

    def feed(self, text: str) -> str:
        """What of it is new; "" while that can not be told."""
        if self._held is None:
            return text
        held = self._held = self._held + text
        place = self._tail.find(held)
        if place >= 0 and len(self._tail) - place >= max(OVERLAP_LEAST, len(held) + 1):
            return ""
        return self.end()

    @property
    def over(self) -> bool:
        """It is known what is new."""
        return self._held is None

    def end(self) -> str:
        """Nothing more comes: what is new of what was held back."""
        held, self._held = self._held or "", None
        for size in range(min(len(self._tail), len(held)), OVERLAP_LEAST - 1, -1):
            if self._tail.endswith(held[:size]):
                self.trimmed = size
                return held[size:]
        return held


class ContinuingRelay(CrossRelay):
    """A `StreamRelay` that can go on with another target's stream.

    The client sees one answer: parts are numbered on, a text that was open goes on, what begins an answer is told once.
    Reasoning of a target that goes on is left out: the client has that of the first. `usage`, `partial`, `deltas` and
    `committed` are those of the stream under way; what the client is told at the end is the sum.
    """

    __slots__ = (
        "_chars",
        "_cost_before",
        "_held_part",
        "_mark",
        "_merge",
        "_note",
        "_open",
        "_overlap",
        "_parts",
        "_places",
        "_queue",
        "_said",
        "_shift",
        "_spoiled",
        "_usage_before",
        "_waiting",
    )

    def __init__(
        self, asked: Asked, price: Pricer, parser: StreamParser, renderer: StreamRenderer, mark: Mark
    ) -> None:
        super().__init__(asked, price, parser, renderer)
        self._mark = mark
        #: Text that the client got.
        self._said: list[str] = []
        #: It got what no other target can go on from.
        self._spoiled = False
        #: How many parts were begun for the client; those that are open; and which of them each part of the stream
        #: under way is (None: it is left out).
        self._parts = 0
        self._open: dict[int, ReplyPart] = {}
        self._places: dict[int, int | None] = {}
        #: Characters of the text that is open, and where citations of the stream under way begin to count in it.
        self._chars = self._shift = 0
        #: The text that was open at the seam.
        self._merge: int | None = None
        #: After a seam, until there is something to show of the new stream; and what is shown before that then.
        self._waiting = False
        self._queue: list[Event] = []
        self._held_part = 0
        self._overlap: Overlap | None = None
        self._note = b""
        self._usage_before: Usage | None = None
        self._cost_before: int | None = 0

    @property
    def said(self) -> str:
        """The text that the client got so far."""
        return "".join(self._said)

    @property
    def continuable(self) -> bool:
        """Another target can go on: the client got text or reasoning only, and no end."""
        return not (self._spoiled or self.finished)

    def switch(self, asked: Asked, price: Pricer, parser: StreamParser, seam: Seam) -> None:
        """Go on with another target's stream, which was `asked` for."""
        said = self.said
        self._asked, self._price, self._parser = asked, price, parser
        self._usage_before, self._cost_before = seam.usage, seam.cost_nusd
        self._note = _ENCODER.encode(_Note(_Continued(seam.origin, seam.target, len(said))))
        self._overlap = Overlap(said)
        self._waiting = True
        self._merge = next((place for place, value in self._open.items() if isinstance(value, Text)), None)
        self._places = {}
        self._queue = []
        self._shift = 0
        self.committed = False
        self.failure = self.usage = self.tier = self._seen = None
        self.deltas = self._size = 0

    def _carry(self, events: list[Event]) -> bytes:
        out: list[bytes] = []
        try:
            for event in events:
                self._meter(event)
                self._take(event, out)
            self.failure = self._parser.failure
            if self._parser.finished and self.failure is None:
                self._release(out)
                self._resume(out)
                self._last(out)
        except Unrepresentable as error:
            self.failure = AnswerFailed(error.message)
        if self._waiting:
            self.committed = False
        return b"".join(out)

    def _last(self, out: list[bytes]) -> None:
        self.finished = self.committed = True
        self.usage = self._seen
        usage = self._seen or msgspec.structs.replace(self.partial(), source="estimated")
        cost = self._price(usage, self.tier)
        if self._usage_before is not None:
            usage = sum_usage(self._usage_before, usage)
            cost = both(cost, self._cost_before)
        self._put(self._renderer.end(usage, cost), out)

    # --- before a seam, and behind it ---

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Ending):
            self._spoiled = True  # the model was done: it would be asked for more than there is
        elif self._usage_before is None:
            if isinstance(event, Started) and not event.model:
                event = msgspec.structs.replace(event, model=self._asked.model)
            if not isinstance(event, Failed):  # told once, by `fail`, and not at all before the commit point
                self._show(event, out)
        elif not isinstance(event, Failed | Started | Used):
            for single in _apart(event):
                self._go_on(single, out)

    def _go_on(self, event: _Told, out: list[bytes]) -> None:
        """An event of a target that goes on."""
        if isinstance(event, PartStarted):
            self._start(event, out)
        elif isinstance(event, Finished):
            self._release(out)
            self._resume(out)
            self._close_all(out)
            self._show(event, out)
        elif self._places.get(event.part, 0) is None:
            return  # reasoning
        elif isinstance(event, PartDelta) and event.text:
            self._held_part = event.part
            text = event.text if self._overlap is None else self._overlap.feed(event.text)
            self._new_text(text, out)
        else:
            if isinstance(event, PartEnded):
                self._release(out)
            if not self._waiting:
                self._show(event, out)
            elif event.part not in self._places or isinstance(event, PartDelta):
                self._queue.append(event)

    def _start(self, event: PartStarted, out: list[bytes]) -> None:
        if isinstance(event.value, Thinking):
            self._places[event.part] = None
        elif not isinstance(event.value, Text):
            self._release(out)
            self._resume(out)
            self._close_all(out)
            self._show(event, out)
        elif self._merge in self._open:
            self._places[event.part], self._shift = self._merge, self._chars
        elif self._waiting:
            self._queue.append(event)
        else:
            self._show(event, out)

    def _release(self, out: list[bytes]) -> None:
        """No more text comes that could be a repetition: show what was held back."""
        if self._overlap is not None:
            self._new_text(self._overlap.end(), out)

    def _new_text(self, text: str, out: list[bytes]) -> None:
        if self._overlap is not None and self._overlap.over:
            self._shift -= self._overlap.trimmed
            self._overlap = None
        if text:
            self._resume(out)
            self._show(PartDelta(0, self._held_part, text), out)

    def _resume(self, out: list[bytes]) -> None:
        """There is something to show of the new stream: from here on no other target may answer."""
        if self._waiting:
            self._waiting = False
            self.committed = True
            going_on = {place for place in self._places.values() if place is not None}
            self._close_all(out, but=going_on)
            for event in self._queue:
                self._show(event, out)
            self._queue = []

    def _close_all(self, out: list[bytes], but: Set[int] = frozenset()) -> None:
        """End what is open."""
        for place in [place for place in self._open if place not in but]:
            del self._open[place]
            self._put(self._renderer.render(PartEnded(0, place)), out)

    # --- to the client ---

    def _show(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, PartStarted):
            event = self._begin(event)
        elif isinstance(event, PartDelta | PartEnded):
            place = self._places.get(event.part)
            if place is None or place not in self._open:
                return
            event = self._end(place) if isinstance(event, PartEnded) else self._more(place, event)
        elif isinstance(event, Finished):
            self._spoiled = True
        self._put(self._renderer.render(event), out)

    def _begin(self, event: PartStarted) -> PartStarted:
        place, value = self._parts, event.value
        self._parts += 1
        self._places[event.part] = place
        self._open[place] = value
        if isinstance(value, Text):
            self._said.append(value.text)
            self._chars = len(value.text)
            if self._overlap is None:
                self._shift = 0
        elif not isinstance(value, Thinking):
            self._spoiled = True
        if event.choice:
            self._spoiled = True
        return PartStarted(event.choice, place, value)

    def _more(self, place: int, event: PartDelta) -> PartDelta:
        if isinstance(self._open[place], Text):
            self._said.append(event.text)
            self._chars += len(event.text)
        if place == event.part and not self._shift:
            return event
        citation = event.citation and _moved(event.citation, self._shift)
        return msgspec.structs.replace(event, part=place, citation=citation)

    def _end(self, place: int) -> PartEnded:
        del self._open[place]
        return PartEnded(0, place)

    def _put(self, piece: bytes, out: list[bytes]) -> None:
        if piece and self._note:
            piece, self._note = self._mark(piece, self._note), b""
        out.append(piece)


def _apart(event: Event) -> Iterator[_Told]:
    """A text that begins with words, as its beginning and its words."""
    if isinstance(event, PartStarted) and isinstance(event.value, Text):
        value = event.value
        yield PartStarted(event.choice, event.part, msgspec.structs.replace(value, text="", citations=()))
        if value.text:
            yield PartDelta(event.choice, event.part, value.text)
        for citation in value.citations:
            yield PartDelta(event.choice, event.part, citation=citation)
    elif isinstance(event, PartStarted | PartDelta | PartEnded | Finished):
        yield event


def _moved(citation: Citation, by: int) -> Citation:
    if citation.start is None or citation.end is None:
        return citation
    return msgspec.structs.replace(citation, start=max(0, citation.start + by), end=max(0, citation.end + by))
