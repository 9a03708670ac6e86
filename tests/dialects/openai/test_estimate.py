from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec

from waypost.dialects.openai.estimate import FILE_TOKENS, IMAGE_TOKENS, input_tokens


def tokens(value: Any) -> int:
    return input_tokens(msgspec.Raw(msgspec.json.encode(value)))


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


BASE64 = "iVBORw0KGgoAAAANSUhEUg" * 10_000


def test_text_is_a_third_of_its_bytes() -> None:
    assert tokens("x" * 298) == 100
    assert tokens("é" * 149) == 100


def test_a_picture_costs_the_same_by_url_and_by_value() -> None:
    by_url = tokens(user(image("https://example.org/a.png")))
    by_value = tokens(user(image("data:image/png;base64," + BASE64)))
    assert abs(by_url - by_value) < 20
    assert by_url >= IMAGE_TOKENS
    assert (
        tokens(user(image("data:image/png;base64," + BASE64), image("https://e.org/b"))) >= 2 * IMAGE_TOKENS
    )


def test_sound_and_documents_are_less_than_their_base64_as_text() -> None:
    sound = tokens(user({"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}))
    document = tokens(user({"type": "file", "file": {"file_data": "data:application/pdf;base64," + BASE64}}))
    assert len(BASE64) / 1000 < sound < len(BASE64) / 100
    assert FILE_TOKENS < document < len(BASE64) / 10


def test_text_can_not_hide_among_media() -> None:
    hidden = "A" * 9000
    part = {"type": "text", "text": hidden}
    assert tokens(user(part, part, part, image("https://example.org/a.png"))) > 2 * 3000 + IMAGE_TOKENS
    assert tokens(user(part)) > 3000


def test_long_prose_is_text_beside_a_picture() -> None:
    prose = {"type": "text", "text": "word " * 2000}
    assert tokens(user(prose, image("https://example.org/a.png"))) > 10_000 // 3 + IMAGE_TOKENS


def test_millions_of_short_strings_beside_a_picture_take_no_memory() -> None:
    body = b'[{"type":"text","image_url":{"url":"' + b'a\\"' * 1_000_000 + b'"}}]'
    tracemalloc.start()
    try:
        input_tokens(msgspec.Raw(body))
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body)
    finally:
        tracemalloc.stop()
