"""Answers of a wanted shape, whoever gives them: how a target is told, and whether it kept to it.

A provider says in its quirks what its word is worth (`Quirks.json_schema`). `native`: it enforces the schema, and
nothing is done here. `unsure`: it is asked in its own way and its answer is checked. `tool`: it has no word for it and
is made to call a tool whose arguments have the shape. `prompt`: the shape is described in words. All but `native` are
checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import jsonschema_rs
import msgspec

from waypost.core.asked import Asked, Onward, Reply, Stamp
from waypost.core.events import Event, Finished, PartDelta, PartStarted
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, Text, Tool, ToolCall, ToolChoice
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.dialects.cross import CrossRelay, render_across
from waypost.dialects.dialect import ChatCodec, Dialect, Pricer, StreamParser, StreamRelay
from waypost.dialects.lane import CrossLane
from waypost.errors import InvalidRequest, UpstreamError

Mode = Literal["native", "unsure", "tool", "prompt"]

#: The tool that a target is made to call. No client's tool is likely to have the name, and a model understands it.
TOOL = "final_answer"
#: Faults of one answer that the model is told of.
_FAULTS_MAX = 8
_BACKTRACK_MAX = 10_000
_ENCODER = msgspec.json.Encoder()

#: Where each family asks for a shape: a cheap look before the request is read through the core.
_WHERE: dict[str, tuple[str, bytes]] = {
    "openai_chat": ("response_format", b"json_schema"),
    "openai_responses": ("text", b"json_schema"),
    "anthropic_messages": ("output_config", b"json_schema"),
    "gemini_generate": ("generationConfig", b"chema"),
    "bedrock_converse": ("outputConfig", b"chema"),
}


class Shape:
    """A schema that an answer has to be an instance of."""

    __slots__ = ("_schema", "_validator", "with_tools")

    def __init__(self, schema: msgspec.Raw, *, with_tools: bool) -> None:
        """`with_tools`: the request has tools of its own. `prepare` it before its first answer."""
        self._schema = schema
        self._validator: jsonschema_rs.Validator | None = None
        self.with_tools = with_tools

    def prepare(self) -> None:
        """Raises InvalidRequest for a schema that is none; nothing that it refers to is fetched."""
        try:
            self._validator = jsonschema_rs.validator_for(
                msgspec.json.decode(self._schema),
                offline=True,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_MAX),
            )
        except ValueError as fault:
            reason = str(fault).partition("\n")[0][:300]
            raise InvalidRequest(
                f"The JSON schema of the answer can not be used: {reason}. Correct the schema; references to other "
                "documents are not followed.",
                param="response_format.json_schema.schema",
            ) from None

    def faults(self, text: str) -> list[str]:
        """What is wrong with an answer; nothing for an instance of the schema."""
        try:
            value = msgspec.json.decode(text.encode())
        except (ValueError, RecursionError):
            return ["it is not JSON"]
        found: list[str] = []
        if self._validator is None:
            self.prepare()
        assert self._validator is not None  # noqa: S101 - prepare set it or raised
        for error in self._validator.iter_errors(value):
            place = "/".join(str(step) for step in error.instance_path)
            found.append(f"at /{place}: {error.message[:200]}")
            if len(found) == _FAULTS_MAX:
                break
        return found


def wanted_shape(client: Dialect, asked: Asked) -> Shape | None:
    """The shape a client asks for; None, after one look, for nearly every request. Raises InvalidRequest."""
    where = _WHERE.get(client.family)
    if where is None or client.codec is None:
        return None
    raw = asked.fields.get(where[0])
    if raw is None or where[1] not in bytes(raw):
        return None
    request = client.codec.parse_request(asked)
    wanted = request.response_format
    return (
        None
        if wanted is None or wanted.schema is None
        else Shape(wanted.schema, with_tools=bool(request.tools))
    )


def shape_faults(shape: Shape, response: ChatResponse) -> list[str]:
    """What is wrong with the answers that say they are complete. One that was cut, filtered or declined is what it is,
    and one that calls a tool is not yet an answer."""
    for choice in response.choices:
        if choice.finish is Finish.STOP and not any(isinstance(part, ToolCall) for part in choice.parts):
            text = "".join(part.text for part in choice.parts if isinstance(part, Text))
            faults = shape.faults(text)
            if faults:
                return faults
    return []


def ask_again(client: ChatCodec, asked: Asked, response: ChatResponse, faults: list[str]) -> ChatRequest:
    """The request once more, with the answer that was wrong and what was wrong with it."""
    request = client.parse_request(asked)
    said = tuple(part for choice in response.choices[:1] for part in choice.parts if isinstance(part, Text))
    told = (
        "That answer does not match the JSON schema that was asked for: "
        + "; ".join(faults)
        + ". Answer again with the corrected JSON alone."
    )
    messages = (*request.messages, Message("assistant", said), Message("user", (Text(told),)))
    return msgspec.structs.replace(request, messages=messages)


class ShapedLane(CrossLane):
    """A lane to a target that has no word of its own for a schema."""

    __slots__ = ("_mode",)

    def __init__(self, client: ChatCodec, target: Dialect, codec: ChatCodec, mode: Mode) -> None:
        super().__init__(client, target, codec)
        self._mode = mode

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """Raises InvalidRequest and Unrepresentable."""
        family = self.target.family
        return render_across(self._client, self._codec, family, asked, model, quirks, self._shaped)

    def _shaped(self, request: ChatRequest) -> ChatRequest:
        return as_tool(request) if self._mode == "tool" and not request.tools else as_prompt(request)

    def parse_reply(self, body: bytes) -> Reply:
        """The call of the tool is the answer's text."""
        reply = super().parse_reply(body)
        assert reply.response is not None  # noqa: S101 - the lane's own parse set it
        return msgspec.structs.replace(reply, response=from_tool(reply.response))

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        """See `Lane`."""
        parser = _FromTool(self._codec.stream_parser())
        return CrossRelay(asked, price, parser, self._client.stream_renderer(asked, stamp))


