from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from waypost.core.events import Event, Finished, PartDelta, PartEnded, PartStarted, Started
from waypost.core.fold import fold, unfold
from waypost.core.request import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall, ToolResult
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.openai_chat.request import parse_request
from waypost.dialects.openai_chat.response import parse_response, render_response
from waypost.dialects.openai_chat.stream import ChatStreamParser
from waypost.dialects.openai_chat.stream_renderer import ChatStreamRenderer
from waypost.errors import Unrepresentable


def stream_of(events: list[Event], *, old: bool = False) -> bytes:
    renderer = ChatStreamRenderer(wants_usage=True, created=17, old=old)
    return b"".join(map(renderer.render, events)) + renderer.end()


def chunks(stream: bytes) -> list[Any]:
    return [msgspec.json.decode(event[6:]) for event in stream.split(b"\n\n") if event.startswith(b"data: {")]


def deltas(stream: bytes, name: str) -> list[Any]:
    found = [choice["delta"] for chunk in chunks(stream) for choice in chunk["choices"]]
    return [delta[name] for delta in found if name in delta]


def read(stream: bytes) -> ChatResponse:
    parser = ChatStreamParser()
    return fold([*parser.feed(stream), *parser.end()])


def answer(*parts: ReplyPart, finish: Finish = Finish.STOP, stop_text: str | None = None) -> ChatResponse:
    return ChatResponse("id", "m", (Choice(0, parts, finish, None, stop_text),), 17, Usage(input=1, output=2))


CLAUDE: Final = "anthropic-claude-v1"
GEMINI: Final = "google-gemini-v1"
OPENAI: Final = "openai-responses-v1"
WHOLE = [
    answer(Thinking("hm", "sig", maker=CLAUDE), Text("a")),
    answer(Thinking("hm"), Text("a")),
    answer(Thinking("", "data", maker=CLAUDE, redacted=True), Text("a")),
    answer(
        Thinking("sum", "enc", maker=OPENAI),
        Thinking("two", maker=OPENAI),
        Text("a"),
    ),
    answer(Thinking("th", maker=GEMINI), Text("a"), Thinking("", "mark", maker=GEMINI)),
    answer(ToolCall("c", "f", "{}", None, "s", GEMINI), ToolCall("d", "g", "{}"), finish=Finish.TOOLS),
    answer(Text("abc", citations=(Citation("u", "t", "q", 0, 2), Citation("v", "", None, 1, 3)))),
    answer(Text("a"), Media("image", data="AA", mime="image/png")),
    answer(Text("a"), finish=Finish.REFUSED),
    answer(Text("a"), finish=Finish.PAUSED),
    answer(Text("a"), stop_text="END"),
]


def bare(response: ChatResponse) -> ChatResponse:
    """Without how this dialect wrote it."""
    choices = tuple(
        msgspec.structs.replace(choice, extras=None, parts=tuple(_bare(part) for part in choice.parts))
        for choice in response.choices
    )
    return msgspec.structs.replace(response, choices=choices, extras=None)


def _bare(part: ReplyPart) -> ReplyPart:
    return part if isinstance(part, Opaque) else msgspec.structs.replace(part, extras=None)


@pytest.mark.parametrize("whole", WHOLE, ids=range(len(WHOLE)))
def test_streamed_and_whole_say_the_same(whole: ChatResponse) -> None:
    stream = stream_of(list(unfold(whole)))
    assert bare(read(stream)) == whole
    body = render_response(whole)
    assert bare(parse_response(body)) == whole
    ChatCompletion.model_validate(msgspec.json.decode(body), strict=True)
    for chunk in chunks(stream):
        ChatCompletionChunk.model_validate(chunk, strict=True)


def test_details_have_indices_of_their_own() -> None:
    stream = stream_of(list(unfold(WHOLE[3])))
    details = [detail for items in deltas(stream, "reasoning_details") for detail in items]
    assert [(detail["type"][10:], detail["index"]) for detail in details] == [
        ("summary", 0),
        ("encrypted", 1),
        ("summary", 2),
    ]


