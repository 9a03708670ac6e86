from __future__ import annotations

from typing import Any

import pytest

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, Media
from waypost.dialects.anthropic_messages.media import render_media
from waypost.errors import Unrepresentable

PNG = "iVBORw0KGgoAAA=="
PDF = "JVBERi0xLjQ="


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (
            Media("image", data=PNG, mime="image/png"),
            {"type": "base64", "media_type": "image/png", "data": PNG},
        ),
        (
            Media("image", data="/9j/4A==", mime="image/jpg"),
            {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4A=="},
        ),
        (Media("image", data=PNG), {"type": "base64", "media_type": "image/png", "data": PNG}),
        (Media("image", url="https://e.org"), {"type": "url", "url": "https://e.org"}),
        (Media("image", file_id="f"), {"type": "file", "file_id": "f"}),
        (
            Media("file", data=PDF, mime="application/pdf"),
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
        ),
        (Media("file", data=PDF), {"type": "base64", "media_type": "application/pdf", "data": PDF}),
        (
            Media("file", data="aGk=", mime="text/markdown; charset=utf-8"),
            {"type": "text", "media_type": "text/plain", "data": "hi"},
        ),
        (Media("file", url="https://e.org/a.pdf"), {"type": "url", "url": "https://e.org/a.pdf"}),
    ],
)
def test_sources(part: Media, source: Any) -> None:
    loss = Loss()
    shown = render_media(part, "messages[0].content[0]", loss)
    assert shown is not None
    assert shown["type"] == ("image" if part.kind == "image" else "document")
    assert shown["source"] == source
    assert loss.names == ()


@pytest.mark.parametrize(
    "part",
    [
        Media("audio", data="AA==", mime="audio/wav"),
        Media("video", url="https://e.org/a.mp4"),
        Media("image", data="Qk0=", mime="image/bmp"),
        Media("image", data="AA=="),
        Media("image"),
        Media("file", data="UEsDBA==", mime="application/zip"),
        Media("file", data="%%%", mime="text/plain"),
        Media("file", data="/w==", mime="text/plain"),
        Media("file"),
    ],
)
def test_what_has_no_form_is_refused_or_dropped(part: Media) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render_media(part, "messages[0].content[0]", Loss())
    assert caught.value.param == "messages[0].content[0]"
    dropping = Loss(drop=True)
    assert render_media(part, "messages[0].content[0]", dropping) is None
    assert dropping.names == ("messages[0].content[0]",)


def test_names_and_details() -> None:
    loss = Loss()
    document = render_media(Media("file", data=PDF, name="a.pdf", cache=CacheHint(3600)), "w", loss)
    assert document is not None
    assert document["title"] == "a.pdf"
    assert document["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    render_media(Media("image", url="u", detail="auto"), "w", loss)
    assert loss.names == ()
    render_media(Media("image", url="u", detail="high", name="a"), "w", loss)
    assert loss.names == ("w.detail", "w.name")