def as_tool(request: ChatRequest) -> ChatRequest:
    """The same request, whose answer is the call of a tool."""
    wanted = request.response_format
    if wanted is None:
        return request
    tool = Tool(
        TOOL,
        wanted.description or "Give the final answer by calling this, in the shape of its parameters.",
        wanted.schema,
    )
    return msgspec.structs.replace(
        request, tools=(tool,), tool_choice=ToolChoice("one", TOOL), response_format=None
    )


def as_prompt(request: ChatRequest) -> ChatRequest:
    """The same request, with the shape told in words."""
    wanted = request.response_format
    if wanted is None or wanted.schema is None:
        return request
    told = (
        "Answer with JSON alone, without any other text and without a code fence. It has to match this JSON schema: "
        + bytes(wanted.schema).decode()
    )
    return msgspec.structs.replace(
        request,
        messages=(*_leading_system(request), Message("system", (Text(told),)), *_rest(request)),
        response_format=None,
    )


def _leading_system(request: ChatRequest) -> Iterator[Message]:
    for message in request.messages:
        if message.role not in ("system", "developer"):
            return
        yield message


def _rest(request: ChatRequest) -> tuple[Message, ...]:
    return request.messages[len(tuple(_leading_system(request))) :]


def from_tool(response: ChatResponse) -> ChatResponse:
    """The call of the tool as the text that the client waits for."""
    return msgspec.structs.replace(
        response, choices=tuple(_choice_from_tool(choice) for choice in response.choices)
    )


def _choice_from_tool(choice: Choice) -> Choice:
    if not any(isinstance(part, ToolCall) and part.name == TOOL for part in choice.parts):
        return choice
    parts = tuple(
        Text(part.arguments) if isinstance(part, ToolCall) and part.name == TOOL else part
        for part in choice.parts
    )
    finish = Finish.STOP if choice.finish is Finish.TOOLS else choice.finish
    return Choice(choice.index, parts, finish)


class _FromTool:
    """A `StreamParser` over another one: the same change, event by event."""

    __slots__ = ("_inner", "_tools")

    def __init__(self, inner: StreamParser) -> None:
        self._inner = inner
        self._tools: set[int] = set()

    @property
    def finished(self) -> bool:
        return self._inner.finished

    @property
    def failure(self) -> UpstreamError | None:
        return self._inner.failure

    @property
    def skipped(self) -> int:
        return self._inner.skipped

    def feed(self, chunk: bytes) -> list[Event]:
        return [change for event in self._inner.feed(chunk) for change in self._changed(event)]

    def end(self) -> list[Event]:
        return [change for event in self._inner.end() for change in self._changed(event)]

    def _changed(self, event: Event) -> Iterator[Event]:
        if isinstance(event, PartStarted) and isinstance(event.value, ToolCall) and event.value.name == TOOL:
            self._tools.add(event.choice)
            yield PartStarted(event.choice, event.part, Text(""))
            if event.value.arguments:
                yield PartDelta(event.choice, event.part, event.value.arguments)
        elif isinstance(event, Finished) and event.choice in self._tools and event.finish is Finish.TOOLS:
            yield Finished(event.choice, Finish.STOP)
        else:
            yield event
