"""Laws that hold in every dialect of the registry that has a codec.

Each dialect declares in its `claims.py` what it says otherwise than the core. What it does not declare has to come back
as it was; so a dialect without claims fails here until somebody has thought about it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dialects import strategies
from dialects.anthropic_messages.claims import CLAIMS as ANTHROPIC
from dialects.bedrock_converse.claims import CLAIMS as BEDROCK
from dialects.claims import SAMPLING, THINKING, Claims
from dialects.gemini_generate.claims import CLAIMS as GEMINI
from dialects.openai_chat.claims import CLAIMS as CHAT
from dialects.openai_responses.claims import CLAIMS as RESPONSES
from effort import examples
from waypost.core.asked import Asked, PathAsk, Stamp
from waypost.core.events import Event, PartDelta, Started
from waypost.core.fold import fold, unfold
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import (
    CacheHint,
    ChatRequest,
    Media,
    Message,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.cross import CrossRelay
from waypost.dialects.dialect import ChatCodec, Dialect, StreamParser
from waypost.dialects.registry import DIALECTS
from waypost.errors import Overloaded, Unrepresentable

STAMP = Stamp("x-1", 17)
HI = (Message("user", (Text("Hi"),)),)
CLAIMS: dict[str, Claims] = {
    "anthropic_messages": ANTHROPIC,
    "bedrock_converse": BEDROCK,
    "gemini_generate": GEMINI,
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
}


def codec_of(dialect: Dialect) -> ChatCodec:
    assert dialect.codec is not None
    return dialect.codec


SPOKEN = [dialect for _, dialect in sorted(DIALECTS.items()) if dialect.codec is not None]
#: Those that clients ask in too.
ASKED = [dialect for dialect in SPOKEN if dialect.entries]
in_both_roles = pytest.mark.parametrize("dialect", ASKED, ids=lambda dialect: dialect.name)
in_every_dialect = pytest.mark.parametrize("dialect", SPOKEN, ids=lambda dialect: dialect.name)
lawful = settings(deadline=None, max_examples=examples(60))


def test_every_dialect_has_declared_what_it_says_otherwise() -> None:
    assert {dialect.name for dialect in ASKED} == CLAIMS.keys()


# --- how values are compared ---------------------------------------------------------------------------------------


def bare_part(part: Any) -> Any:
    """A part without how its dialect wrote it."""
    if isinstance(part, Opaque):
        return part
    if isinstance(part, ToolResult):
        inner = tuple(bare_part(each) for each in part.parts)
        return msgspec.structs.replace(part, extras=None, parts=inner, name=None)
    if isinstance(part, Text):
        citations = tuple(msgspec.structs.replace(each, extras=None) for each in part.citations)
        return msgspec.structs.replace(part, extras=None, citations=citations)
    return msgspec.structs.replace(part, extras=None)


def in_order(raw: msgspec.Raw | None) -> bytes | None:
    """JSON with its fields in order."""
    return None if raw is None else msgspec.json.encode(msgspec.json.decode(raw), order="sorted")


def bare_request(request: ChatRequest) -> ChatRequest:
    """Without how it was written, and without what only the meter wants."""
    messages = tuple(
        Message(message.role, tuple(bare_part(part) for part in message.parts))
        for message in request.messages
    )
    tools = tuple(
        tool
        if isinstance(tool, Opaque)
        else msgspec.structs.replace(tool, extras=None, parameters=in_order(tool.parameters))
        for tool in request.tools
    )
    wanted = request.response_format
    if wanted is not None:
        wanted = msgspec.structs.replace(wanted, extras=None, schema=in_order(wanted.schema))
    return msgspec.structs.replace(
        request,
        messages=messages,
        tools=tools,
        response_format=wanted,
        wants_usage=False,
        extras=None,
    )


def bare_answer(answer: ChatResponse) -> ChatResponse:
    """Without how it was written."""
    choices = tuple(
        Choice(
            choice.index,
            tuple(bare_part(part) for part in choice.parts),
            choice.finish,
            stop_text=choice.stop_text,
        )
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices, extras=None)


def without(request: ChatRequest, unsaid: tuple[str, ...]) -> ChatRequest:
    """The request with those settings as if nobody had said them."""
    plain = ChatRequest("", ())
    for name in unsaid:
        if name.startswith(SAMPLING):
            field = name.removeprefix(SAMPLING)
            sampling = msgspec.structs.replace(request.sampling, **{field: getattr(plain.sampling, field)})
            request = msgspec.structs.replace(request, sampling=sampling)
        else:
            request = msgspec.structs.replace(request, **{name: getattr(plain, name)})
    return request


def asked(dialect: Dialect, body: bytes, request: ChatRequest) -> Asked:
    return dialect.parse_ask(body, path=PathAsk(model=request.model, stream=request.stream))


# --- requests ------------------------------------------------------------------------------------------------------


def value_of(request: ChatRequest, name: str) -> object:
    """A setting: a field of the request, or `sampling.…`."""
    if name.startswith(SAMPLING):
        return getattr(request.sampling, name.removeprefix(SAMPLING))
    return getattr(request, name)


def not_compared(claims: Claims, request: ChatRequest, names: tuple[str, ...]) -> tuple[str, ...]:
    """The settings that need not come back: without a word, named this time, or set where the client set nothing."""
    named = {name for name in claims.sometimes if name.removeprefix(SAMPLING) in names}
    if named & {*THINKING}:
        named |= {*THINKING}
    invented = [name for name in claims.wanted if value_of(request, name) is None]
    return (*claims.unsaid, *sorted(named), *invented)


def silent(claims: Claims, request: ChatRequest, names: tuple[str, ...]) -> list[str]:
    """Settings without a word that were set, say something, and were not named."""
    plain = ChatRequest("", ())
    return [
        name
        for name in claims.unsaid
        if value_of(request, name) not in (value_of(plain, name), *claims.quiet.get(name, ()))
        and name.removeprefix(SAMPLING) not in names
    ]


def placeless_name(name: str) -> str:
    """A path without its numbers."""
    return re.sub(r"\[\d+\]", "[]", name)


@in_both_roles
@lawful
@given(request=strategies.requests())
@example(request=ChatRequest("model", HI, effort="none", show_thinking=False))
@example(request=ChatRequest("model", HI, thinking_budget=0, show_thinking=True))
@example(request=ChatRequest("model", HI, metadata={"a_0": "0"}))
@example(request=ChatRequest("model", HI, max_output=25_871, effort="xhigh"))
@example(request=ChatRequest("model", HI, effort="none", thinking_budget=-1))
def test_a_request_comes_back_as_the_dialect_claims(dialect: Dialect, request: ChatRequest) -> None:
    claims, codec = CLAIMS[dialect.name], codec_of(dialect)
    assume(claims.sayable(request))
    request = msgspec.structs.replace(request, model=claims.model)
    loss = Loss(drop=True)
    body = codec.render_request(request, claims.quirks, loss)
    found = codec.parse_request(asked(dialect, body, request))
    apart = not_compared(claims, request, loss.names)
    assert without(bare_request(found), apart) == without(bare_request(claims.request(request)), apart)
    known = {name.removeprefix(SAMPLING) for name in (*claims.unsaid, *claims.sometimes)}
    assert {placeless_name(name) for name in loss.names} <= known | {*claims.content}, "it is declared"
    assert silent(claims, request, loss.names) == [], "what is left out is named"


@in_every_dialect
@lawful
@given(request=strategies.odd_requests)
def test_a_request_is_said_or_refused_by_name_and_never_fails(dialect: Dialect, request: ChatRequest) -> None:
    codec = codec_of(dialect)
    loss = Loss(drop=True)
    body = codec.render_request(request, Quirks(), loss)
    assert isinstance(msgspec.json.decode(body), dict)
    assert b"somewhere_else" not in body
    assert b'"odd":1' not in body
    strict = Loss()
    try:
        again: bytes | None = codec.render_request(request, Quirks(), strict)
    except Unrepresentable as error:
        refused, again = error.param, None
    if again is None:
        assert refused in loss.names
    else:
        assert (again, strict.names) == (body, loss.names)


def leaves(value: Any) -> Iterator[str]:
    """Every text of a JSON value, also of JSON within a text."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                yield from leaves(msgspec.json.decode(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def with_marks(request: ChatRequest) -> ChatRequest:
    """Every text that says something says a word of its own."""
    marks = count()

    def marked(part: Any) -> Any:
        if isinstance(part, Text | Refusal | Thinking) and part.text.strip():
            return msgspec.structs.replace(part, text=f"word{next(marks)}!")
        if isinstance(part, ToolCall) and part.arguments.strip():
            return msgspec.structs.replace(part, arguments=f"{part.arguments} word{next(marks)}!")
        if isinstance(part, ToolResult):
            return msgspec.structs.replace(part, parts=tuple(marked(inner) for inner in part.parts))
        return part

    messages = tuple(
        msgspec.structs.replace(message, parts=tuple(marked(part) for part in message.parts))
        for message in request.messages
    )
    return msgspec.structs.replace(request, messages=messages)


