from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.embed import EmbedInput, TokenIds
from waypost.core.loss import Loss
from waypost.core.request import Media, Opaque, Text
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini_embed.parts import Part, parse_parts, render_parts
from waypost.errors import InvalidRequest, Unrepresentable


def parse(*parts: object) -> tuple[Part, ...]:
    return parse_parts(parse_object(msgspec.json.encode({"parts": parts})), "content")


def render(*parts: Part) -> Any:
    return msgspec.json.decode(msgspec.json.encode(render_parts(EmbedInput(parts), 0, Loss())))


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        ({"text": "a"}, Text("a")),
        (
            {"inlineData": {"mimeType": "image/png", "data": "AA+/"}},
            Media("image", data="AA+/", mime="image/png"),
        ),
        (
            {"fileData": {"fileUri": "https://a.example/b.pdf", "mimeType": "application/pdf"}},
            Media("file", url="https://a.example/b.pdf", mime="application/pdf"),
        ),
        (
            {"fileData": {"fileUri": "gs://b/c.mp4", "mimeType": "video/mp4"}},
            Media("video", file_id="gs://b/c.mp4", mime="video/mp4"),
        ),
    ],
)
def test_parts_both_ways(wire: dict[str, Any], part: Part) -> None:
    assert parse(wire) == (part,)
    assert render(part) == [wire]


@pytest.mark.parametrize("wire", [{"text": "a", "new": 1}, {"new": {}}, 7, {"text": 7}])
def test_a_part_that_is_not_modelled_stays_as_it_is(wire: object) -> None:
    assert parse(wire) == (Opaque("gemini_embed", msgspec.Raw(msgspec.json.encode(wire))),)
    assert render(*parse(wire)) == [wire]


def test_snake_case_is_read() -> None:
    assert parse({"inline_data": {"mime_type": "image/png", "data": "AA"}}) == (
        Media("image", data="AA", mime="image/png"),
    )


def test_no_parts() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse()
    assert caught.value.param == "content.parts"


def test_data_without_a_type_gets_one() -> None:
    assert render(Media("image", data="AA")) == [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]
    assert render(Media("file", data="AA"))[0]["inlineData"]["mimeType"] == "application/octet-stream"


def test_what_google_can_not_be_shown() -> None:
    foreign = Opaque("cohere_embed", msgspec.Raw(b"{}"))
    for part in (TokenIds((1,)), foreign, Media("image")):
        with pytest.raises(Unrepresentable):
            render(part)
    loss = Loss(drop=True)
    assert render_parts(EmbedInput((Text("a"), foreign)), 0, loss) == [{"text": "a"}]
    assert loss.names == ("input",)
