"""The core's events to a streamed answer, for clients of this dialect."""

from __future__ import annotations

import msgspec

from waypost.core.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
)
from waypost.core.request import Citation, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.costs import put_cost
from waypost.dialects.gemini.errors import render_error, render_failed
from waypost.dialects.gemini.framing import Framing
from waypost.dialects.gemini.usage import render_counts
from waypost.dialects.gemini_generate.finish import FIELD, finish_word
from waypost.dialects.gemini_generate.grounding import GROUNDING, render_sources
from waypost.dialects.gemini_generate.own import own_signature
from waypost.dialects.gemini_generate.parts import render_call, render_parts
from waypost.dialects.gemini_generate.response import reply_rendering
from waypost.dialects.openai_chat.citations import move
from waypost.dialects.taking import Json
from waypost.errors import GatewayError

_ENCODER = msgspec.json.Encoder()


class _Run:
    """Texts that follow each other: in a stream they are one part. Its number, what they say, and the sources."""

    __slots__ = ("citations", "number", "pieces", "size")

    def __init__(self, number: int) -> None:
        self.number = number
        self.pieces: list[str] = []
        self.size = 0
        self.citations: list[Citation] = []


class _Written:
    """A part under way. A call is kept until it is whole; of a text, its run and how much of that was before it."""

    __slots__ = ("before", "first", "pieces", "run", "shown", "signature")

    def __init__(self, first: ReplyPart, run: _Run | None) -> None:
        self.first = first
        self.pieces: list[str] = []
        self.run = run
        self.before = 0 if run is None else run.size
        self.signature: str | None = None
        self.shown = False

    def cite(self, citation: Citation) -> None:
        """A source of the text, in the place it has in its run."""
        if self.run is not None:
            self.run.citations.append(move(citation, self.before))

    def call(self) -> ToolCall | None:
        """The whole call, if it is one."""
        first = self.first
        if not isinstance(first, ToolCall):
            return None
        return msgspec.structs.replace(
            first,
            arguments=first.arguments + "".join(self.pieces),
            signature=self.signature or first.signature,
        )


