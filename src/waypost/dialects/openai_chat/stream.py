"""A chat stream to the core's events: the cross-dialect lane. `stream_renderer.py` is the way back."""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Extras, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.dialects.fields import NULL
from waypost.dialects.garbage import Garbage
from waypost.dialects.openai.errors import parse_inline
from waypost.dialects.openai.usage import parse_usage
from waypost.dialects.openai_chat.calls import CALLS, OLD_CALL
from waypost.dialects.openai_chat.citations import FIELD as ANNOTATIONS
from waypost.dialects.openai_chat.citations import move, parse_citation
from waypost.dialects.openai_chat.gathered import Gathered
from waypost.dialects.openai_chat.media import take_media
from waypost.dialects.openai_chat.messages import REFUSAL_FIELD
from waypost.dialects.openai_chat.ordinary import read_ordinary
from waypost.dialects.openai_chat.own import NAME, Taking
from waypost.dialects.openai_chat.parts import CONTENT, parse_part
from waypost.dialects.openai_chat.response import STOP_REASON, take_finish
from waypost.dialects.openai_chat.thinking import (
    DETAILS,
    ENCRYPTED_KIND,
    FIELDS,
    GEMINI,
    Detail,
    continues,
    parse_detail,
    take_signature,
)
from waypost.dialects.sse import SseEvent, SseParser
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, object_or_none
from waypost.errors import Garbled, Truncated, UpstreamError

_OWN_REFUSAL = Extras(NAME, {}, REFUSAL_FIELD)
_OWN_THINKING = Extras(NAME, {}, CONTENT)
_ONLY_CONTENT = {CONTENT}
#: The number of the one call that has none.
_OLD_NUMBER = -1


