"""The core's events to a Converse stream: the cross-dialect lane."""

from __future__ import annotations

import base64

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.loss import Loss
from waypost.core.request import Media, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.citations import render_citation
from waypost.dialects.bedrock_converse.errors import render_exception
from waypost.dialects.bedrock_converse.eventstream import Header, encode_frame
from waypost.dialects.bedrock_converse.media import render_media
from waypost.dialects.bedrock_converse.own import CLAUDE, with_extras
from waypost.dialects.bedrock_converse.response import closing, finish_word, priced
from waypost.dialects.taking import Json
from waypost.errors import Failed as FailedError
from waypost.errors import GatewayError, Unrepresentable

_ENCODER = msgspec.json.Encoder()


class _Shown:
    """A part as the client sees it: the number of its block, and whether anything of it was sent."""

    __slots__ = ("empty", "index", "value")

    def __init__(self, index: int, value: ReplyPart) -> None:
        self.index = index
        self.value = value
        self.empty = True


class ConverseStreamRenderer:
    """A `StreamRenderer`."""

    __slots__ = ("_blocks", "_failed", "_parts", "_started", "_tier", "_usage")

    def __init__(self) -> None:
        self._parts: dict[int, _Shown] = {}
        self._blocks = 0
        self._started = False
        self._failed = False
        self._tier: str | None = None
        self._usage: Usage | None = None

    def render(self, event: Event) -> bytes:
        """The bytes for one event; b"" for one that this dialect does not show. Raises Unrepresentable."""
        if isinstance(event, PartDelta):
            return self._delta(event)
        if isinstance(event, PartStarted):
            return self._opening() + self._begin(event)
        if isinstance(event, PartEnded):
            return self._close(event)
        if isinstance(event, Started):
            self._tier = event.tier
            return self._opening()
        if isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Finished):
            return self._opening() + self._finish(event)
        elif isinstance(event, Failed):
            self._failed = True
            return render_exception(FailedError(event.message))
        return b""

    def end(self, usage: Usage | None = None, cost_nusd: int | None = None) -> bytes:
        """The counts, which are the last event; nothing after a failure."""
        if self._failed:
            return b""
        counts = usage or self._usage or Usage(source="estimated")
        return _event("metadata", {"usage": priced(counts, cost_nusd), **closing(self._tier, None)})

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_exception(error)

    def _opening(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        return _event("messageStart", {"role": "assistant"})

    def _begin(self, event: PartStarted) -> bytes:
        if event.choice:
            raise Unrepresentable(
                "The answer has several choices, and Bedrock Converse shows one. Ask for one.",
                param="choices",
            )
        value = event.value
        if isinstance(value, Thinking) and value.redacted and value.maker != CLAUDE:
            return b""  # hidden, and of another maker: nothing that this client could send back
        shown = self._parts[event.part] = _Shown(self._blocks, value)
        self._blocks += 1
        if isinstance(value, ToolCall):
            shown.empty = not value.arguments
            head = with_extras({"toolUseId": value.call_id, "name": value.name}, value.extras)
            start = _event(
                "contentBlockStart", {"start": {"toolUse": head}, "contentBlockIndex": shown.index}
            )
            return start + (
                self._say(shown, {"toolUse": {"input": value.arguments}}) if value.arguments else b""
            )
        if isinstance(value, Text | Refusal):
            text = self._say(shown, {"text": value.text}) if value.text else b""
            cited = value.citations if isinstance(value, Text) else ()
            return text + b"".join(self._say(shown, {"citation": render_citation(each)}) for each in cited)
        if isinstance(value, Thinking):
            return self._think(shown, value.text, value.signature)
        if isinstance(value, Media) and value.kind == "image" and value.data is not None:
            return self._picture(shown, value)
        raise Unrepresentable(
            "The answer has a part that Bedrock Converse has no form for in a stream. Ask without streaming, or "
            "choose another model.",
            param="output.message",
        )

    def _picture(self, shown: _Shown, value: Media) -> bytes:
        block = render_media(value, "output.message", Loss(), 1) or {}
        inner = block.get("image")
        picture = inner if isinstance(inner, dict) else {}
        start = {"start": {"image": {"format": picture.get("format")}}, "contentBlockIndex": shown.index}
        return _event("contentBlockStart", start) + self._say(
            shown, {"image": {"source": picture.get("source")}}
        )

    def _think(self, shown: _Shown, text: str, signature: str | None) -> bytes:
        """Claude's signature alone is sent: a client would send another's back as Claude's."""
        value = shown.value
        out = self._say(shown, {"reasoningContent": {"text": text}}) if text else b""
        if signature and isinstance(value, Thinking) and value.maker == CLAUDE:
            if value.redacted:
                hidden = base64.b64encode(signature.encode()).decode()
                return self._say(shown, {"reasoningContent": {"redactedContent": hidden}})
            out += self._say(shown, {"reasoningContent": {"signature": signature}})
        return out

    def _delta(self, event: PartDelta) -> bytes:
        shown = self._parts.get(event.part)
        if shown is None:
            return b""
        if isinstance(shown.value, ToolCall):
            return self._say(shown, {"toolUse": {"input": event.text}}) if event.text else b""
        if isinstance(shown.value, Thinking):
            return self._think(shown, event.text, event.signature)
        out = self._say(shown, {"text": event.text}) if event.text else b""
        if event.citation is not None:
            out += self._say(shown, {"citation": render_citation(event.citation)})
        return out

    def _say(self, shown: _Shown, delta: Json) -> bytes:
        shown.empty = False
        return _event("contentBlockDelta", {"delta": delta, "contentBlockIndex": shown.index})

    def _close(self, event: PartEnded) -> bytes:
        shown = self._parts.pop(event.part, None)
        if shown is None:
            return b""
        out = b""
        if shown.empty:
            if not isinstance(shown.value, ToolCall):
                return b""  # a block without a delta was never announced
            out = self._say(shown, {"toolUse": {"input": "{}"}})
        return out + _event("contentBlockStop", {"contentBlockIndex": shown.index})

    def _finish(self, event: Finished) -> bytes:
        body: Json = {"stopReason": finish_word(event.finish, event.extras, event.stop_text)}
        if event.stop_text is not None:
            body["additionalModelResponseFields"] = {"stop_sequence": event.stop_text}
        return _event("messageStop", body)


def _event(name: str, body: Json) -> bytes:
    headers = (
        Header(":event-type", name),
        Header(":content-type", "application/json"),
        Header(":message-type", "event"),
    )
    return encode_frame(headers, _ENCODER.encode(body))