class GeminiStreamRenderer:
    """A `StreamRenderer`. The finish reasons go out with the last event, beside the usage, as Google sends them."""

    __slots__ = (
        "_failed",
        "_finished",
        "_framing",
        "_head",
        "_parts",
        "_response_id",
        "_runs",
        "_shown",
        "_texts",
    )

    def __init__(self, form: str, response_id: str) -> None:
        """`response_id` is for answers without one."""
        self._framing = Framing(form)
        self._response_id = response_id
        self._head: Json = {"modelVersion": "", "responseId": response_id}
        self._parts: dict[tuple[int, int], _Written] = {}
        #: Of each choice: how many parts a reader of the stream has seen, and its runs of texts, the last of them open
        #: if it ends the parts.
        self._shown: dict[int, int] = {}
        self._runs: dict[int, list[_Run]] = {}
        #: What stands before a text and behind it, for each choice.
        self._texts: dict[int, list[bytes]] = {}
        self._finished: dict[int, Json] = {}
        self._failed = False

    def render(self, event: Event) -> bytes:
        """The bytes for one event; b"" for one that this dialect does not show. Raises Unrepresentable."""
        if isinstance(event, PartDelta):
            return self._more(event)
        if isinstance(event, PartStarted):
            return self._begin(event)
        if isinstance(event, PartEnded):
            return self._close(event)
        if isinstance(event, Started):
            self._texts.clear()
            self._head = {
                "modelVersion": event.model,
                "responseId": event.response_id or self._response_id,
            }
        elif isinstance(event, Finished):
            self._finish(event)
        elif isinstance(event, Failed):
            self._failed = True
            return self._framing.fail(render_failed(event.code, event.message))
        return b""  # what is counted so far goes out with the last event

    def end(self, usage: Usage, cost_nusd: int | None) -> bytes:
        """The finish reasons, the sources and the usage; nothing after a failure."""
        if self._failed:
            return b""
        counts: Json = {**render_counts(usage)}
        if usage.source != "reported":
            counts["estimated"] = True
        put_cost(counts, cost_nusd)
        last: Json = {"candidates": list(self._finished.values())} if self._finished else {}
        return self._event({**last, "usageMetadata": counts}) + self._framing.end()

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`; nothing when the events told of it already."""
        return b"" if self._failed else self._framing.fail(render_error(error))

    def _event(self, fields: Json) -> bytes:
        return self._framing.event(_ENCODER.encode({**fields, **self._head}))

    def _part(self, index: int, *parts: Json | msgspec.Raw) -> bytes:
        if not parts:
            return b""
        content = {"parts": parts, "role": "model"}
        return self._event({"candidates": [{"content": content, "index": index}]})

    def _begin(self, event: PartStarted) -> bytes:
        value = event.value
        run = self._run(event.choice) if isinstance(value, Text | Refusal) else None
        self._parts[event.choice, event.part] = written = _Written(value, run)
        if isinstance(value, ToolCall):
            return b""
        for citation in value.citations if isinstance(value, Text) else ():
            written.cite(citation)
        if isinstance(value, Text | Refusal | Thinking):
            signature = value.signature if isinstance(value, Thinking) else None
            return self._more(PartDelta(event.choice, event.part, value.text, signature))
        parts, _ = render_parts((value,), f"choices[{event.choice}]", reply_rendering())
        self._shown[event.choice] = self._shown.get(event.choice, 0) + len(parts)
        return self._part(event.choice, *parts)

    def _run(self, choice: int) -> _Run:
        """The run that a text goes on, or begins."""
        runs = self._runs.setdefault(choice, [])
        seen = self._shown.get(choice, 0)
        if not runs or runs[-1].number != seen - 1:
            runs.append(_Run(seen))
            self._shown[choice] = seen + 1
        return runs[-1]

    def _more(self, event: PartDelta) -> bytes:
        written = self._parts[event.choice, event.part]
        first = written.first
        if isinstance(first, ToolCall):
            written.pieces.append(event.text)
            written.signature = event.signature or written.signature
            return b""
        if event.citation is not None:
            written.cite(event.citation)
        if written.run is not None:
            written.run.pieces.append(event.text)
            written.run.size += len(event.text)
        signature = own_signature(event.signature, first.maker if isinstance(first, Thinking) else None)
        if not event.text and not signature:
            return b""
        if written.run is not None and not signature:
            written.shown = True
            return self._text(event.choice, event.text)
        shown: Json = {"text": event.text}
        if isinstance(first, Thinking) and not written.shown:
            self._shown[event.choice] = self._shown.get(event.choice, 0) + 1
        written.shown = written.shown or bool(event.text)
        if isinstance(first, Thinking) and written.shown:
            shown["thought"] = True
        if signature:
            shown["thoughtSignature"] = signature
        return self._part(event.choice, shown)

    def _text(self, index: int, text: str) -> bytes:
        around = self._texts.get(index)
        if around is None:
            content = {"parts": [{"text": ""}], "role": "model"}
            fields: Json = {"candidates": [{"content": content, "index": index}], **self._head}
            around = self._texts[index] = _ENCODER.encode(fields).split(b'""', 1)
        return self._framing.event(b"%b%b%b" % (around[0], _ENCODER.encode(text), around[1]))

    def _close(self, event: PartEnded) -> bytes:
        call = self._parts.pop((event.choice, event.part)).call()
        if call is None:
            return b""
        self._shown[event.choice] = self._shown.get(event.choice, 0) + 1
        return self._part(event.choice, render_call(call))

    def _finish(self, event: Finished) -> None:
        # Google's SDK takes an answer with an event without content for a broken one, and its chats forget it.
        content = {"parts": [{"text": ""}], "role": "model"}
        out: Json = {
            "content": content,
            "index": event.choice,
            FIELD: finish_word(event.finish, event.extras),
        }
        cited = [
            (run.number, "".join(run.pieces), tuple(run.citations))
            for run in self._runs.get(event.choice, ())
            if run.citations
        ]
        sources = render_sources(cited)
        if sources is not None:
            out[GROUNDING] = sources
        self._finished[event.choice] = out
