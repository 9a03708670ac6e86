from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.request import Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.dialects.openai_responses.said import Answer, OutputItem, shown_as_content, with_text
from waypost.errors import Unrepresentable


def place(*parts: ReplyPart, custom: frozenset[str] = frozenset()) -> tuple[Answer, list[OutputItem]]:
    answer = Answer("wp-1", custom)
    return answer, [answer.place(part) for part in parts]


def plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_texts_in_a_row_share_a_message() -> None:
    answer, items = place(Text("a"), Refusal("b"), ToolCall("c", "f", "{}"), Text("d"))
    assert [item.index for item in items] == [0, 0, 1, 2]
    assert answer.count == 3
    shown = plain(items[0].render("incomplete"))
    assert shown.pop("id").startswith("msg_")
    assert shown == {
        "type": "message",
        "status": "incomplete",
        "role": "assistant",
        "content": [
            {"type": "output_text", "text": "a", "annotations": []},
            {"type": "refusal", "refusal": "b"},
        ],
    }


def test_a_custom_tools_call_is_one_again() -> None:
    _, [item] = place(ToolCall("c", "run", '{"input":"ls"}'), custom=frozenset(("run",)))
    shown = plain(item.render("completed"))
    assert shown.pop("id").startswith("ctc_")
    assert shown == {
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "c",
        "name": "run",
        "input": "ls",
    }
    assert plain(item.begun())["status"] == "in_progress"


def test_a_call_without_an_id_gets_one() -> None:
    _, items = place(ToolCall("", "f", "{}"), ToolCall("", "f", "{}"))
    ids = [plain(item.render("completed"))["call_id"] for item in items]
    assert ids[0] != ids[1]
    assert ids[0].startswith("call_")


def test_signatures_of_other_makers_are_sealed() -> None:
    answer, [thinking, call, own] = place(
        Thinking("hm", "sig", maker="anthropic-claude-v1"),
        ToolCall("c", "f", "{}", signature="sig", maker="google-gemini-v1"),
        ToolCall("c2", "f", "{}"),
    )
    assert plain(thinking.render("completed"))["encrypted_content"] == "anthropic-claude-v1:shown:sig"
    assert plain(answer.signature_of(call))["encrypted_content"] == "google-gemini-v1:before:sig"
    assert answer.signature_of(own) is answer.signature_of(thinking) is None


def test_pictures_and_own_items() -> None:
    _, [image, own] = place(
        Media("image", data="AA", mime="image/webp"),
        Opaque("openai_responses", msgspec.Raw(b'{"type":"web_search_call"}'), "item"),
    )
    shown = plain(image.render("completed"))
    assert (shown["type"], shown["result"], shown["output_format"]) == ("image_generation_call", "AA", "webp")
    assert plain(image.begun())["result"] is None
    assert plain(own.render("completed")) == plain(own.begun()) == {"type": "web_search_call"}


@pytest.mark.parametrize(
    "part", [Media("image", url="u"), Media("audio", data="AA"), Opaque("other", msgspec.Raw(b"{}"))]
)
def test_what_can_not_be_shown_is_refused(part: ReplyPart) -> None:
    with pytest.raises(Unrepresentable):
        place(part)


def test_ends_of_parts() -> None:
    assert with_text(Text(""), "a", None) == Text("a")
    assert with_text(Refusal(""), "a", None) == Refusal("a")
    assert with_text(Thinking("", "s"), "a", None) == Thinking("a", "s")
    assert with_text(ToolCall("c", "f", ""), "{}", "s") == ToolCall("c", "f", "{}", signature="s")
    image = Media("image", data="AA")
    assert with_text(image, "a", None) is image
    assert shown_as_content(Thinking("", extras=Extras("openai_responses", {}, "content")))
    assert not shown_as_content(Thinking("", extras=Extras("other", {}, "content")))
