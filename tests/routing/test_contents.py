from __future__ import annotations

import msgspec

from waypost.core.request import ChatRequest, Media, Message, Text, ToolResult
from waypost.routing.contents import TEXT_MAX, Content, of_chat, of_fields


def test_the_last_message_of_the_user_and_all_that_is_said() -> None:
    chat = ChatRequest(
        model="m",
        messages=(
            Message("system", (Text("be"),)),
            Message("user", (Text("see"), Media("image", url="https://x/a.png"), Text("it"))),
            Message("tool", (ToolResult("c", (Text("```x```"), Media("video", url="https://x/v"))),)),
            Message("assistant", (Text("ok"),)),
        ),
    )
    assert of_chat(chat) == Content(chars=16, messages=4, images=1, files=1, text="see\nit", has_code=True)


def test_a_long_text_is_cut_and_counted_whole() -> None:
    long = of_fields({"prompt": msgspec.Raw(msgspec.json.encode("x" * (TEXT_MAX + 5)))})
    assert (long.chars, len(long.text)) == (TEXT_MAX + 5, TEXT_MAX)


def test_nothing_is_nothing() -> None:
    assert of_fields({"size": msgspec.Raw(b'"big"')}) == Content()
    assert of_chat(ChatRequest(model="m", messages=())) == Content()