class _OpenChoice:
    """What of one choice is under way. Parts are open until the next one of another kind starts; calls to the end."""

    __slots__ = (
        "before",
        "calls",
        "detail",
        "ended",
        "gathered",
        "index",
        "length",
        "open_kind",
        "open_part",
        "out",
        "parts",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.out: list[Event] = []
        self.parts = 0
        self.open_kind: str | None = None
        self.open_part = 0
        #: Characters of content so far, and before the text that is open.
        self.length = self.before = 0
        self.detail: Detail | None = None
        self.calls: dict[int, int] = {}
        self.gathered = Gathered()
        self.ended = False

    def text(self, kind: str, first: ReplyPart, text: str) -> None:
        """More of the open part, or of a new one that begins as `first`."""
        if self.open_kind != kind:
            self.close_part()
            self.open_part = self.start(first)
            self.open_kind = kind
        if text:
            self.out.append(PartDelta(self.index, self.open_part, text))

    def start(self, first: ReplyPart) -> int:
        """A new part; it stays open."""
        part = self.parts
        self.parts += 1
        self.out.append(PartStarted(self.index, part, first))
        return part

    def whole(self, value: ReplyPart) -> None:
        """A part that is complete."""
        self.close_part()
        self.out.append(PartEnded(self.index, self.start(value)))

    def close_part(self) -> None:
        """Ends the part that is open, calls excepted."""
        if self.open_kind is not None:
            self.out.append(PartEnded(self.index, self.open_part))
        self.open_kind = self.detail = None

    def close(self) -> None:
        """Ends everything, with what only the end shows."""
        self.close_part()
        for part in self.gathered.parts():
            self.whole(part)
        self.out.extend(PartEnded(self.index, part) for part in self.calls.values())


class ChatStreamParser:
    """A `StreamParser`."""

    __slots__ = ("_choices", "_garbage", "_sse", "_started", "failure", "finished")

    def __init__(self) -> None:
        self._sse = SseParser()
        self._garbage = Garbage()
        self._choices: dict[int, _OpenChoice] = {}
        self._started = False
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
                return [usual]
        events: list[Event] = []
        try:
            for event in self._sse.feed(chunk):
                if not self.finished and self.failure is None:
                    self._read(event, events)
        except Garbled as error:
            self.failure = error
        return events

    def _usual(self, chunk: bytes) -> Event | None:
        """More of the text that is open, when that is all there is in `chunk`."""
        found = read_ordinary(chunk)
        if found is None or self.finished or self.failure is not None:
            return None
        index, text = found
        choice = self._choices.get(index)
        if not text or choice is None or choice.ended or choice.open_kind != CONTENT:
            return None
        choice.length += len(text)
        self._garbage.row = 0
        return PartDelta(index, choice.open_part, text)

    def end(self) -> list[Event]:
        """See `StreamParser`. A stream whose every choice has ended is whole even without its terminator."""
        events = self.feed(b"\n\n")  # some servers leave the last blank line out
        if not self.finished and self.failure is None:
            if self._choices and all(choice.ended for choice in self._choices.values()):
                self.finished = True
            else:
                self.failure = Truncated(
                    "The provider closed the stream before its end. What came so far may be incomplete; ask again."
                )
        return events

    def _read(self, event: SseEvent, out: list[Event]) -> None:
        if event.data is None:
            return
        if event.data.strip() == b"[DONE]":
            self.finished = True
            return
        fields = object_or_none(msgspec.Raw(event.data))
        if fields is None:
            self.failure = self._garbage.skip()
            return
        self._garbage.row = 0
        taking = Taking(fields)
        error = taking.rest.pop("error", None)
        if event.event == "error" or (error is not None and bytes(error) != NULL):
            self.failure = parse_inline(error if error is not None else msgspec.Raw(event.data))
            out.append(Failed(self.failure.code, self.failure.message))
            return
        choices = taking.take("choices", ITEMS) or []
        usage = parse_usage(taking.rest.pop("usage", None))
        if not self._started:
            self._started = True
            out.append(_started(taking))
        for number, choice in enumerate(choices):
            self._read_choice(choice, number, out)
        if usage is not None:
            out.append(Used(usage))

    def _read_choice(self, raw: msgspec.Raw, number: int, out: list[Event]) -> None:
        taking = Taking(object_or_none(raw) or {})
        index = taking.take("index", INTEGER)
        index = number if index is None else index
        choice = self._choices.setdefault(index, _OpenChoice(index))
        if choice.ended:
            return
        choice.out = out
        delta = Taking(taking.take_object("delta") or {})
        delta.rest.pop("role", None)
        if delta.rest.keys() != _ONLY_CONTENT:
            _thinking(choice, delta)
        _content(choice, delta)
        if delta.rest:
            _besides(choice, delta)
            _calls(choice, delta)
            choice.gathered.keep_delta(delta.rest)
        finish = take_finish(taking)
        stop_text = taking.take(STOP_REASON, TEXT)
        choice.gathered.keep_choice(taking.rest)
        if finish is not None:
            choice.close()
            choice.ended = True
            out.append(Finished(index, finish, choice.gathered.extras(), stop_text))


def _thinking(choice: _OpenChoice, delta: Taking) -> None:
    """Details say more than the text beside them; both fields of one delta hold the same text."""
    items = delta.take_items(DETAILS)
    details = [parse_detail(item) for item in items]
    told = any(detail is not None and detail.text for detail in details)
    for name in FIELDS:
        text = delta.take(name, TEXT)
        if text and not told:
            told = True
            choice.text("thinking", Thinking(""), text)
    for item, detail in zip(items, details, strict=True):
        if detail is None:
            choice.whole(Opaque(NAME, item, DETAILS))
        else:
            _detail(choice, detail)


def _detail(choice: _OpenChoice, detail: Detail) -> None:
    before = choice.detail
    more = before is not None and (
        continues(before, detail)
        or (detail.index is None and detail.kind == before.kind and before.signature is None)
    )
    if not more and detail.kind == ENCRYPTED_KIND:
        choice.whole(Thinking("", detail.signature, maker=detail.maker, redacted=True))
        return
    if not more:
        choice.close_part()
    choice.text("detail", Thinking("", maker=detail.maker), detail.text)
    if detail.signature is not None:
        choice.out.append(PartDelta(choice.index, choice.open_part, signature=detail.signature))
    choice.detail = detail


def _content(choice: _OpenChoice, delta: Taking) -> None:
    text = delta.take("content", TEXT)
    if text:
        _text(choice, text)
    elif text is None:
        # Mistral streams lists of parts for its reasoning models.
        for item in delta.take("content", ITEMS) or []:
            _listed(choice, item)


def _besides(choice: _OpenChoice, delta: Taking) -> None:
    for item in delta.take_items(ANNOTATIONS):
        citation = parse_citation(item)
        if citation is not None:
            _text(choice, "")
            moved = move(citation, -choice.before)
            choice.out.append(PartDelta(choice.index, choice.open_part, citation=moved))
        else:
            choice.gathered.keep_annotation(item)
    signature = take_signature(delta)
    if signature is not None:
        choice.whole(Thinking("", signature, maker=GEMINI))
    choice.gathered.keep_sound(delta)
    for part in take_media(delta):
        choice.whole(part)
    refusal = delta.take("refusal", TEXT)
    if refusal:
        choice.text("refusal", Refusal("", _OWN_REFUSAL), refusal)


def _text(choice: _OpenChoice, text: str) -> None:
    if choice.open_kind != CONTENT:
        choice.before = choice.length
    choice.text(CONTENT, Text(""), text)
    choice.length += len(text)


def _listed(choice: _OpenChoice, item: msgspec.Raw) -> None:
    part = parse_part(item)
    if isinstance(part, Text) and part.extras is None:
        _text(choice, part.text)
    elif isinstance(part, Thinking):
        choice.text("listed", Thinking("", extras=_OWN_THINKING), part.text)
    else:
        choice.whole(part)


def _calls(choice: _OpenChoice, delta: Taking) -> None:
    for item in delta.take(CALLS, ITEMS) or []:
        call = Taking(object_or_none(item) or {})
        if not choice.gathered.keep_custom(call):
            _call(choice, call)
    old = delta.take_object(OLD_CALL)
    if old is not None:
        function = Taking(old)
        _piece(choice, _OLD_NUMBER, Taking({}), function, OLD_CALL)


def _call(choice: _OpenChoice, call: Taking) -> None:
    number = call.take("index", INTEGER)
    call_id = call.take("id", TEXT)
    if number is None:
        # Gemini's server in this format sends whole calls, without a number.
        number = len(choice.calls) - (0 if call_id or not choice.calls else 1)
    function = Taking(call.take_object("function") or {})
    _piece(choice, number, call, function, call_id or "")


def _piece(choice: _OpenChoice, number: int, call: Taking, function: Taking, call_id: str) -> None:
    arguments = function.take("arguments", TEXT) or ""
    signature = take_signature(call)
    part = choice.calls.get(number)
    if part is None:
        choice.close_part()
        extras = Extras(NAME, {}, OLD_CALL) if number == _OLD_NUMBER else None
        name = function.take("name", TEXT) or ""
        maker = None if signature is None else GEMINI
        part = choice.start(ToolCall(call_id, name, "", extras, signature, maker))
        choice.calls[number] = part
    elif signature is not None:
        choice.out.append(PartDelta(choice.index, part, signature=signature))
    if arguments:
        choice.out.append(PartDelta(choice.index, part, arguments))


def _started(taking: Taking) -> Started:
    response_id, model = taking.take("id", TEXT), taking.take("model", TEXT)
    created, tier = taking.take("created", INTEGER), taking.take("service_tier", TEXT)
    taking.rest.pop("object", None)
    return Started(response_id or "", model or "", created, tier, taking.extras())
