"""A streamed answer to the core's events.

Google marks no borders: texts of one kind that follow each other are one part, and a call comes whole. A finish reason
is no border either: chunks with counts, sources or more content may follow it, and another reason with them. So a
candidate ends where its stream does, with its body, and for the last reason given. Streams of Google's with STOP in
every chunk: https://github.com/BerriAI/litellm/issues/2195, https://github.com/songquanpeng/one-api/issues/1408
(2026-11-26).
"""

from __future__ import annotations

import msgspec

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
from waypost.core.request import Citation, Extras, Text, Thinking, ToolCall
from waypost.core.response import Finish, ReplyPart
from waypost.dialects.fields import Fields
from waypost.dialects.garbage import Garbage
from waypost.dialects.gemini.errors import find_error, parse_inline
from waypost.dialects.gemini.usage import parse_tier, parse_usage
from waypost.dialects.gemini_generate.finish import FIELD, read_finish
from waypost.dialects.gemini_generate.grounding import read_sources
from waypost.dialects.gemini_generate.own import MAKER, NAME, Taking
from waypost.dialects.gemini_generate.plain import read_event
from waypost.dialects.gemini_generate.response import block_reason, calls_of, parse_reply_part
from waypost.dialects.sse import SseEvent, SseParser
from waypost.dialects.taking import INTEGER, TEXT, object_or_none
from waypost.errors import Garbled, Truncated, UpstreamError


class _OpenChoice:
    """What of one candidate is under way: at most one part is open, a text or a thought. A text stays open while calls
    follow it: its sources come with the end."""

    __slots__ = (
        "calls",
        "cited",
        "has_calls",
        "held",
        "index",
        "open",
        "part",
        "parts",
        "reason",
        "signed",
        "text",
    )

    def __init__(self, index: int, response_id: str) -> None:
        self.index = index
        self.calls = calls_of(response_id, index)
        self.parts = 0
        #: The number of the open part.
        self.part = 0
        self.open: type[Text] | type[Thinking] | None = None
        self.text = ""
        self.held: Thinking | None = None
        self.cited: set[Citation] = set()
        #: The open part has its signature: what follows is another one.
        self.signed = False
        self.has_calls = False
        #: The last word for why it ended.
        self.reason: msgspec.Raw | None = None

    def take(self, part: ReplyPart, out: list[Event]) -> None:
        """A part, or more of the open one."""
        if isinstance(part, Thinking) and not part.text and self.open is Thinking:
            self.signed = True
            out.append(PartDelta(self.index, self.part, "", part.signature))
        elif isinstance(part, Thinking) and not part.text:
            self.held = part  # signs the text before it; told once that text is over, with its sources
        elif isinstance(part, Text | Thinking):
            self._text(part, out)
        else:
            if self.open is not Text or self.held is not None:
                self.close(out)
            self._whole(part, out)

    def _text(self, part: Text | Thinking, out: list[Event]) -> None:
        apart = self.held is not None or self.signed or self.part != self.parts - 1
        if self.open is not type(part) or apart:
            self.close(out)
            self.open, self.part = type(part), self.parts
            self._start(Text("") if isinstance(part, Text) else Thinking("", maker=MAKER), out)
        self.text += part.text
        signature_text = part.signature if isinstance(part, Thinking) else None
        self.signed = signature_text is not None
        out.append(PartDelta(self.index, self.part, part.text, signature_text))

    def goes_on(self) -> bool:
        """More text is more of the part that is open."""
        return self.open is Text and self.held is None and not self.signed and self.part == self.parts - 1

    def _whole(self, part: ReplyPart, out: list[Event]) -> None:
        if isinstance(part, ToolCall):
            self.has_calls = True
            self._start(msgspec.structs.replace(part, arguments=""), out)
            out.append(PartDelta(self.index, self.parts - 1, part.arguments))
        else:
            self._start(part, out)
        out.append(PartEnded(self.index, self.parts - 1))

    def cite(self, candidate: Fields, out: list[Event]) -> None:
        """The sources of the open text."""
        if self.open is not Text:
            return
        for _, citation in read_sources(candidate, {self.part: self.text}):
            if citation not in self.cited:
                self.cited.add(citation)
                out.append(PartDelta(self.index, self.part, citation=citation))

    def _start(self, first: ReplyPart, out: list[Event]) -> None:
        out.append(PartStarted(self.index, self.parts, first))
        self.parts += 1

    def close(self, out: list[Event]) -> None:
        """Nothing more of the open part will come."""
        if self.open is not None:
            out.append(PartEnded(self.index, self.part))
        self.open, self.text, self.signed, held, self.held = None, "", False, self.held, None
        if held is not None:
            self._start(msgspec.structs.replace(held, signature=None, extras=None), out)
            out.append(PartDelta(self.index, self.parts - 1, "", held.signature))
            out.append(PartEnded(self.index, self.parts - 1))

    def end_for(self, word: msgspec.Raw | None, out: list[Event]) -> None:
        """It has a reason to end, the last one so far. A word that is none changes nothing."""
        if read_finish(word, has_calls=False)[0] is None:
            return
        if self.reason is None:
            out.append(Ending(self.index))
        self.reason = word

    def finish(self, out: list[Event]) -> None:
        """Nothing more comes: it has ended, if it was given a reason."""
        finish, keep_word = read_finish(self.reason, self.has_calls)
        if finish is None or self.reason is None:
            return
        self.close(out)
        extras = Extras(NAME, {FIELD: self.reason}) if keep_word else None
        out.append(Finished(self.index, finish, extras))


