from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.gemini.estimate import input_tokens


def tokens(*parts: object) -> int:
    return input_tokens(msgspec.Raw(msgspec.json.encode([{"parts": parts}])))


PLAIN = tokens({"text": ""})


def test_text_is_a_token_per_three_bytes() -> None:
    assert tokens({"text": "x" * 3000}) == PLAIN + 1000


@pytest.mark.parametrize("spelling", [("inlineData", "mimeType"), ("inline_data", "mime_type")])
@pytest.mark.parametrize(
    ("mime", "least", "most"),
    [
        ("image/png", 1600, 1700),
        ("audio/wav", 2000, 2100),
        ("video/mp4", 2666, 2800),
        ("application/pdf", 10_000, 10_100),
        ("text/plain", 133_333, 133_400),
    ],
)
def test_media_are_not_text(spelling: tuple[str, str], mime: str, least: int, most: int) -> None:
    part = {spelling[0]: {spelling[1]: mime, "data": "QUJD" * 100_000}}
    assert least <= tokens(part) <= most


def test_escaped_slashes_are_read() -> None:
    raw = b'[{"inlineData":{"mimeType":"image\\/png","data":"%b"}}]' % (b"QUJD" * 1000)
    assert 1600 <= input_tokens(msgspec.Raw(raw)) < 1700


def test_what_is_no_base64_is_text() -> None:
    assert tokens({"inlineData": {"mimeType": "image/png", "data": "some words " * 300}}) > 1000


def test_text_can_not_pass_as_a_picture() -> None:
    fake = '{"inlineData":{"mimeType":"image/png","data":"' + "QUJD" * 1000 + '"}}'
    assert tokens({"text": fake}) > 1300


def test_files_that_are_referred_to() -> None:
    image = tokens({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}})
    video = tokens({"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}})
    assert 1600 <= image < 1700
    assert 16_000 <= video < 16_100