def said_in(part: Any) -> Iterator[str]:
    """What of a part has to be found in a body, or else be named."""
    if isinstance(part, ToolResult):
        yield part.call_id
        for inner in part.parts:
            yield from said_in(inner)
    elif isinstance(part, ToolCall):
        yield part.name
        yield part.arguments
    elif isinstance(part, Media) and sum(map(bool, (part.data, part.file_id, part.url))) == 1:
        yield part.data or part.file_id or part.url or ""
    elif isinstance(part, Text | Refusal) or (isinstance(part, Thinking) and part.text):
        yield part.text


@in_every_dialect
@lawful
@given(request=strategies.odd_requests)
@example(
    request=ChatRequest(
        "model",
        (Message("assistant", (Thinking("Hm.", "AAAA", maker="anthropic-claude-v1", redacted=True),)), *HI),
    )
)
@example(request=ChatRequest("model", (Message("assistant", (Text("Hm.", CacheHint()),)), *HI)))
def test_nothing_of_a_conversation_is_left_out_in_silence(dialect: Dialect, request: ChatRequest) -> None:
    # The conversation alone: a key of the cache, or a hint on a tool, is not its hint.
    request = msgspec.structs.replace(with_marks(request), tools=(), cache_key=None)
    loss = Loss(drop=True)
    body = codec_of(dialect).render_request(request, Quirks(), loss)
    found = "\n".join(leaves(msgspec.json.decode(body)))
    for number, message in enumerate(request.messages):
        named = any(name.startswith(f"messages[{number}]") for name in loss.names)
        for part in message.parts:
            for text in said_in(part):
                decoded = plain_text(part, text)
                assert named or text in found or decoded in found, (text, loss.names, body)
            within = [each for each in (part, *getattr(part, "parts", ())) if body_has(each)]
            hint = any(getattr(each, "cache", None) for each in within)
            kept = b"cache" in body or not {"cache", "cache_control"}.isdisjoint(loss.names)
            assert not hint or kept or named, "a hint is kept or named"
            cited = any(getattr(each, "citations", ()) for each in within)
            assert not cited or named or '"u"' in body.decode(), "a source is kept or named"