class GeminiStreamParser:
    """A `StreamParser`."""

    __slots__ = (
        "_blocked",
        "_choices",
        "_garbage",
        "_response_id",
        "_sse",
        "_started",
        "failure",
        "finished",
    )

    def __init__(self) -> None:
        self._sse = SseParser()
        self._garbage = Garbage()
        self._choices: dict[int, _OpenChoice] = {}
        self._response_id = ""
        self._started = self._blocked = False
        self.finished = False
        self.failure: UpstreamError | None = None

    @property
    def skipped(self) -> int:
        """See `StreamParser`."""
        return self._garbage.skipped

    def feed(self, chunk: bytes) -> list[Event]:
        """See `StreamParser`. Garbled: an event that is no JSON object, or over the size limit."""
        if self._started and not self._sse.pending:
            usual = self._usual(chunk)
            if usual is not None:
                return usual
        events: list[Event] = []
        try:
            for event in self._sse.feed(chunk):
                if not self.finished and self.failure is None:
                    self._read(event, events)
        except Garbled as error:
            self.failure = error
        return events

    def _usual(self, chunk: bytes) -> list[Event] | None:
        """More of the text that is open, and the counts, when that is all there is in `chunk`."""
        found = read_event(chunk)
        if found is None or self.finished or self.failure is not None:
            return None
        index, text, counts = found
        choice = self._choices.get(index)
        if not text or choice is None or not choice.goes_on():
            return None
        self._garbage.row = 0
        choice.text += text
        usage = parse_usage(counts)
        delta = PartDelta(index, choice.part, text)
        return [delta] if usage is None else [delta, Used(usage)]

    def end(self) -> list[Event]:
        """See `StreamParser`. Whole: every candidate that began has a reason for its end, or the prompt was blocked."""
        events = self.feed(b"\n\n")  # the last blank line may be missing
        if self.finished or self.failure is not None:
            return events
        for choice in self._choices.values():
            choice.finish(events)
        if self._blocked and not self._choices:
            events.append(Finished(0, Finish.FILTERED))
            self.finished = True
        elif self._choices and all(choice.reason is not None for choice in self._choices.values()):
            self.finished = True
        else:
            self.failure = Truncated(
                "The provider closed the stream before its end. What came so far may be incomplete; ask again."
            )
        return events

    def _read(self, event: SseEvent, out: list[Event]) -> None:
        error = find_error(event.raw if event.data is None else event.data)
        if error is not None:
            self.failure = parse_inline(error)
            out.append(Failed(self.failure.code, self.failure.message))
            return
        if event.data is None:
            return
        fields = object_or_none(msgspec.Raw(event.data))
        if fields is None:
            self.failure = self._garbage.skip()
            return
        self._garbage.row = 0
        taking = Taking(fields)
        raw = taking.rest.get("usageMetadata")
        if not self._started:
            self._start(taking, raw, out)
        candidates = taking.take_items("candidates")
        for number, item in enumerate(candidates):
            self._read_candidate(Taking(object_or_none(item) or {}), number, out)
        if not candidates and not self._choices and block_reason(taking.rest) is not None:
            self._blocked = True
        usage = parse_usage(raw)
        if usage is not None:
            out.append(Used(usage))

    def _start(self, taking: Taking, usage: msgspec.Raw | None, out: list[Event]) -> None:
        self._started = True
        self._response_id = taking.take("responseId", TEXT) or ""
        model = taking.take("modelVersion", TEXT) or ""
        out.append(Started(self._response_id, model, tier=parse_tier(usage)))

    def _read_candidate(self, candidate: Taking, number: int, out: list[Event]) -> None:
        given = candidate.take("index", INTEGER)
        index = number if given is None else given
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _OpenChoice(index, self._response_id)
        content = Taking(candidate.take_object("content") or {})
        for item in content.take_items("parts"):
            for part in parse_reply_part(item, choice.calls):
                # An empty text says nothing; it often carries the finish reason alone.
                if not isinstance(part, Text) or part.text:
                    choice.take(part, out)
        choice.cite(candidate.rest, out)
        choice.end_for(candidate.rest.get(FIELD), out)
