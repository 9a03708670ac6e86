from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Extras, Media
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini_generate.media import parse_media, render_media
from waypost.dialects.gemini_generate.own import Taking
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.errors import Unrepresentable


def read(part: Any) -> Media | None:
    return parse_media(Taking(parse_object(msgspec.json.encode(part))))


def write(part: Media, model: str = "gemini-3-pro", loss: Loss | None = None, native: bool = False) -> Any:
    extras = Extras("gemini_generate") if native else None
    rendering = Rendering(ChatRequest(model, (), extras=extras), loss or Loss())
    return render_media(part, "messages[0].content[0]", rendering)


@pytest.mark.parametrize(
    ("part", "media"),
    [
        (
            {"inlineData": {"mimeType": "image/png", "data": "A+/="}},
            Media("image", data="A+/=", mime="image/png"),
        ),
        (
            {"inline_data": {"mime_type": "audio/wav", "data": "A-_="}},
            Media("audio", data="A+/=", mime="audio/wav"),
        ),
        (
            {"inlineData": {"mimeType": "text/plain", "data": "AA==", "displayName": "a.txt"}},
            Media("file", data="AA==", mime="text/plain", name="a.txt"),
        ),
        (
            {"fileData": {"fileUri": "gs://bucket/a", "mimeType": "application/pdf"}},
            Media("file", file_id="gs://bucket/a", mime="application/pdf"),
        ),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, Media("video", url="https://youtu.be/x")),
        ({"fileData": {"fileUri": "https://e.org/A.PNG?x=1"}}, Media("image", url="https://e.org/A.PNG?x=1")),
        (
            {
                "inlineData": {"mimeType": "image/png", "data": "AA=="},
                "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"},
            },
            Media("image", data="AA==", mime="image/png", detail="low"),
        ),
        (
            {"inlineData": {"data": "AA=="}, "mediaResolution": {"level": "MEDIA_RESOLUTION_MEDIUM"}},
            Media(
                "file",
                data="AA==",
                extras=Extras(
                    "gemini_generate",
                    {"mediaResolution": msgspec.Raw(b'{"level":"MEDIA_RESOLUTION_MEDIUM"}')},
                ),
            ),
        ),
        ({"inlineData": {"mimeType": "image/png"}}, None),
        ({"inlineData": {"data": "AA==", "new": 1}}, None),
        ({"fileData": {"mimeType": "image/png"}}, None),
        ({"text": "x"}, None),
    ],
)
def test_read(part: Any, media: Media | None) -> None:
    assert read(part) == media


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media("image", data="AA=="), {"inlineData": {"mimeType": "image/png", "data": "AA=="}}),
        (
            Media("image", url="https://e.org/a.jpg"),
            {"fileData": {"fileUri": "https://e.org/a.jpg", "mimeType": "image/jpeg"}},
        ),
        (Media("file", file_id="files/abc"), {"fileData": {"fileUri": "files/abc"}}),
        (
            Media("image", data="AA==", mime="image/webp", detail="high"),
            {
                "inlineData": {"mimeType": "image/webp", "data": "AA=="},
                "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
            },
        ),
        (
            Media("file", data="AA==", mime="application/pdf", name="a.pdf", detail="auto"),
            {"inlineData": {"mimeType": "application/pdf", "data": "AA==", "displayName": "a.pdf"}},
        ),
    ],
)
def test_write(media: Media, part: Any) -> None:
    assert write(media) == part


def test_a_file_of_another_provider_is_refused() -> None:
    with pytest.raises(Unrepresentable, match="inline as base64"):
        write(Media("file", file_id="file-123"))
    loss = Loss(drop=True)
    assert write(Media("file", file_id="file-123"), loss=loss) is None
    assert loss.names == ("messages[0].content[0]",)


def test_a_resolution_that_the_model_does_not_take_is_named() -> None:
    loss = Loss()
    assert write(Media("image", data="AA==", detail="low"), "gemini-2.5-pro", loss) == {
        "inlineData": {"mimeType": "image/png", "data": "AA=="}
    }
    assert loss.names == ("messages[0].content[0].detail",)


def test_nothing_is_guessed_for_its_own_dialect() -> None:
    assert write(Media("image", url="https://e.org/a.jpg"), native=True) == {
        "fileData": {"fileUri": "https://e.org/a.jpg"}
    }
