from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.openai.prompts import read_prompts
from waypost.errors import InvalidRequest


@pytest.mark.parametrize(
    ("value", "count", "tokens"),
    [
        ("x" * 298, 1, 100),
        (["x" * 298, "y" * 298], 2, 200),
        ([1, 2, 3], 1, 3),
        ([[1, 2], [3, 4]], 2, 4),
        ([{"type": "text"}], 1, 6),
    ],
)
def test_every_form(value: Any, count: int, tokens: int) -> None:
    got = read_prompts({"input": msgspec.Raw(msgspec.json.encode(value))}, "input")
    assert got[0] == count
    assert tokens <= got[1] <= tokens + 2


@pytest.mark.parametrize("text", [b"null", b"[]", b"{}", b"7", b"true"])
def test_what_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_prompts({"input": msgspec.Raw(text)}, "input")
    assert caught.value.param == "input"