def plain_text(part: Any, text: str) -> str:
    """What stands in a body for it: a text of white space is nothing, a plain document its words."""
    if isinstance(part, Media):
        try:
            return base64.b64decode(text).decode()
        except ValueError:
            return text
    return text.strip()


def body_has(part: Any) -> bool:
    """Whether there is anything that a hint could hang on."""
    return not isinstance(part, Text) or bool(part.text.strip())


# --- answers -------------------------------------------------------------------------------------------------------


def showable(dialect: Dialect, answer: ChatResponse) -> ChatResponse:
    """As many choices as it shows."""
    if CLAIMS[dialect.name].choices:
        return answer
    return msgspec.structs.replace(answer, choices=answer.choices[:1])


def streamed(dialect: Dialect, events: list[Event], answer_usage: Usage | None = None) -> bytes:
    renderer = codec_of(dialect).stream_renderer(Asked("model", True, {}, wants_usage=True), STAMP)
    return b"".join(map(renderer.render, events)) + renderer.end(answer_usage or Usage(), None)


def read(parser: StreamParser, stream: bytes, cuts: list[int]) -> list[Event]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    events: list[Event] = []
    for start, end in pairwise(edges):
        events += parser.feed(stream[start:end])
    return events + parser.end()


def joined(events: list[Event]) -> list[Event]:
    """Neighbouring pieces of one text as one: how the bytes were cut may show in nothing else."""
    out: list[Event] = []
    for event in events:
        last = out[-1] if out else None
        if (
            isinstance(event, PartDelta)
            and isinstance(last, PartDelta)
            and (event.choice, event.part, event.signature, event.citation)
            == (last.choice, last.part, None, None)
            and (last.signature, last.citation) == (None, None)
        ):
            out[-1] = msgspec.structs.replace(last, text=last.text + event.text)
        else:
            out.append(event)
    return out


@in_both_roles
@lawful
@given(answer=strategies.answers())
def test_an_answer_comes_back_whole_and_streamed(dialect: Dialect, answer: ChatResponse) -> None:
    claims, codec = CLAIMS[dialect.name], codec_of(dialect)
    answer = showable(dialect, answer)
    expected = claims.answer(bare_answer(answer))
    body = codec.render_response(answer, Asked("model", False, {}), None, STAMP)
    assert claims.answer(bare_answer(codec.parse_response(body))) == expected
    parser = codec.stream_parser()
    events = read(parser, streamed(dialect, list(unfold(answer)), answer.usage), [])
    assert parser.finished
    assert parser.failure is None
    assert claims.answer(bare_answer(fold(events))) == expected, "a stream folds to the whole answer"