def test_a_text_is_one_string_and_citations_count_in_all_of_it() -> None:
    whole = answer(Text("ab"), Text("cd", citations=(Citation("u", "t"),)))
    message = msgspec.json.decode(render_response(whole))["choices"][0]["message"]
    assert message["content"] == "abcd"
    inner = message["annotations"][0]["url_citation"]
    assert (inner["start_index"], inner["end_index"]) == (2, 4)
    assert deltas(stream_of(list(unfold(whole))), "annotations") == [message["annotations"]]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    whole = answer(ToolCall("c", "f", ""), finish=Finish.TOOLS)
    [part] = read(stream_of(list(unfold(whole)))).choices[0].parts
    assert part == ToolCall("c", "f", "{}")


def test_who_asked_with_functions_is_answered_so() -> None:
    whole = answer(ToolCall("c", "f", '{"a":1}'), finish=Finish.TOOLS)
    stream = stream_of(list(unfold(whole)), old=True)
    assert deltas(stream, "function_call") == [{"name": "f", "arguments": ""}, {"arguments": '{"a":1}'}]
    assert chunks(stream)[-2]["choices"][0]["finish_reason"] == "function_call"
    assert read(stream).choices[0].finish is Finish.TOOLS
    message = msgspec.json.decode(render_response(whole, old=True))["choices"][0]
    assert message["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert message["finish_reason"] == "function_call"


def test_sound_is_told_at_once() -> None:
    whole = answer(Media("audio", data="AA"))
    assert deltas(stream_of(list(unfold(whole))), "audio") == [
        {"id": "audio", "data": "AA", "expires_at": 17, "transcript": ""}
    ]


def test_a_refusal_has_its_own_field() -> None:
    assert deltas(stream_of(list(unfold(answer(Refusal("no"))))), "refusal") == ["no"]


def test_a_calls_signature_is_where_the_call_begins() -> None:
    events: list[Event] = [
        Started("id", "m"),
        PartStarted(0, 0, ToolCall("c", "f", "", maker=GEMINI)),
        PartDelta(0, 0, signature="s"),
        PartDelta(0, 0, "{}"),
        PartDelta(0, 0, signature="late"),
        PartEnded(0, 0),
        Finished(0, Finish.TOOLS),
    ]
    first, second, third = (call for [call] in deltas(stream_of(events), "tool_calls"))
    assert first["extra_content"] == {"google": {"thought_signature": "s"}}
    assert second == {"index": 0, "function": {"arguments": "{}"}}
    assert third == {"index": 0, "extra_content": {"google": {"thought_signature": "late"}}}


def test_fields_that_the_core_does_not_model_cross_with_the_end() -> None:
    sent = (
        b'data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"a","vendor":1},'
        b'"logprobs":{"content":[{"token":"a"}],"refusal":null},"finish_reason":null}]}\n\n'
        b'data: {"id":"a","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop","odd":2}]}\n\n'
        b"data: [DONE]\n\n"
    )
    parser = ChatStreamParser()
    last = chunks(stream_of(parser.feed(sent)))[-1]["choices"][0]
    assert last["delta"] == {"vendor": 1}
    assert last["logprobs"] == {"content": [{"token": "a"}], "refusal": None}
    assert last["odd"] == 2


@pytest.mark.parametrize("part", [Media("file", data="AA"), Opaque("other", msgspec.Raw(b"{}"))])
def test_a_part_without_a_form_is_refused(part: ReplyPart) -> None:
    with pytest.raises(Unrepresentable):
        stream_of([Started("a", "m"), PartStarted(0, 0, part)])


def in_pieces(events: Iterable[Event]) -> Iterator[Event]:
    """Every text letter by letter, and its signature at the end."""
    for event in events:
        if isinstance(event, PartDelta) and event.text:
            for letter in event.text:
                yield PartDelta(event.choice, event.part, letter)
            if event.signature is not None:
                yield PartDelta(event.choice, event.part, signature=event.signature)
        else:
            yield event


@pytest.mark.parametrize("number", [0, 2, 3, 4])
def test_what_an_sdk_made_of_a_stream_comes_back_with_its_signatures(number: int) -> None:
    """OpenAI's own SDK puts the pieces together, and the client sends the message back as it is."""
    whole = WHOLE[number]
    state = ChatCompletionStreamState()
    for chunk in chunks(stream_of(list(in_pieces(unfold(whole))))):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    message = state.get_final_completion().choices[0].message.model_dump(exclude_none=True)
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}, message]}
    request = parse_request(msgspec.json.encode(body))
    found = tuple(_bare(part) for part in request.messages[1].parts if not isinstance(part, ToolResult))
    assert [part for part in found if part != Text("")] == list(whole.choices[0].parts)
