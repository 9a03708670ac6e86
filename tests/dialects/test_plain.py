"""What is nothing but text is said in one step, and that step makes what the general way makes: the same request, the
same answer, the same events, the same bytes. Everything here is said twice, the second time with the steps taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects import strategies
from dialects.nearly import (
    ANSWERS,
    ANSWERS_USUAL,
    REQUESTS,
    STREAMS,
    USUAL,
    anthropic_event,
    chat_event,
    gemini_event,
    models,
    texts,
)
from effort import examples
from waypost.core.asked import Asked, PathAsk, Stamp
from waypost.core.events import Event
from waypost.core.fold import unfold
from waypost.core.loss import Loss
from waypost.core.markup import marked
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.dialect import ChatCodec
from waypost.dialects.registry import DIALECTS
from waypost.errors import GatewayError

lawful = settings(deadline=None, max_examples=examples(250))
STAMP = Stamp("x-1", 17)
HERE = "waypost.dialects"
#: Where each step is called from, and its name there.
STEPS = (
    f"{HERE}.openai_chat.request.parse_plain",
    f"{HERE}.openai_chat.tools.parse_tools",
    f"{HERE}.openai_chat.body.render_plain",
    f"{HERE}.openai_chat.response.parse_choice",
    f"{HERE}.openai_chat.response.render_plain",
    f"{HERE}.anthropic_messages.request.parse_plain",
    f"{HERE}.anthropic_messages.tools.parse_tools",
    f"{HERE}.anthropic_messages.request.render_plain",
    f"{HERE}.anthropic_messages.response.parse_blocks",
    f"{HERE}.anthropic_messages.response.render_answer",
    f"{HERE}.anthropic_messages.stream_parser.read_delta",
    f"{HERE}.gemini_generate.request.parse_plain",
    f"{HERE}.gemini_generate.request.render_plain",
    f"{HERE}.gemini_generate.response.parse_candidates",
    f"{HERE}.gemini_generate.response.render_answer",
    f"{HERE}.gemini_generate.stream.read_event",
    f"{HERE}.openai_responses.request.parse_plain",
    f"{HERE}.openai_responses.response.render_plain",
    f"{HERE}.openai_chat.stream.read_ordinary",
)


@contextmanager
def steps(change: Callable[[Any], Any]) -> Iterator[None]:
    """Each step replaced by what `change` makes of it."""
    with ExitStack() as stack:
        for name in STEPS:
            module, _, function = name.rpartition(".")
            found = getattr(__import__(module, fromlist=[function]), function)
            stack.enter_context(patch(name, change(found)))
        yield


def the_general_way() -> Any:
    return steps(lambda _: lambda *_, **__: None)


def codec(name: str) -> ChatCodec:
    found = DIALECTS[name].codec
    assert found is not None
    return found


def said(call: Callable[[], object]) -> object:
    """What comes of it, an error included."""
    try:
        return call()
    except GatewayError as error:
        return type(error), error.message, getattr(error, "param", None)


def twice(call: Callable[[], object]) -> None:
    """The same in one step and in the general way."""
    found = said(call)
    with the_general_way():
        assert found == said(call)


# --- what is on the wire -------------------------------------------------------------------------------------------

in_each = pytest.mark.parametrize("name", sorted(REQUESTS))


def asked_of(name: str, body: dict[str, Any]) -> Asked | None:
    """None for a request that is refused before it crosses."""
    try:
        return DIALECTS[name].parse_ask(msgspec.json.encode(body), path=PathAsk(model="gemini-2.5-flash"))
    except GatewayError:
        return None


@in_each
@lawful
@given(data=st.data())
def test_a_request_is_read_alike(name: str, data: st.DataObject) -> None:
    asked = asked_of(name, data.draw(REQUESTS[name]))
    if asked is not None:
        found = asked
        twice(lambda: codec(name).parse_request(found))


# --- what is in the core -------------------------------------------------------------------------------------------

ASKERS = ("openai_chat", "anthropic_messages", "gemini_generate", "openai_responses", "cohere_chat")
kept = st.sampled_from(
    [
        None,
        *(Extras(name, {}, form) for name in ASKERS for form in ("", "own", "text", "native")),
        *(Extras(name, {"odd": msgspec.Raw(b"1"), "top_p": msgspec.Raw(b"0.5")}) for name in ASKERS),
    ]
)
plain_messages = st.builds(
    Message,
    st.sampled_from(["system", "developer", "user", "user", "assistant"]),
    st.integers(0, 11).flatmap(
        lambda number: (
            st.just((Text("Hi"),))
            if number > 1
            else st.tuples(st.builds(Text, texts) if number else strategies.odd_texts)
        )
    ),
    st.none() | kept,
)
numbers = st.none() | st.sampled_from([0, 0.5, 1.0, 1.7])
plain_requests = st.builds(
    ChatRequest,
    models,
    st.lists(plain_messages, min_size=1, max_size=4).map(tuple),
    sampling=st.builds(
        Sampling,
        numbers,
        numbers,
        st.none() | st.integers(1, 9),
        numbers,
        numbers,
        st.none() | st.sampled_from([1, 2**40]),
        st.lists(texts, max_size=6).map(tuple),
    )
    | st.just(Sampling(0.5)),
    max_output=st.none() | st.integers(1, 9),
    stream=st.booleans(),
    wants_usage=st.booleans(),
    user=st.none() | st.just("u"),
    extras=st.none() | kept,
)
quirks = st.sampled_from(
    [
        Quirks(),
        Quirks(),
        Quirks(takes=("developer", "cache_control", "reasoning", "reasoning_content")),
        Quirks(stream_usage=False, max_tokens_field="max_completion_tokens"),
        Quirks(drop=("temperature", "max_tokens", "generationConfig.temperature")),
    ]
)


def body_of(name: str, request: ChatRequest, of: Quirks) -> object:
    loss = Loss(drop=True)
    return codec(name).render_request(request, of, loss), loss.names


@in_each
@lawful
@given(request=plain_requests | strategies.odd_requests, of=quirks)
def test_a_request_is_written_alike(name: str, request: ChatRequest, of: Quirks) -> None:
    twice(lambda: body_of(name, request, of))


ends = st.sampled_from([None, *Finish])
costs = st.sampled_from([None, 0, 123_456, marked(5, 3)])
usages = st.none() | st.builds(
    Usage,
    *[st.integers(0, 9) for _ in range(8)],
    source=st.sampled_from(["reported", "estimated", "partial"]),
)
plain_answers = st.builds(
    ChatResponse,
    st.sampled_from(["", "id-1", "resp_1"]),
    st.sampled_from(["", "m"]),
    st.lists(
        st.builds(
            Choice,
            st.sampled_from([0, 0, 0, 1]),
            st.lists(st.builds(Text, texts) | strategies.odd_texts, min_size=1, max_size=2).map(tuple),
            ends,
            kept,
            st.none() | st.just("END"),
        ),
        min_size=1,
        max_size=1,
    ).map(tuple),
    created=st.none() | st.just(7),
    usage=usages,
    tier=st.sampled_from([None, "default", "priority", "odd"]),
    extras=kept,
)


@in_each
@lawful
@given(answer=plain_answers | strategies.answers(), cost=costs, data=st.data())
def test_an_answer_is_written_alike(
    name: str, answer: ChatResponse, cost: int | None, data: st.DataObject
) -> None:
    asked = asked_of(name, data.draw(REQUESTS[name] | st.just(USUAL[name])))
    if asked is not None:
        found = asked
        twice(lambda: codec(name).render_response(answer, found, cost, STAMP))


@pytest.mark.parametrize("name", sorted(ANSWERS))
@lawful
@given(data=st.data())
def test_an_answer_is_read_alike(name: str, data: st.DataObject) -> None:
    body = msgspec.json.encode(data.draw(ANSWERS[name]))
    twice(lambda: codec(name).parse_response(body))


# --- streams -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(STREAMS))
@lawful
@given(data=st.data())
def test_a_stream_is_read_alike(name: str, data: st.DataObject) -> None:
    first, events = STREAMS[name]
    chunks = [first, *data.draw(st.lists(events, max_size=6))]
    if data.draw(st.booleans()):
        whole = b"".join(chunks)
        cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=4)))
        chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    def read() -> object:
        parser = codec(name).stream_parser()
        found: list[Event] = []
        for chunk in chunks:
            found += parser.feed(chunk)
        found += parser.end()
        return found, parser.finished, type(parser.failure), parser.skipped

    twice(read)


# --- and the steps are taken ---------------------------------------------------------------------------------------


def test_the_usual_takes_one_step_each_time() -> None:
    taken: list[tuple[str, bool]] = []

    def watched(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            made = step(*args, **more)
            taken.append((step.__name__, made is not None))
            return made

        return call

    more = {
        "openai_chat": chat_event({"content": "b"}),
        "anthropic_messages": anthropic_event(
            "content_block_delta", index=0, delta={"type": "text_delta", "text": "b"}
        ),
        "gemini_generate": gemini_event(
            {"content": {"parts": [{"text": "b"}], "role": "model"}, "index": 0}, modelVersion="m"
        ),
    }
    tools = {
        "openai_chat": [{"type": "function", "function": {"name": "t", "parameters": {}}}],
        "anthropic_messages": [{"name": "t", "input_schema": {}}],
    }
    with steps(watched):
        for client, given in tools.items():
            asked = asked_of(client, USUAL[client] | {"tools": given})
            assert asked is not None
            codec(client).parse_request(asked)
        taken = [(step, made) for step, made in taken if step == "parse_tools"]
        for client, body in USUAL.items():
            asked = asked_of(client, body)
            assert asked is not None
            request = codec(client).parse_request(asked)
            for target in ANSWERS_USUAL.keys() - {client}:
                codec(target).render_request(request, Quirks(), Loss())
                answer = codec(target).parse_response(msgspec.json.encode(ANSWERS_USUAL[target]))
                codec(client).render_response(answer, asked, 5, STAMP)
        for name, event in more.items():
            parser = codec(name).stream_parser()
            parser.feed(STREAMS[name][0])
            parser.feed(event)
            taken = [(step, made) for step, made in taken if not step.startswith("read_") or made]
            assert any(step.startswith("read_") for step, _ in taken)
    assert {made for _, made in taken} == {True}
    assert len({step for step, _ in taken}) == len({name.rpartition(".")[2] for name in STEPS})


def test_the_events_of_an_answer_are_shown_as_they_were() -> None:
    """Texts go out by a template: the same bytes as an object that is put together anew."""
    answer = ChatResponse("r", "m", (Choice(0, (Text('a "b"\n'), Text("c")), Finish.STOP),), 7)
    for name in ("openai_chat", "gemini_generate"):
        asked = asked_of(name, USUAL[name])
        assert asked is not None
        renderer = codec(name).stream_renderer(asked, STAMP)
        shown = b"".join(renderer.render(event) for event in unfold(answer)) + renderer.end(Usage(1, 2), 5)
        lines = [line[6:] for line in shown.split(b"\n") if line.startswith(b"data: {")]
        lines = [line for line in lines if b'"cost"' not in line]  # an amount is written otherwise
        assert all(msgspec.json.encode(msgspec.json.decode(line)) == line for line in lines)
        assert b'a \\"b\\"\\n' in shown