@in_both_roles
@lawful
@given(answer=strategies.answers(), cuts=st.lists(st.integers(0, 100_000), max_size=8))
def test_how_the_bytes_were_cut_does_not_show(
    dialect: Dialect, answer: ChatResponse, cuts: list[int]
) -> None:
    stream = streamed(dialect, list(unfold(showable(dialect, answer))), answer.usage)
    whole, cut = codec_of(dialect).stream_parser(), codec_of(dialect).stream_parser()
    assert joined(read(cut, stream, cuts)) == joined(read(whole, stream, []))
    assert (cut.finished, cut.failure is None) == (whole.finished, whole.failure is None)


@in_both_roles
@lawful
@given(answer=strategies.answers(), share=st.floats(0, 1))
def test_a_stream_that_ends_early_is_no_whole_answer(
    dialect: Dialect, answer: ChatResponse, share: float
) -> None:
    stream = streamed(dialect, list(unfold(showable(dialect, answer))), answer.usage)
    parser = codec_of(dialect).stream_parser()
    fold(read(parser, stream[: int(len(stream) * share)], []))
    assert parser.finished is (parser.failure is None)


@in_every_dialect
@lawful
@given(garbage=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=3))
def test_a_parser_never_raises(dialect: Dialect, garbage: bytes, cuts: list[int]) -> None:
    parser = codec_of(dialect).stream_parser()
    read(parser, garbage, cuts)
    assert parser.finished is (parser.failure is None)


@in_both_roles
@lawful
@given(answer=strategies.answers(), number=st.integers(0, 50))
def test_nothing_ends_a_stream_that_failed(dialect: Dialect, answer: ChatResponse, number: int) -> None:
    codec = codec_of(dialect)
    events = list(unfold(showable(dialect, answer)))[:-1]
    renderer = codec.stream_renderer(Asked("model", True, {}, wants_usage=True), STAMP)
    begun = b"".join(map(renderer.render, events[: 1 + number % len(events)]))
    failed = renderer.fail(Overloaded("The gateway is busy. Try again."))
    assert b"gateway is busy" in failed
    parser = codec.stream_parser()
    read(parser, begun + failed, [])
    assert parser.failure is not None
    assert not parser.finished


class _Nothing:
    """A parser that found an answer of one part."""

    failure = None

    def __init__(self, part: ReplyPart) -> None:
        self.finished = False
        self._part = part

    def feed(self, chunk: bytes) -> list[Event]:
        self.finished = True
        return list(unfold(ChatResponse("id", "m", (Choice(0, (self._part,), None),))))

    def end(self) -> list[Event]:
        return []


@in_both_roles
@pytest.mark.parametrize(
    "part",
    [Opaque("somewhere_else", msgspec.Raw(b"{}"), "content"), Media("video", file_id="f")],
    ids=["opaque", "video"],
)
def test_a_part_that_clients_can_not_be_shown_is_no_silence(dialect: Dialect, part: ReplyPart) -> None:
    codec = codec_of(dialect)
    ask = Asked("model", True, {}, wants_usage=True)
    relay = CrossRelay(ask, lambda usage, tier: None, _Nothing(part), codec.stream_renderer(ask, STAMP))
    relay.feed(b"")
    assert relay.failure is not None
    answer = ChatResponse("id", "m", (Choice(0, (part,), None),), usage=Usage())
    with pytest.raises(Unrepresentable):
        codec.render_response(answer, ask, None, STAMP)


@in_both_roles
def test_several_choices_are_shown_or_refused(dialect: Dialect) -> None:
    codec = codec_of(dialect)
    answer = ChatResponse(
        "id",
        "m",
        tuple(Choice(index, (Text(text),), Finish.STOP) for index, text in enumerate(("one", "two"))),
    )
    if CLAIMS[dialect.name].choices:
        assert b"two" in codec.render_response(answer, Asked("m", False, {}), None, STAMP)
        assert b"two" in streamed(dialect, list(unfold(answer)))
        return
    with pytest.raises(Unrepresentable):
        codec.render_response(answer, Asked("m", False, {}), None, STAMP)
    with pytest.raises(Unrepresentable):
        streamed(dialect, list(unfold(answer)))


@in_both_roles
def test_an_answer_names_what_was_served(dialect: Dialect) -> None:
    codec = codec_of(dialect)
    answer = ChatResponse(
        "id-1", "served-model", (Choice(0, (Text("hi"),), None),), usage=Usage(input=1, output=1)
    )
    shown = CLAIMS[dialect.name].model_shown
    assert (b"served-model" in codec.render_response(answer, Asked("asked", False, {}), None, STAMP)) is shown
    renderer = codec.stream_renderer(Asked("asked", True, {}), STAMP)
    begun = b"".join(map(renderer.render, [Started("id-1", "served-model"), *list(unfold(answer))[1:]]))
    assert (b"served-model" in begun) is shown
