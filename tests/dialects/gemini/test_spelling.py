from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.gemini.spelling import camel, govern, know, snake, spelt
from waypost.errors import InvalidRequest

ONE = msgspec.Raw(b"1")
GOVERNED = govern(("maxOutputTokens", "tools"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("max_output_tokens", "maxOutputTokens"), ("tools", "tools"), ("top_k", "topK"), ("a_1b", "a1b")],
)
def test_spellings(one: str, other: str) -> None:
    assert camel(one) == other
    assert camel(other) == other


def test_snake() -> None:
    assert snake("responseJsonSchema") == "response_json_schema"
    assert snake("tools") == "tools"


@pytest.mark.parametrize("name", ["_private", "a__b", "A_b", "a_", "9_a", ""])
def test_other_names_stay(name: str) -> None:
    assert camel(name) == name


def test_either_spelling_is_found() -> None:
    known = know({"max_output_tokens": ONE, "TOPK": ONE}, GOVERNED)
    assert (known.get("maxOutputTokens"), known.key("maxOutputTokens")) == (ONE, "max_output_tokens")
    assert (known.get("tools"), known.key("tools")) == (None, "tools")
    assert spelt({"max_output_tokens": ONE}, "maxOutputTokens") == "max_output_tokens"


@pytest.mark.parametrize("name", ["MaxOutputTokens", "maxoutputtokens", "max_OutputTokens", "Tools"])
def test_a_third_spelling_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        know({name: ONE}, GOVERNED, "generationConfig.")
    assert caught.value.param == f"generationConfig.{name}"


def test_both_spellings_at_once_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="given twice"):
        know({"maxOutputTokens": ONE, "max_output_tokens": ONE}, GOVERNED)
