"""Between two dialects, through the core: the request's losses named, the answer's events carried one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from waypost.core.asked import Asked, Onward, Reply
from waypost.core.events import Event, Failed, Finished, PartDelta, PartStarted, Started, Used
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import (
    ChatRequest,
    Extras,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.core.response import ChatResponse, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.dialect import ChatCodec, Dialect, Pricer, StreamParser, StreamRenderer
from waypost.errors import Failed as AnswerFailed
from waypost.errors import GatewayError, Rejected, Unrepresentable, UpstreamError

#: Bytes of text per token, where no usage is reported.
BYTES_PER_TOKEN = 4
_TEXTS = (Text, Refusal, Thinking)
#: Text per delta, in bytes, above which a provider is taken to send many tokens in one event.
_BATCHED_BYTES = 32


def render_across(
    client: ChatCodec,
    target: ChatCodec,
    family: str,
    asked: Asked,
    model: str,
    quirks: Quirks,
    change: Callable[[ChatRequest], ChatRequest] | None = None,
) -> Onward:
    """The request, `change`d, in the target's dialect. Raises InvalidRequest and Unrepresentable."""
    request = client.parse_request(asked)
    if request.model != model:
        request = msgspec.structs.replace(request, model=model)
    if change is not None:
        request = change(request)
    loss = Loss(drop=asked.drop_content)
    for name in foreign_settings(request, client, family):
        loss.setting(name)
    body = target.render_request(request, quirks, loss)
    lost = loss.names
    return Onward(body, tuple([client.names.get(name, name) for name in lost]) if lost else ())


def foreign_settings(request: ChatRequest, client: ChatCodec, family: str) -> Iterator[str]:
    """Fields that only another dialect than `family` has: the target is not told of them."""
    neutral = client.neutral
    if request.extras is not None and request.extras.fields:
        yield from foreign_fields(request.extras, neutral, family, "")
    for number, tool in enumerate(request.tools):
        if not isinstance(tool, Opaque):
            yield from foreign_fields(tool.extras, neutral, family, f"tools[{number}].")
    if request.response_format is not None:
        yield from foreign_fields(request.response_format.extras, neutral, family, "response_format.")
    for number, message in enumerate(request.messages):
        if message.extras is not None and message.extras.fields:
            yield from foreign_fields(message.extras, neutral, family, f"messages[{number}].")
        for part in message.parts:
            if type(part) is not Text or part.extras is not None:  # seldom
                yield from _foreign_of(part, neutral, family, f"messages[{number}].")


def _foreign_of(
    part: Part, neutral: Mapping[str, frozenset[bytes]], family: str, where: str
) -> Iterator[str]:
    if not isinstance(part, Opaque):
        yield from foreign_fields(part.extras, neutral, family, where)
    if isinstance(part, ToolResult):
        for inner in part.parts:
            if not isinstance(inner, Opaque):
                yield from foreign_fields(inner.extras, neutral, family, where)


def foreign_fields(
    extras: Extras | None, neutral: Mapping[str, frozenset[bytes]], family: str, where: str
) -> Iterator[str]:
    """Those of one object's extras, but for values that say nothing."""
    if extras is None or extras.dialect == family:
        return
    for name, raw in extras.fields.items():
        value = bytes(raw)
        if value != b"null" and value not in neutral.get(name, ()):
            yield f"{where}{name}"


def parse_cross_reply(codec: ChatCodec, body: bytes) -> Reply:
    """A whole answer of another dialect. Raises UpstreamError."""
    response = codec.parse_response(body)
    first = response.choices[0].finish if response.choices else None
    return Reply({}, response.usage, response.tier, None if first is None else first.value, response)


