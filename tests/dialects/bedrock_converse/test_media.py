from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import Media
from waypost.dialects.bedrock_converse.media import parse_media, render_media
from waypost.dialects.fields import parse_object
from waypost.errors import Unrepresentable

FORMATS = {
    "image": ["png", "jpeg", "gif", "webp"],
    "document": ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"],
    "video": ["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"],
    "audio": [
        "mp3",
        "opus",
        "wav",
        "aac",
        "flac",
        "mp4",
        "ogg",
        "mkv",
        "mka",
        "x-aac",
        "m4a",
        "mpeg",
        "mpga",
        "pcm",
        "webm",
    ],
}


@pytest.mark.parametrize(
    ("block", "name"), [(block, name) for block, names in FORMATS.items() for name in names]
)
def test_every_format_there_and_back(block: str, name: str) -> None:
    wire: dict[str, Any] = {"format": name, "source": {"bytes": "AAAA"}}
    if block == "document":
        wire["name"] = "a"
    part = parse_media(block, parse_object(msgspec.json.encode(wire)))
    assert part is not None
    assert part.mime
    assert render_media(part, "x", Loss(), 1) == {block: wire}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Media("image", data="AA", mime="image/JPG"), {"image": {"format": "jpeg"}}),
        (Media("audio", data="AA", mime="audio/x-wav; rate=1"), {"audio": {"format": "wav"}}),
        (Media("video", data="AA", mime="video/mov"), {"video": {"format": "mov"}}),
        (
            Media("file", data="AA", mime="application/pdf"),
            {"document": {"format": "pdf", "name": "document 3"}},
        ),
        (
            Media("file", data="AA", name="Report_v1.5 (draft).docx"),
            {"document": {"format": "docx", "name": "Report v1 5 (draft)"}},
        ),
    ],
)
def test_types_by_other_names(part: Media, block: Any) -> None:
    shown = render_media(part, "x", Loss(), 3)
    [(kind, fields)] = block.items()
    assert shown == {kind: {**fields, "source": {"bytes": "AA"}}}


def test_a_document_of_text_is_media_to_others() -> None:
    part = parse_media("document", parse_object(b'{"name":"n","source":{"text":"Gr\xc3\xbc\xc3\x9fe"}}'))
    assert part is not None
    assert (part.kind, part.mime, part.name) == ("file", "text/plain", "n")
    assert base64.b64decode(part.data or "").decode() == "Grüße"


@pytest.mark.parametrize(
    "wire",
    [
        b'{"source":{"bytes":"AA"}}',
        b'{"format":"bmp","source":{"bytes":"AA"}}',
        b'{"format":"png"}',
        b'{"format":"png","source":{"s3Location":{"uri":"s3://b/a"}}}',
        b'{"format":"png","source":{"bytes":7}}',
        b'{"format":"png","source":{"text":"x"}}',
    ],
)
def test_the_rest_is_not_modelled(wire: bytes) -> None:
    assert parse_media("image", parse_object(wire)) is None


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (Media("image", url="https://e.org/a.png"), "base64"),
        (Media("file", file_id="f1"), "base64"),
        (Media("image", data="AA", mime="image/tiff"), "png, jpeg, gif, webp"),
        (Media("image", data="AA"), "unknown"),
        (Media("file", data="AA", mime="application/zip", name="a.zip"), "pdf"),
    ],
)
def test_what_is_refused_or_dropped(part: Media, why: str) -> None:
    with pytest.raises(Unrepresentable, match=why) as caught:
        render_media(part, "messages[0].content[1]", Loss(), 1)
    assert caught.value.param == "messages[0].content[1]"
    loss = Loss(drop=True)
    assert render_media(part, "here", loss, 1) is None
    assert loss.names == ("here",)


def test_s3_is_a_source() -> None:
    part = Media("video", url="s3://b/a.mp4", mime="video/mp4")
    assert render_media(part, "x", Loss(), 1) == {
        "video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/a.mp4"}}}
    }


def test_details_are_named() -> None:
    loss = Loss()
    render_media(Media("image", data="AA", mime="image/png", detail="low", name="n"), "x", loss, 1)
    assert loss.names == ("x.name", "x.detail")
    loss = Loss()
    render_media(Media("image", data="AA", mime="image/png", detail="auto"), "x", loss, 1)
    assert loss.names == ()
