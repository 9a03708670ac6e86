"""The core's events to a client's stream of this dialect.

https://platform.openai.com/docs/api-reference/responses-streaming (2026-11-25). Every item is begun, filled and done,
with the whole of it in its `done` events and once more in the last event, as SDKs that accumulate a stream expect.
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Stamp
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started
from waypost.core.request import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.openai_responses.ends import end_fields
from waypost.dialects.openai_responses.errors import render_error_event, render_stream_error
from waypost.dialects.openai_responses.output import EMPTY, render_citation, render_output_part
from waypost.dialects.openai_responses.own import read_form
from waypost.dialects.openai_responses.response import item_status
from waypost.dialects.openai_responses.said import Answer, OutputItem, shown_as_content, with_text
from waypost.dialects.openai_responses.shell import shell
from waypost.dialects.openai_responses.tools import asked_custom_names
from waypost.dialects.openai_responses.usage import usage_object
from waypost.dialects.sse import render
from waypost.dialects.taking import Json
from waypost.errors import GatewayError, Unrepresentable

_ENCODER = msgspec.json.Encoder()
_SUMMARY = "summary_text"
_REASONING = "reasoning_text"
#: An event with more of a text, as `_emit` would write it: in front of its number, and behind the text.
_BEFORE = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":'
_BEHIND = b',"logprobs":[]}\n\n'


class _Live:
    """A part that is under way: where it is shown, and what was said of it."""

    __slots__ = ("begun", "ended", "item", "pieces", "place", "signature", "where")

    def __init__(self, item: OutputItem, place: int) -> None:
        self.item = item
        #: Its number in `item.parts`, and in the content of a message.
        self.place = place
        self.pieces: list[str] = []
        self.signature: str | None = None
        #: The frame that this dialect puts around a text within an item was sent.
        self.begun = False
        self.ended = False
        #: In an event with more of a text, what stands between the event's number and the text; b"": not yet known.
        self.where = b""

    @property
    def value(self) -> ReplyPart:
        return self.item.parts[self.place]


class ResponsesStreamRenderer:
    """A `StreamRenderer`."""

    __slots__ = (
        "_answer",
        "_asked",
        "_choice",
        "_done",
        "_failed",
        "_message",
        "_parts",
        "_sequence",
        "_shell",
        "_stamp",
    )

    def __init__(self, asked: Asked, stamp: Stamp) -> None:
        self._asked = asked
        self._stamp = stamp
        self._answer = Answer(stamp.exchange_id, asked_custom_names(asked.fields))
        self._shell: Json | None = None
        self._sequence = 0
        self._parts: dict[int, _Live] = {}
        #: The message that is open for more content.
        self._message: OutputItem | None = None
        self._done: dict[int, Json | msgspec.Raw] = {}
        self._choice = Choice(0, (), None)
        self._failed = False

    def render(self, event: Event) -> bytes:
        """See `StreamRenderer`."""
        if isinstance(event, PartDelta):
            return self._delta(event)
        if isinstance(event, PartStarted):
            return self._begin(event)
        if isinstance(event, PartEnded):
            return self._end(self._parts[event.part])
        if isinstance(event, Started):
            return self._start(event)
        if isinstance(event, Finished):
            self._choice = Choice(0, (), event.finish, event.extras)
            rest = b"".join(self._end(live) for live in self._parts.values())
            return rest + self._close_message(item_status(self._choice))
        if isinstance(event, Failed):
            self._failed = True
            return render_error_event(event.code, "upstream_error", event.message, None, self._sequence)
        return b""

    def end(self, usage: Usage, cost_nusd: int | None) -> bytes:
        """See `StreamRenderer`. Nothing after a failure."""
        if self._failed:
            return b""
        opening = b"" if self._shell is not None else self._start(Started("", ""))
        if self._choice.finish is None:  # a stream that ended is whole, also when nothing was said in it
            self._choice = msgspec.structs.replace(self._choice, finish=Finish.STOP)
        response = {
            **(self._shell or {}),
            **end_fields(self._choice.finish, self._choice.extras),
            "output": [self._done[index] for index in sorted(self._done)],
            "usage": usage_object(usage, cost_nusd),
        }
        last = "incomplete" if item_status(self._choice) == "incomplete" else "completed"
        return opening + self._emit(last, {"response": response})

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`. Once: where the stream itself told of it, nothing more."""
        if self._failed:
            return b""
        self._failed = True
        return render_stream_error(error, self._sequence)

    def _emit(self, kind: str, fields: Json) -> bytes:
        name = f"response.{kind}"
        event = {"type": name, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return render(_ENCODER.encode(event), name)

    def _start(self, event: Started) -> bytes:
        if self._shell is not None:
            return b""
        self._shell = shell(event, self._asked, self._stamp)
        response: Json = {"response": self._shell}
        return self._emit("created", response) + self._emit("in_progress", response)

    def _begin(self, event: PartStarted) -> bytes:
        if event.choice:
            raise Unrepresentable(
                "The provider gave several answers, and the client's format has room for one. Ask for one.",
                param="choices",
            )
        opening = b"" if self._shell is not None else self._start(Started("", ""))
        known = self._answer.count
        item = self._answer.place(event.value)
        live = self._parts[event.part] = _Live(item, len(item.parts) - 1)
        if self._message is not None and item is not self._message:
            opening += self._close_message("completed")
        if self._answer.count != known:
            opening += self._emit("output_item.added", {"output_index": item.index, "item": item.begun()})
        value = live.value
        if isinstance(value, Opaque | Media):
            live.ended = True
            return opening + self._finish_item(item, "completed")
        if isinstance(value, Text | Refusal):
            self._message = item
            if read_form(value.extras).words == EMPTY:
                live.ended = True
                return opening
            opening += self._open_content(live, value)
            return opening + self._say(live, value.text) + self._cite(live, value)
        return opening + self._say(live, value.arguments if isinstance(value, ToolCall) else value.text)

    def _open_content(self, live: _Live, value: Text | Refusal) -> bytes:
        live.begun = True
        empty: Json = {"type": "refusal", "refusal": ""}
        if isinstance(value, Text):
            empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return self._emit("content_part.added", {**_where(live), "part": empty})

    def _cite(self, live: _Live, value: Text | Refusal) -> bytes:
        citations = value.citations if isinstance(value, Text) else ()
        return b"".join(self._annotate(live, number, cited) for number, cited in enumerate(citations))

    def _delta(self, event: PartDelta) -> bytes:
        live = self._parts[event.part]
        if event.signature is not None:
            live.signature = event.signature
        out = self._say(live, event.text)
        value = live.value
        if event.citation is not None and isinstance(value, Text):
            number = len(value.citations)
            live.item.parts[live.place] = msgspec.structs.replace(
                value, citations=(*value.citations, event.citation)
            )
            out += self._annotate(live, number, event.citation)
        return out

    def _annotate(self, live: _Live, number: int, citation: Citation) -> bytes:
        return self._emit(
            "output_text.annotation.added",
            {**_where(live), "annotation_index": number, "annotation": render_citation(citation)},
        )

    def _say(self, live: _Live, text: str) -> bytes:
        """More of a part. The text of a custom tool's call is inside JSON here: it is shown once it is whole."""
        if not text or live.ended:
            return b""
        live.pieces.append(text)
        value = live.value
        if isinstance(value, ToolCall):
            if live.item.kind == "custom_tool_call":
                return b""
            return self._emit("function_call_arguments.delta", {**_at(live), "delta": text})
        if isinstance(value, Thinking):
            return self._think(live, value, text)
        if isinstance(value, Refusal):
            return self._emit("refusal.delta", {**_where(live), "delta": text})
        where = live.where or _between(live)
        number = self._sequence
        self._sequence += 1
        return b"%b%d%b%b%b" % (_BEFORE, number, where, _ENCODER.encode(text), _BEHIND)

    def _think(self, live: _Live, value: Thinking, text: str) -> bytes:
        raw = shown_as_content(value)
        where: Json = {**_at(live), "content_index" if raw else "summary_index": 0}
        out = b""
        if not live.begun:
            live.begun = True
            part: Json = {"type": _REASONING if raw else _SUMMARY, "text": ""}
            opening = "content_part.added" if raw else "reasoning_summary_part.added"
            out = self._emit(opening, {**where, "part": part})
        name = "reasoning_text.delta" if raw else "reasoning_summary_text.delta"
        return out + self._emit(name, {**where, "delta": text})

    def _end(self, live: _Live) -> bytes:
        if live.ended:
            return b""
        live.ended = True
        text = "".join(live.pieces)
        value = live.item.parts[live.place] = with_text(live.value, text, live.signature)
        if isinstance(value, Text):
            done = self._emit("output_text.done", {**_where(live), "text": text, "logprobs": []})
        elif isinstance(value, Refusal):
            done = self._emit("refusal.done", {**_where(live), "refusal": text})
        elif isinstance(value, Thinking):
            return self._end_thinking(live, value, text) + self._finish_item(live.item, "completed")
        else:
            return self._end_call(live, text) + self._finish_item(live.item, "completed")
        part = render_output_part(value, whole=True)
        return done + self._emit("content_part.done", {**_where(live), "part": part})

    def _end_thinking(self, live: _Live, value: Thinking, text: str) -> bytes:
        if not live.begun:
            return b""
        raw = shown_as_content(value)
        where: Json = {**_at(live), "content_index" if raw else "summary_index": 0}
        part: Json = {"type": _REASONING if raw else _SUMMARY, "text": text}
        done = self._emit(
            "reasoning_text.done" if raw else "reasoning_summary_text.done", {**where, "text": text}
        )
        closing = "content_part.done" if raw else "reasoning_summary_part.done"
        return done + self._emit(closing, {**where, "part": part})

    def _end_call(self, live: _Live, text: str) -> bytes:
        if live.item.kind != "custom_tool_call":
            return self._emit("function_call_arguments.done", {**_at(live), "arguments": text})
        item = live.item.render("completed")
        given = item["input"] if isinstance(item, dict) else ""
        delta = self._emit("custom_tool_call_input.delta", {**_at(live), "delta": given})
        return delta + self._emit("custom_tool_call_input.done", {**_at(live), "input": given})

    def _close_message(self, status: str) -> bytes:
        """Ends the open message, and any content of it that was not ended."""
        item, self._message = self._message, None
        if item is None:
            return b""
        rest = b"".join(self._end(live) for live in self._parts.values() if live.item is item)
        return rest + self._finish_item(item, status)

    def _finish_item(self, item: OutputItem, status: str) -> bytes:
        whole = self._done[item.index] = item.render(status)
        out = self._emit("output_item.done", {"output_index": item.index, "item": whole})
        signature = self._answer.signature_of(item)
        if signature is None:
            return out
        index = self._answer.take_index()
        self._done[index] = signature
        shown: Json = {"output_index": index, "item": signature}
        return out + self._emit("output_item.added", shown) + self._emit("output_item.done", shown)


def _at(live: _Live) -> Json:
    return {"item_id": live.item.item_id, "output_index": live.item.index}


def _between(live: _Live) -> bytes:
    live.where = b',%b,"delta":' % _ENCODER.encode(_where(live))[1:-1]
    return live.where


def _where(live: _Live) -> Json:
    return {**_at(live), "content_index": live.place}