def parse_cross_error(
    target: Dialect, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> UpstreamError:
    """The target's error without its own envelope and its own field names, which the client would not know."""
    error = target.parse_error(status, headers, body)
    if isinstance(error, Rejected):
        error.body = error.param = None
    return error


def estimate_response(asked: Asked, response: ChatResponse) -> Usage:
    """Input as estimated at admission; output from the text of the answer."""
    size = sum(part_size(part) for choice in response.choices for part in choice.parts)
    return Usage(input=asked.input_estimate, output=-(-size // BYTES_PER_TOKEN), source="estimated")


def part_size(part: ReplyPart) -> int:
    """Bytes of what a reader, or a tool, is given."""
    if isinstance(part, _TEXTS):
        return len(part.text.encode())
    if isinstance(part, ToolCall):
        return len(part.name.encode()) + len(part.arguments.encode())
    return len(bytes(part.data)) if isinstance(part, Opaque) else len(part.data or "")


class CrossRelay:
    """A `StreamRelay` whose two sides speak different dialects."""

    __slots__ = (
        "_asked",
        "_parser",
        "_price",
        "_renderer",
        "_seen",
        "_size",
        "committed",
        "deltas",
        "failure",
        "finish_reason",
        "finished",
        "tier",
        "usage",
    )

    def __init__(self, asked: Asked, price: Pricer, parser: StreamParser, renderer: StreamRenderer) -> None:
        self.committed = False
        self.finished = False
        self.failure: UpstreamError | None = None
        self.usage: Usage | None = None
        self.tier: str | None = None
        self.finish_reason: str | None = None
        self.deltas = 0
        self._asked = asked
        self._price = price
        self._parser = parser
        self._renderer = renderer
        self._seen: Usage | None = None
        self._size = 0

    @property
    def skipped(self) -> int:
        """See `StreamRelay`."""
        return self._parser.skipped

    def feed(self, chunk: bytes) -> bytes:
        """See `StreamRelay`."""
        if self.finished or self.failure is not None:
            return b""
        return self._carry(self._parser.feed(chunk))

    def end(self) -> bytes:
        """See `StreamRelay`."""
        if self.finished or self.failure is not None:
            return b""
        return self._carry(self._parser.end())

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay`."""
        return self._renderer.fail(error)

    def partial(self) -> Usage:
        """Output: a token per delta, or per four bytes of text where deltas carry far more than a token."""
        output = self.deltas
        if self._size > output * _BATCHED_BYTES:
            output = -(-self._size // BYTES_PER_TOKEN)
        seen = self._seen
        if seen is None:
            return Usage(input=self._asked.input_estimate, output=output, source="partial")
        return msgspec.structs.replace(seen, output=max(seen.output, output), source="partial")

    def _carry(self, events: list[Event]) -> bytes:
        render = self._renderer.render
        out: list[bytes] = []
        try:
            for event in events:
                self._meter(event)
                if isinstance(event, Failed):
                    continue  # told once, by `fail`, and not at all before the commit point
                if isinstance(event, Started) and not event.model:
                    # Some formats name no model; the client's own word is better than none.
                    event = msgspec.structs.replace(event, model=self._asked.model)
                out.append(render(event))
        except Unrepresentable as error:
            self.failure = AnswerFailed(error.message)
            return b"".join(out)
        self.failure = self._parser.failure
        if self._parser.finished and self.failure is None:
            self.finished = self.committed = True
            self.usage = self._seen
            usage = self._seen or msgspec.structs.replace(self.partial(), source="estimated")
            out.append(self._renderer.end(usage, self._price(usage, self.tier)))
        return b"".join(out)

    def _meter(self, event: Event) -> None:
        if isinstance(event, PartDelta):
            if event.text:
                self.committed = True
                self.deltas += 1
                self._size += len(event.text)
        elif isinstance(event, PartStarted):
            size = part_size(event.value)
            if size or isinstance(event.value, ToolCall):
                self.committed = True
                self.deltas += 1
                self._size += size
        elif isinstance(event, Used):
            self._seen = event.usage
        elif isinstance(event, Finished):
            if event.choice == 0:
                self.finish_reason = event.finish.value
        elif isinstance(event, Started):
            self.tier = event.tier
