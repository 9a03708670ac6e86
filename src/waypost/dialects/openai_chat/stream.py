"""A chat stream to and from the core's events: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.costs import cost_raw
from waypost.dialects.openai.errors import parse_inline, render_stream_error
from waypost.dialects.openai.usage import parse_usage
from waypost.dialects.openai_chat.messages import REASONING
from waypost.dialects.openai_chat.own import NAME, Taking, own_form
from waypost.dialects.openai_chat.parts import CONTENT
from waypost.dialects.openai_chat.response import finish_word, read_finish, usage_object
from waypost.dialects.sse import SseEvent, SseParser, render
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, Json, object_or_none
from waypost.errors import Garbled, GatewayError, Truncated, Unrepresentable, UpstreamError

_ENCODER = msgspec.json.Encoder()
_FIELD = Extras(NAME, {}, "field")


class _OpenChoice:
    """What of one choice is under way. Parts are open until the next one of another kind starts; calls to the end."""

    __slots__ = ("calls", "ended", "open_kind", "open_part", "parts")

    def __init__(self) -> None:
        self.parts = 0
        self.open_kind: str | None = None
        self.open_part = 0
        self.calls: dict[int, int] = {}
        self.ended = False


class ChatStreamParser:
    """A `StreamParser`."""

    __slots__ = ("_choices", "_sse", "_started", "failure", "finished")

    def __init__(self) -> None:
        self._sse = SseParser()
        self._choices: dict[int, _OpenChoice] = {}
        self._started = False
        self.finished = False
        self.failure: UpstreamError | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """See `StreamParser`. Garbled: an event that is no JSON object, or over the size limit."""
        events: list[Event] = []
        try:
            for event in self._sse.feed(chunk):
                if not self.finished and self.failure is None:
                    self._read(event, events)
        except Garbled as error:
            self.failure = error
        return events

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
            raise Garbled(
                "The provider sent a stream event that is no JSON object. Try again, or another model."
            )
        taking = Taking(fields)
        error = taking.rest.pop("error", None)
        if event.event == "error" or (error is not None and bytes(error) != b"null"):
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
        choice = self._choices.setdefault(index, _OpenChoice())
        if choice.ended:
            return
        delta = Taking(taking.take_object("delta") or {})
        for name in REASONING:
            text = delta.take(name, TEXT)
            if text:
                first = Thinking("", extras=None if name == REASONING[0] else Extras(NAME, {}, name))
                self._text(index, choice, name, first, text, out)
        self._content(index, choice, delta, out)
        refusal = delta.take("refusal", TEXT)
        if refusal:
            self._text(index, choice, "refusal", Refusal("", _FIELD), refusal, out)
        for call in delta.take("tool_calls", ITEMS) or []:
            self._call(index, choice, call, out)
        word = taking.rest.get("finish_reason")
        finish, keep = read_finish(word)
        if finish is not None and word is not None:
            self._close(index, choice, out)
            choice.ended = True
            out.append(Finished(index, finish, Extras(NAME, {"finish_reason": word}) if keep else None))

    def _content(self, index: int, choice: _OpenChoice, delta: Taking, out: list[Event]) -> None:
        text = delta.take("content", TEXT)
        if text:
            self._text(index, choice, "content", Text(""), text, out)
        elif text is None:
            # Mistral streams lists of parts for its reasoning models; each is whole.
            for item in delta.take("content", ITEMS) or []:
                self._end_open(index, choice, out)
                self._start(index, choice, Opaque(NAME, item, CONTENT), out)
                out.append(PartEnded(index, choice.parts - 1))

    def _text(
        self, index: int, choice: _OpenChoice, kind: str, first: ReplyPart, text: str, out: list[Event]
    ) -> None:
        if choice.open_kind != kind:
            self._end_open(index, choice, out)
            choice.open_part = self._start(index, choice, first, out)
            choice.open_kind = kind
        out.append(PartDelta(index, choice.open_part, text))

    def _start(self, index: int, choice: _OpenChoice, first: ReplyPart, out: list[Event]) -> int:
        part = choice.parts
        choice.parts += 1
        out.append(PartStarted(index, part, first))
        return part

    def _end_open(self, index: int, choice: _OpenChoice, out: list[Event]) -> None:
        if choice.open_kind is not None:
            out.append(PartEnded(index, choice.open_part))
            choice.open_kind = None

    def _call(self, index: int, choice: _OpenChoice, raw: msgspec.Raw, out: list[Event]) -> None:
        call = Taking(object_or_none(raw) or {})
        number = call.take("index", INTEGER)
        number = len(choice.calls) if number is None else number
        function = Taking(call.take_object("function") or {})
        arguments = function.take("arguments", TEXT) or ""
        part = choice.calls.get(number)
        if part is None:
            self._end_open(index, choice, out)
            call_id, name = call.take("id", TEXT) or "", function.take("name", TEXT) or ""
            part = self._start(index, choice, ToolCall(call_id, name, ""), out)
            choice.calls[number] = part
        if arguments:
            out.append(PartDelta(index, part, arguments))

    def _close(self, index: int, choice: _OpenChoice, out: list[Event]) -> None:
        self._end_open(index, choice, out)
        out.extend(PartEnded(index, part) for part in choice.calls.values())


def _started(taking: Taking) -> Started:
    response_id, model = taking.take("id", TEXT), taking.take("model", TEXT)
    created, tier = taking.take("created", INTEGER), taking.take("service_tier", TEXT)
    taking.rest.pop("object", None)
    return Started(response_id or "", model or "", created, tier, taking.extras())


class ChatStreamRenderer:
    """Events to bytes. `created` (Unix seconds) is for answers of dialects that do not date them."""

    __slots__ = ("_calls", "_created", "_failed", "_head", "_open", "_parts", "_usage", "_wants_usage")

    def __init__(self, wants_usage: bool = False, created: int = 0) -> None:
        self._wants_usage = wants_usage
        self._created = created
        self._head: Json = {}
        self._open: set[int] = set()
        self._parts: dict[tuple[int, int], ReplyPart] = {}
        self._calls: dict[tuple[int, int], int] = {}
        self._usage: Usage | None = None
        self._failed = False

    def render(self, event: Event) -> bytes:
        """The bytes for one event; b"" for one that this dialect does not show. Raises Unrepresentable."""
        if isinstance(event, PartDelta):
            return self._delta(event)
        if isinstance(event, PartStarted):
            return self._begin(event)
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Finished):
            return self._opening(event.choice) + self._choice(
                event.choice, {}, finish_word(event.finish, event.extras)
            )
        elif isinstance(event, Failed):
            self._failed = True
            error = {"message": event.message, "type": "upstream_error", "param": None, "code": event.code}
            return render(_ENCODER.encode({"error": error}))
        return b""

    def end(self, usage: Usage | None = None, cost_nusd: int | None = None) -> bytes:
        """The usage event, if the client asked for it, and the terminator; nothing after a failure. Without `usage`,
        what the events said."""
        if self._failed:
            return b""
        last = b""
        if self._wants_usage and usage is not None:
            shown: Json = {**usage_object(usage), "cost": cost_raw(cost_nusd)}
            last = self._chunk({"choices": [], "usage": shown})
        elif self._wants_usage and self._usage is not None:
            last = self._chunk({"choices": [], "usage": usage_object(self._usage)})
        return last + b"data: [DONE]\n\n"

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_stream_error(error)

    def _start(self, event: Started) -> None:
        self._head = {
            "id": event.response_id,
            "object": "chat.completion.chunk",
            "created": self._created if event.created is None else event.created,
            "model": event.model,
        }
        if event.tier is not None:
            self._head["service_tier"] = event.tier
        if event.extras is not None and event.extras.dialect == NAME:
            self._head.update(event.extras.fields)

    def _chunk(self, rest: Json) -> bytes:
        return render(_ENCODER.encode({**self._head, **rest}))

    def _choice(self, index: int, delta: Json, finish: object = None) -> bytes:
        return self._chunk({"choices": [{"index": index, "delta": delta, "finish_reason": finish}]})

    def _opening(self, index: int) -> bytes:
        if index in self._open:
            return b""
        self._open.add(index)
        return self._choice(index, {"role": "assistant", "content": ""})

    def _begin(self, event: PartStarted) -> bytes:
        value = event.value
        out = self._opening(event.choice)
        self._parts[event.choice, event.part] = value
        if isinstance(value, ToolCall):
            number = sum(1 for choice, _ in self._calls if choice == event.choice)
            self._calls[event.choice, event.part] = number
            function = {"name": value.name, "arguments": value.arguments}
            call = {"index": number, "id": value.call_id, "type": "function", "function": function}
            return out + self._choice(event.choice, {"tool_calls": [call]})
        if isinstance(value, Opaque) and value.dialect == NAME:
            return out + self._choice(event.choice, {"content": [value.data]})
        if isinstance(value, Opaque | Media):
            raise Unrepresentable(
                "The answer has a part that the client's format has no form for in a stream. Ask without streaming, "
                "or choose another model.",
                param=f"choices[{event.choice}]",
            )
        return out + (self._choice(event.choice, _text_delta(value, value.text)) if value.text else b"")

    def _delta(self, event: PartDelta) -> bytes:
        if not event.text:
            return b""  # a signature alone: this dialect has no field for it
        number = self._calls.get((event.choice, event.part))
        if number is not None:
            call = {"index": number, "function": {"arguments": event.text}}
            return self._choice(event.choice, {"tool_calls": [call]})
        return self._choice(
            event.choice, _text_delta(self._parts.get((event.choice, event.part)), event.text)
        )


def _text_delta(part: ReplyPart | None, text: str) -> Json:
    if isinstance(part, Thinking):
        return {own_form(part.extras) or REASONING[0]: text}
    if isinstance(part, Refusal):
        return {"refusal": text}
    return {"content": text}
