"""Relays an OpenAI stream (chat or completions) and meters it beside the bytes."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.dialect import Pricer
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields
from waypost.dialects.masking import clean_message
from waypost.dialects.openai.chunk import Choice, Chunk, Frame, count_ordinary
from waypost.dialects.openai.errors import parse_inline, render_stream_error
from waypost.dialects.openai.usage import parse_usage, render_counts, splice_cost
from waypost.dialects.sse import EventSplitter, SseEvent, parse_event, render
from waypost.errors import Failed, Garbled, GatewayError, Truncated, UpstreamError

_DONE = b"[DONE]"
_DONE_EVENT = b"data: [DONE]\n\n"
#: Events in a row that are not JSON, after which the stream is given up.
_GARBAGE_IN_A_ROW = 3
#: Text per delta, in bytes, above which a provider is taken to send many tokens in one event, and the tokens in it.
_BATCHED_BYTES = 48
_BYTES_PER_TOKEN = 4

_CHUNK = msgspec.json.Decoder(Chunk)


class OpenAIRelay:
    """A `StreamRelay`. Three states: before the commit point, after it, and over (`finished` or `failure`)."""

    __slots__ = (
        "_asked",
        "_cost_shown",
        "_ended",
        "_envelope",
        "_frame",
        "_garbage",
        "_head",
        "_held",
        "_object",
        "_price",
        "_seen",
        "_seen_raw",
        "_splitter",
        "committed",
        "deltas",
        "failure",
        "finish_reason",
        "finished",
        "size",
        "skipped",
        "tier",
        "usage",
    )

    def __init__(self, asked: Asked, price: Pricer, object_name: bytes) -> None:
        self.committed = False
        self.finished = False
        self.failure: UpstreamError | None = None
        self.usage: Usage | None = None
        self.tier: str | None = None
        self.finish_reason: str | None = None
        self.deltas = 0
        #: Events that were left out: no JSON, a second end, or behind the end.
        self.skipped = 0
        self._asked = asked
        self._price = price
        self._object = object_name
        self._splitter = EventSplitter()
        self._frame = Frame()
        self._ended: set[int] = set()
        self._garbage = 0
        #: Bytes of the events that had content.
        self.size = 0
        self._envelope: int | None = None
        self._head: Chunk | None = None
        self._seen: Usage | None = None
        self._seen_raw: msgspec.Raw | None = None
        self._held: tuple[Fields, str | None] | None = None
        self._cost_shown = False

    def feed(self, chunk: bytes) -> bytes:
        """The bytes to send on for this chunk, whole events only; b"" when there is nothing yet."""
        count = self.ordinary(chunk)
        if count:
            self.deltas += count
            self.size += len(chunk)
            return chunk
        if self._over():
            self.skipped += len(self._splitter.feed(chunk))
            return b""
        out = [self._take(raw) for raw in self._splitter.feed(chunk)]
        if self._splitter.overflow:
            self._overflow()
        return b"".join(out)

    def ordinary(self, chunk: bytes) -> int:
        """See `pipeline.relay.Plain`."""
        if not self.committed or self._garbage or self.finished or self._splitter.buffer:
            return 0
        if self.failure is not None:
            return 0
        if self._frame.holds(chunk):
            return 1
        count = count_ordinary(chunk)
        if count == 1:
            self._frame.learn(chunk)
        return count

    def _overflow(self) -> None:
        if not self._over():
            self.failure = Garbled("The provider sent a stream event over the size limit. Try another model.")

    def _over(self) -> bool:
        return self.finished or self.failure is not None

    def end(self) -> bytes:
        """The upstream closed. A stream whose every choice has ended is whole even without its terminator."""
        if self._over():
            return b""
        out = b""
        rest = self._splitter.flush()
        if rest:
            out = self._last(rest)
            if self._over():
                return out
        if len(self._ended) >= max(1, self._asked.choices):
            return out + self._finish(_DONE_EVENT)
        self.failure = Truncated(
            "The provider closed the stream before its end. What came so far may be incomplete; ask again."
        )
        return out

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_stream_error(error)

    def partial(self) -> Usage:
        """Output: one token per content delta, as OpenAI and servers like it send; when deltas carry far more text
        than a token, a token per four bytes. Input: as reported so far, else as estimated at admission."""
        output = self.deltas
        text = self.size - self.deltas * (self._envelope or 0)
        if text > self.deltas * _BATCHED_BYTES:
            output = -(-text // _BYTES_PER_TOKEN)
        seen = self._seen
        if seen is None:
            return Usage(input=self._asked.input_estimate, output=output, source="partial")
        return msgspec.structs.replace(seen, output=max(seen.output, output), source="partial")

    def _last(self, rest: bytes) -> bytes:
        """Bytes that no blank line followed: a careless last event, or no event stream at all."""
        if rest.lstrip()[:1] == b"{":
            try:
                error = parse_object(rest).get("error")
            except ValueError:
                error = None
            self.failure = (
                parse_inline(error)
                if error is not None
                else Garbled(
                    "The provider answered with something that is no event stream. Try another model."
                )
            )
            return b""
        data = (parse_event(rest).data or b"").strip()
        if data != _DONE:
            try:
                _CHUNK.decode(data)
            except ValueError:
                return b""
        return self._take(rest.rstrip(b"\r\n") + b"\n\n")

    def _take(self, raw: bytes) -> bytes:
        """One event in, the bytes for it out."""
        if self._over():
            self.skipped += 1
            return b""
        if self.committed and self._garbage == 0 and count_ordinary(raw):
            self.deltas += 1
            self.size += len(raw)
            return raw
        event = parse_event(raw)
        if event.data is None:
            return raw
        data = event.data.strip()
        if data == _DONE:
            return self._finish(raw)
        try:
            data.decode()
            chunk = _CHUNK.decode(data)
        except msgspec.ValidationError:
            # JSON of a shape we do not know: the client may.
            chunk = Chunk()
        except (ValueError, RecursionError):
            return self._skip(event)
        self._garbage = 0
        if event.event == "error" or chunk.has_error():
            raw_error = chunk.error if chunk.has_error() else msgspec.Raw(data)
            self.failure = (
                parse_inline(raw_error) if raw_error is not None else Failed("The provider failed.")
            )
            return b""
        return self._read(raw, data, chunk, event.event)

    def _read(self, raw: bytes, data: bytes, chunk: Chunk, event: str | None) -> bytes:
        if self._head is None and bytes(chunk.id):
            self._head = chunk
        if bytes(chunk.service_tier):
            self.tier = loose_string(chunk.service_tier) or self.tier
        if chunk.choices:
            if self._ended and not chunk.has_usage() and all(map(self._ends_again, chunk.choices)):
                self.skipped += 1
                return b""
            self._meter(raw, chunk.choices)
        if not chunk.has_usage():
            return raw
        self._note_usage(chunk)
        if not chunk.choices:
            # Held to the end: some providers send it early, or twice, and the last one counts.
            self._held = (parse_object(data), event)
            return b""
        if not self._asked.wants_usage or self.usage is None:
            return raw
        return self._priced(parse_object(data), event)

    def _ends_again(self, choice: Choice) -> bool:
        """It ended before, and has nothing but another end."""
        return bool(choice.finish_reason) and choice.index in self._ended and not choice.content_size()

    def _meter(self, raw: bytes, choices: list[Choice]) -> None:
        size = 0
        for choice in choices:
            size += choice.content_size()
            if choice.finish_reason:
                self.committed = True
                if 0 <= choice.index < max(1, self._asked.choices):
                    self._ended.add(choice.index)
                if choice.index == 0:
                    self.finish_reason = choice.finish_reason
        if size:
            self.committed = True
            self.deltas += 1
            self.size += len(raw)
            if self._envelope is None:
                self._envelope = len(raw) - size
        if self._seen is not None and len(self._ended) >= max(1, self._asked.choices):
            self.usage = self._seen

    def _note_usage(self, chunk: Chunk) -> None:
        usage = parse_usage(chunk.usage)
        if usage is None:
            return
        self._seen = usage
        self._seen_raw = chunk.usage
        # Before every choice has ended it is a running count, not the bill.
        if len(self._ended) >= max(1, self._asked.choices):
            self.usage = usage

    def _skip(self, event: SseEvent) -> bytes:
        if event.event == "error":
            text = (event.data or b"").decode("utf-8", "replace")
            self.failure = Failed(f"The provider reported an error in its answer: {clean_message(text)}")
            return b""
        self.skipped += 1
        self._garbage += 1
        first = self._head is None and not self.committed and not self._ended
        if first or self._garbage >= _GARBAGE_IN_A_ROW:
            self.failure = Garbled(
                "The provider sent stream events that are not JSON. Try again, or another model."
            )
        return b""

    def _finish(self, terminator: bytes) -> bytes:
        """The usage event, if the client asked for it, and the terminator."""
        self.finished = True
        if self.usage is None:
            self.usage = self._seen
        return self._usage_event() + terminator

    def _usage_event(self) -> bytes:
        if not self._asked.wants_usage:
            return b""
        if self._held is not None and self.usage is not None:
            return self._priced(*self._held)
        if self._cost_shown:
            return b""
        if self.usage is not None:
            usage = splice_cost(self._seen_raw, self.usage, self._price(self.usage, self.tier))
        else:
            counted = msgspec.structs.replace(self.partial(), source="estimated")
            usage = render_counts(counted, self._price(counted, self.tier))
        head = self._head or Chunk(id=msgspec.Raw(b'""'))
        fields = {"id": head.id, "object": msgspec.Raw(b'"%b"' % self._object)}
        if bytes(head.created):
            fields["created"] = head.created
        if bytes(head.model):
            fields["model"] = head.model
        return render(render_fields({**fields, "choices": msgspec.Raw(b"[]"), "usage": usage}))

    def _priced(self, fields: Fields, event: str | None) -> bytes:
        """An event with its usage's cost written in."""
        usage = self.usage
        if usage is None:
            return b""
        self._cost_shown = True
        fields["usage"] = splice_cost(self._seen_raw, usage, self._price(usage, self.tier))
        return render(render_fields(fields), event)
