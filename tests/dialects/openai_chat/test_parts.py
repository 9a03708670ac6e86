from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.request import CacheHint, Media, Opaque, Part, Refusal, Text
from waypost.dialects.openai_chat.parts import parse_part, render_part, split_data_url
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
            Media("audio", data="AA", mime="audio/mp3"),
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
    assert msgspec.json.decode(msgspec.json.encode(render_part(part, "x"))) == wire


@pytest.mark.parametrize(
    "wire",
    [
        7,
        {},
        {"type": "new"},
        {"type": "text"},
        {"type": "file", "file": {}},
        {"type": "image_url", "image_url": "u"},
    ],
)
def test_the_rest_is_opaque(wire: Any) -> None:
    assert isinstance(parse(wire), Opaque)


def test_media_without_a_form_are_named() -> None:
    for media in (
        Media("audio", url="https://e.org/a"),
        Media("file", url="https://e.org/a"),
        Media("image", file_id="f"),
    ):
        with pytest.raises(Unrepresentable) as caught:
            render_part(media, "messages[3].content[1]")
        assert caught.value.param == "messages[3].content[1]"


def test_data_urls() -> None:
    assert split_data_url("data:image/png;base64,AA") == ("image/png", "AA")
    assert split_data_url("https://e.org/;base64,") is None
    assert split_data_url("data:,hello") is None
