from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, Extras, Media, Opaque, Part, Refusal, Text
from waypost.dialects.openai_responses.parts import (
    is_plain,
    parse_input_part,
    render_input_part,
    split_data_url,
    type_of,
)
from waypost.errors import Unrepresentable

PNG = "data:image/png;base64,AAAA"


def parse(wire: Any) -> Part:
    return parse_input_part(msgspec.Raw(msgspec.json.encode(wire)))


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        ({"type": "input_text", "text": "x"}, Text("x")),
        (
            {"type": "input_image", "image_url": "https://e.org/a", "detail": "low"},
            Media("image", url="https://e.org/a", detail="low"),
        ),
        ({"type": "input_image", "image_url": PNG}, Media("image", data="AAAA", mime="image/png")),
        ({"type": "input_image", "file_id": "file-1"}, Media("image", file_id="file-1")),
        ({"type": "input_file", "file_url": "https://e.org/a"}, Media("file", url="https://e.org/a")),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
            Media("file", data="AA", mime="application/pdf", name="a.pdf"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
            Media("audio", data="AA", mime="audio/mp3"),
        ),
    ],
)
def test_both_ways(wire: Any, part: Part) -> None:
    assert parse(wire) == part
    assert render_input_part(part, "w", Loss()) == wire


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "new_kind", "x": 1},
        {"type": "input_image"},
        {"type": "input_image", "image_url": PNG, "file_id": "f"},
        {"type": "input_file", "file_id": "f", "file_url": "u"},
        {"type": "input_audio", "input_audio": {"data": "AA"}},
        {"type": "input_text", "text": 7},
        7,
    ],
)
def test_what_the_core_has_no_word_for_is_kept(wire: Any) -> None:
    part = parse(wire)
    assert isinstance(part, Opaque)
    assert render_input_part(part, "w", Loss()) == part.data


@pytest.mark.parametrize(("ttl", "seconds"), [({}, 300), ({"ttl": "30m"}, 1800), ({"ttl": "12h"}, 43_200)])
def test_breakpoints_are_cache_hints(ttl: Any, seconds: int) -> None:
    wire = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", **ttl}}
    part = parse(wire)
    assert isinstance(part, Text)
    assert part.cache == CacheHint(seconds)
    assert part.extras is not None
    assert part.extras.fields == {}
    assert msgspec.json.decode(msgspec.json.encode(render_input_part(part, "w", Loss()))) == wire


def test_odd_breakpoints_stay_what_they_are() -> None:
    for odd in ({"mode": "implicit"}, {"mode": "explicit", "ttl": "9h"}, {"mode": "explicit", "x": 1}):
        part = parse({"type": "input_text", "text": "x", "prompt_cache_breakpoint": odd})
        assert isinstance(part, Text)
        assert part.cache is None


def test_another_dialects_hint_is_named() -> None:
    loss = Loss()
    foreign = Text("x", CacheHint(3600), Extras("other", {}))
    assert render_input_part(foreign, "messages[0].content[0]", loss) == {"type": "input_text", "text": "x"}
    assert loss.names == ("messages[0].content[0].cache",)


def test_a_document_gets_a_name_because_it_has_to_have_one() -> None:
    wire = render_input_part(Media("file", data="AA", mime="text/plain"), "w", Loss())
    assert wire == {"type": "input_file", "file_data": "data:text/plain;base64,AA", "filename": "file.txt"}
    nameless = {"type": "input_file", "file_data": "AA"}
    assert render_input_part(parse(nameless), "w", Loss()) == nameless


@pytest.mark.parametrize(
    "part",
    [
        Media("video", url="https://e.org/v"),
        Media("audio", url="https://e.org/a"),
        Media("image"),
        Media("file"),
        Refusal("no"),
        Opaque("other", msgspec.Raw(b"{}")),
    ],
)
def test_what_can_not_be_said_is_refused_or_named(part: Part) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render_input_part(part, "messages[0].content[1]", Loss())
    assert caught.value.param == "messages[0].content[1]"
    loss = Loss(drop=True)
    assert render_input_part(part, "messages[0].content[1]", loss) is None
    assert loss.names == ("messages[0].content[1]",)


def test_small_readers() -> None:
    assert split_data_url("https://e.org/;base64,") is None
    assert split_data_url("data:,x") is None
    assert is_plain(Text("x"))
    assert not is_plain(Text("x", CacheHint()))
    assert type_of(msgspec.Raw(b'{"type":"a"}')) == "a"
    assert type_of(msgspec.Raw(b'{"type":7}')) == type_of(msgspec.Raw(b"7")) == ""
