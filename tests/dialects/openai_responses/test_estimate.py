from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.fields import parse_object
from waypost.dialects.openai.estimate import FILE_TOKENS, IMAGE_TOKENS
from waypost.dialects.openai_responses.estimate import estimate


def tokens(body: dict[str, object]) -> int:
    return estimate(parse_object(msgspec.json.encode(body)))


def test_text_is_counted_wherever_the_model_is_shown_it() -> None:
    assert tokens({"input": "x" * 298}) == 100
    assert tokens({"input": "x", "instructions": "y" * 298}) == 101
    assert tokens({"previous_response_id": "resp_1"}) == 0


@pytest.mark.parametrize(
    ("part", "least"),
    [
        ({"type": "input_image", "image_url": "data:image/png;base64," + "A" * 90_000}, IMAGE_TOKENS),
        ({"type": "input_image", "file_id": "file-1"}, IMAGE_TOKENS),
        (
            {"type": "input_file", "file_data": "data:application/pdf;base64," + "A" * 40_000},
            FILE_TOKENS + 1000,
        ),
        ({"type": "input_audio", "input_audio": {"data": "A" * 60_000, "format": "wav"}}, 100),
    ],
)
def test_media_is_not_text(part: dict[str, object], least: int) -> None:
    counted = tokens({"input": [{"role": "user", "content": [part]}]})
    assert least <= counted < least + 100


def test_a_text_that_only_speaks_of_media_is_text() -> None:
    assert tokens({"input": 'say "input_image"' + "x" * 300}) >= 100
