from __future__ import annotations

import msgspec
import pytest

from waypost.core.request import (
    ChatRequest,
    Extras,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from waypost.pipeline.weighing import weigh

RAW = msgspec.Raw(b'{"x":1}')
HELLO = Message("user", (Text("hello"),))


def _one(part: Part) -> ChatRequest:
    return ChatRequest("m", (Message("user", (part,)),))


def test_messages_of_one_text_are_plain() -> None:
    weighed = weigh(ChatRequest("m", (Message("system", (Text("be brief"),)), HELLO)))
    assert (weighed.texts, weighed.extra, weighed.plain) == (("be brief", "hello"), 11, True)


@pytest.mark.parametrize(
    ("request_", "texts", "extra"),
    [
        (ChatRequest("m", ()), (), 3),
        (ChatRequest("m", (Message("user", (Text("a"), Text("b"))),)), ("a", "b"), 7),
        (ChatRequest("m", (Message("user", (Text("a"),), Extras("d", {"name": RAW})),)), ("a",), 7),
        (_one(Thinking("hm")), ("hm",), 7),
        (_one(Refusal("no")), ("no",), 7),
        (_one(Opaque("d", RAW)), ('{"x":1}',), 7),
        (_one(ToolCall("c", "f", "{}")), ("f", "{}"), 15),
        (_one(ToolResult("c", (Text("r"), Media("image", detail="low")))), ("r",), 100),
        (_one(Media("image")), (), 772),
        (_one(Media("file")), (), 1507),
        (ChatRequest("m", (HELLO,), tools=(Tool("f", "does", RAW),)), ("hello", "f", "does", '{"x":1}'), 15),
        (ChatRequest("m", (HELLO,), tools=(Tool("f"), Opaque("d", RAW))), ("hello", "f", '{"x":1}'), 23),
        (
            ChatRequest("m", (HELLO,), response_format=ResponseFormat("json_schema", schema=RAW)),
            ("hello", '{"x":1}'),
            7,
        ),
    ],
)
def test_everything_else_is_counted_and_is_not(
    request_: ChatRequest, texts: tuple[str, ...], extra: int
) -> None:
    weighed = weigh(request_)
    assert (weighed.texts, weighed.extra, weighed.plain) == (texts, extra, False)
