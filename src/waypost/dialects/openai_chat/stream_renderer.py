"""The core's events to a client's chat stream: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.costs import put_cost
from waypost.dialects.openai.errors import render_stream_error
from waypost.dialects.openai_chat.calls import CALLS, OLD_CALL
from waypost.dialects.openai_chat.citations import FIELD as ANNOTATIONS
from waypost.dialects.openai_chat.citations import annotation
from waypost.dialects.openai_chat.media import AUDIO, IMAGES, image, sound
from waypost.dialects.openai_chat.messages import message_fields
from waypost.dialects.openai_chat.own import NAME, own_form, to_client
from waypost.dialects.openai_chat.parts import CONTENT, data_url, render_part
from waypost.dialects.openai_chat.response import put_finish, usage_object
from waypost.dialects.openai_chat.thinking import (
    DETAILS,
    EXTRA,
    FIELDS,
    GEMINI,
    OPENAI,
    details_of,
    signature_field,
)
from waypost.dialects.sse import render
from waypost.dialects.taking import Json
from waypost.errors import GatewayError, Unrepresentable

_ENCODER = msgspec.json.Encoder()
_EMPTY, _TAIL = b'""', b'},"finish_reason":null}]}\n\n'


class _OpenPart:
    __slots__ = ("before", "citations", "held", "number", "size", "told", "value")

    def __init__(self, value: ReplyPart) -> None:
        self.value = value
        #: Of a call: its number among the calls. Of reasoning: the next index of its details.
        self.number = 0
        self.size = 0
        self.before = 0
        self.held = False
        self.told = False
        self.citations: list[Citation] = []


class _OpenChoice:
    __slots__ = ("calls", "details", "length", "parts")

    def __init__(self) -> None:
        self.parts: dict[int, _OpenPart] = {}
        self.calls = 0
        self.details = 0
        #: Characters of content so far.
        self.length = 0


class ChatStreamRenderer:
    """Events to bytes. `created` (Unix seconds) and `made_id` are for answers of dialects that do not date or name
    them. `old`: the client asked with `functions`, and looks for one `function_call`."""

    __slots__ = (
        "_choices",
        "_created",
        "_failed",
        "_head",
        "_heads",
        "_made_id",
        "_old",
        "_usage",
        "_wants_usage",
    )

    def __init__(
        self, wants_usage: bool = False, created: int = 0, *, old: bool = False, made_id: str = ""
    ) -> None:
        self._wants_usage = wants_usage
        self._created = created
        self._old = old
        self._made_id = made_id
        self._head: Json = {}
        #: What stands before a text, for each choice; behind it stands `_TAIL`.
        self._heads: dict[int, bytes] = {}
        self._choices: dict[int, _OpenChoice] = {}
        self._usage: Usage | None = None
        self._failed = False

    def render(self, event: Event) -> bytes:
        """The bytes for one event; b"" for one that this dialect does not show. Raises Unrepresentable."""
        if isinstance(event, PartDelta):
            return self._delta(event)
        if isinstance(event, PartStarted):
            return self._begin(event)
        if isinstance(event, PartEnded):
            return self._end_part(event)
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Finished):
            return self._opening(event.choice) + self._finish(event)
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
            shown: Json = {**usage_object(usage)}
            put_cost(shown, cost_nusd)
            last = self._chunk({"choices": [], "usage": shown})
        elif self._wants_usage and self._usage is not None:
            last = self._chunk({"choices": [], "usage": usage_object(self._usage)})
        return last + b"data: [DONE]\n\n"

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_stream_error(error)

    def _start(self, event: Started) -> None:
        self._heads.clear()
        self._head = {
            "id": event.response_id or self._made_id,
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

    def _choice(self, index: int, delta: Json, last: Json | None = None) -> bytes:
        return self._chunk(
            {"choices": [{"index": index, "delta": delta, "finish_reason": None, **(last or {})}]}
        )

    def _opening(self, index: int) -> bytes:
        if index in self._choices:
            return b""
        self._choices[index] = _OpenChoice()
        return self._choice(index, {"role": "assistant", "content": ""})

    def _finish(self, event: Finished) -> bytes:
        delta: Json = {}
        last: Json = {}
        put_finish(last, event.finish, event.stop_text, old=self._old)
        extras = event.extras
        if extras is not None and extras.dialect == NAME:
            last.update({name: raw for name, raw in extras.fields.items() if name != "message"})
            delta.update(message_fields(extras.fields.get("message")))
        return self._choice(event.choice, delta, last)

    def _begin(self, event: PartStarted) -> bytes:
        out = self._opening(event.choice)
        choice = self._choices[event.choice]
        part = choice.parts[event.part] = _OpenPart(event.value)
        value = event.value
        part.before = choice.length
        if isinstance(value, ToolCall):
            return out + self._begin_call(event.choice, choice, part, value)
        if isinstance(value, Opaque | Media):
            return out + self._choice(event.choice, self._whole(value, choice, event))
        if isinstance(value, Thinking):
            part.number = choice.details
            out += self._thought(event.choice, part, value, value.text, value.signature)
        elif value.text:
            out += self._text(event.choice, choice, part, value.text)
        if isinstance(value, Text):
            part.citations.extend(value.citations)
        return out

    def _begin_call(self, index: int, choice: _OpenChoice, part: _OpenPart, call: ToolCall) -> bytes:
        part.number, part.size = choice.calls, len(call.arguments)
        choice.calls += 1
        if call.maker is not None and call.signature is None:
            part.held = True  # readers look for the signature where the call begins
            return b""
        return self._call(index, part, call)

    def _call(self, index: int, part: _OpenPart, call: ToolCall) -> bytes:
        part.held = False
        function = {"name": call.name, "arguments": call.arguments}
        if self._is_old(part):
            return self._choice(index, {OLD_CALL: function})
        shown: Json = {"index": part.number, "id": call.call_id, "type": "function", "function": function}
        if call.signature is not None and call.maker == GEMINI:
            shown[EXTRA] = signature_field(call.signature)
        return self._choice(index, {CALLS: [shown]})

    def _is_old(self, part: _OpenPart) -> bool:
        value = part.value
        return isinstance(value, ToolCall) and (
            own_form(value.extras) == OLD_CALL or (self._old and part.number == 0)
        )

    def _whole(self, value: Opaque | Media, choice: _OpenChoice, event: PartStarted) -> Json:
        """A part that comes at once."""
        if isinstance(value, Opaque) and value.dialect == NAME:
            if value.slot != CALLS:
                return {DETAILS if value.slot == DETAILS else CONTENT: [value.data]}
            number = choice.calls
            choice.calls += 1
            return {CALLS: [{"index": number, **message_fields(value.data)}]}
        if isinstance(value, Media):
            if value.kind == "image" and data_url(value) is not None:
                return {IMAGES: [{**image(value), "index": event.part}]}
            if value.kind == "audio" and value.data is not None:
                return {AUDIO: sound(value, self._created)}
        raise Unrepresentable(
            "The answer has a part that the client's format has no form for. Choose another model.",
            param=f"choices[{event.choice}]",
        )

    def _delta(self, event: PartDelta) -> bytes:
        choice = self._choices[event.choice]
        part = choice.parts[event.part]
        value = part.value
        if event.citation is not None:
            part.citations.append(event.citation)
        if isinstance(value, Thinking):
            return self._thought(event.choice, part, value, event.text, event.signature)
        if isinstance(value, ToolCall):
            return self._more_of_call(event, part, value)
        return self._text(event.choice, choice, part, event.text) if event.text else b""

    def _more_of_call(self, event: PartDelta, part: _OpenPart, call: ToolCall) -> bytes:
        part.size += len(event.text)
        if part.held:
            whole = msgspec.structs.replace(
                call, arguments=call.arguments + event.text, signature=event.signature
            )
            return self._call(event.choice, part, whole)
        function = {"arguments": event.text}
        if self._is_old(part):
            return self._choice(event.choice, {OLD_CALL: function})
        shown: Json = {"index": part.number}
        if event.text:
            shown["function"] = function
        if event.signature is not None and call.maker == GEMINI:
            shown[EXTRA] = signature_field(event.signature)
        return self._choice(event.choice, {CALLS: [shown]}) if len(shown) > 1 else b""

    def _text(self, index: int, choice: _OpenChoice, part: _OpenPart, text: str) -> bytes:
        if isinstance(part.value, Refusal):
            return self._choice(index, {"refusal": text})
        part.size += len(text)
        choice.length += len(text)
        head = self._heads.get(index)
        if head is not None:
            return b"%b%b%b" % (head, _ENCODER.encode(text), _TAIL)
        empty = self._choice(index, {CONTENT: ""})
        if empty.endswith(_EMPTY + _TAIL):
            self._heads[index] = empty.removesuffix(_EMPTY + _TAIL)
        return self._choice(index, {CONTENT: text})

    def _thought(
        self, index: int, part: _OpenPart, value: Thinking, text: str, signature: str | None
    ) -> bytes:
        """Reasoning as text, and as the details that have to go back to its maker."""
        if own_form(value.extras) == CONTENT and text:
            whole = msgspec.structs.replace(value, text=text)
            return self._choice(index, {CONTENT: [render_part(whole, "", to_client())]})
        delta: Json = {FIELDS[0]: text} if text else {}
        part.size += len(text)
        maker = value.maker
        if (
            maker is not None
            and maker == GEMINI
            and signature is not None
            and not part.size
            and not value.redacted
        ):
            delta[EXTRA] = signature_field(signature)
        elif maker is not None and (text or signature is not None):
            piece = msgspec.structs.replace(value, text=text, signature=signature)
            # What is sent encrypted after its summary is a detail of its own.
            apart = not text and part.size > 0 and (value.redacted or maker == OPENAI)
            shown = details_of(piece, maker, part.number + apart)
            if part.told and not apart:
                # Readers that put pieces together add up texts: what does not change is said once.
                shown = [{name: value for name, value in each.items() if name != "format"} for each in shown]
            part.told = True
            delta[DETAILS] = shown
            self._choices[index].details = part.number + apart + len(shown)
        return self._choice(index, delta) if delta else b""

    def _end_part(self, event: PartEnded) -> bytes:
        part = self._choices[event.choice].parts[event.part]
        if isinstance(part.value, ToolCall) and (part.held or not part.size):
            # Readers parse the text of the arguments: no arguments are an empty object.
            text = "" if part.size else "{}"
            return self._more_of_call(PartDelta(event.choice, event.part, text), part, part.value)
        cited = [
            annotation(citation, part.before, part.size)
            for citation in part.citations
            if citation.url is not None
        ]
        return self._choice(event.choice, {ANNOTATIONS: cited}) if cited else b""
