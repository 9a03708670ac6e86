from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import CacheHint, Extras, Media, Opaque, Part, Refusal, Text, Thinking
from waypost.dialects.openai_chat.parts import is_plain, parse_part, render_part, split_data_url
from waypost.errors import Unrepresentable


def parse(value: Any) -> Part:
    return parse_part(msgspec.Raw(msgspec.json.encode(value)))


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        ({"type": "text", "text": "a"}, Text("a")),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, Text("a", CacheHint(300))),
        ({"type": "refusal", "refusal": "no"}, Refusal("no")),
        (
            {"type": "image_url", "image_url": {"url": "https://e.org/a", "detail": "low"}},
            Media("image", url="https://e.org/a", detail="low"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
            Media("audio", data="AA", mime="audio/mpeg"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://e.org/v.mp4"}},
            Media("video", url="https://e.org/v.mp4"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AA"}},
            Media("video", data="AA", mime="video/mp4"),
        ),
        (
            {"type": "file", "file": {"file_data": "https://e.org/a.pdf", "filename": "a.pdf"}},
            Media("file", url="https://e.org/a.pdf", name="a.pdf"),
        ),
        (
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            Thinking("hm", extras=Extras("openai_chat", {}, "content")),
        ),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            Text("a", CacheHint(43_200), Extras("openai_chat", {}, "prompt_cache_breakpoint 12h")),
        ),
        ({"type": "file", "file": {"file_id": "f"}}, Media("file", file_id="f")),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
            Media("file", data="AA", mime="application/pdf", name="a.pdf"),
        ),
    ],
)
def test_every_kind(wire: Any, part: Part) -> None:
    assert parse(wire) == part
    assert (
        msgspec.json.decode(
            msgspec.json.encode(render_part(part, "x", say("cache_control", "file_url", "video_url")))
        )
        == wire
    )


@pytest.mark.parametrize(
    "wire",
    [
        7,
        {},
        {"type": "new"},
        {"type": "text"},
        {"type": "file", "file": {}},
        {"type": "image_url", "image_url": "u"},
        {"type": "video_url", "video_url": {}},
        {"type": "thinking", "thinking": [{"type": "reference"}]},
    ],
)
def test_the_rest_is_opaque(wire: Any) -> None:
    assert isinstance(parse(wire), Opaque)


def test_media_without_a_form_are_named() -> None:
    for media in (
        Media("audio", url="https://e.org/a"),
        Media("file", url="https://e.org/a"),
        Media("image", file_id="f"),
        Media("video", url="https://e.org/v.mp4"),
    ):
        with pytest.raises(Unrepresentable) as caught:
            render_part(media, "messages[3].content[1]", say())
        assert caught.value.param == "messages[3].content[1]"


def test_content_may_be_left_out_and_is_named() -> None:
    asked = say(drop=True)
    assert render_part(Media("video", data="AA"), "messages[3].content[1]", asked) is None
    assert asked.loss.names == ("messages[3].content[1]",)


def test_a_hint_that_nobody_reads_is_named_and_needs_no_array() -> None:
    asked = say()
    text = Text("a", CacheHint(3600))
    assert is_plain(text, asked)
    assert render_part(text, "x", asked) == {"type": "text", "text": "a"}
    assert asked.loss.names == ("cache",)
    assert not is_plain(text, say("cache_control"))


def test_sounds_and_documents_of_other_dialects_get_openais_words() -> None:
    assert render_part(Media("audio", data="AA", mime="audio/mpeg"), "x", say()) == {
        "type": "input_audio",
        "input_audio": {"data": "AA", "format": "mp3"},
    }
    assert render_part(Media("file", data="AA", mime="application/pdf"), "x", say()) == {
        "type": "file",
        "file": {"file_data": "data:application/pdf;base64,AA", "filename": "document.pdf"},
    }


def test_data_urls() -> None:
    assert split_data_url("data:image/png;base64,AA") == ("image/png", "AA")
    assert split_data_url("https://e.org/;base64,") is None
    assert split_data_url("data:,hello") is None
