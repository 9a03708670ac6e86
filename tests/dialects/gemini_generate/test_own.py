from __future__ import annotations

import msgspec

from waypost.core.request import Extras
from waypost.dialects.gemini_generate.own import (
    MAKER,
    NAME,
    Taking,
    keep,
    own_signature,
    own_words,
    with_extras,
)
from waypost.dialects.taking import INTEGER

ONE = msgspec.Raw(b"1")


def test_either_spelling_is_taken() -> None:
    assert Taking({"top_k": ONE}).take("topK", INTEGER) == 1
    assert Taking({"topK": ONE}).take("topK", INTEGER) == 1


def test_words_and_fields() -> None:
    extras = keep(Taking({"odd_one": ONE}), "noid", "", "part")
    assert extras == Extras(NAME, {"oddOne": ONE}, "noid part")
    assert own_words(extras) == ["noid", "part"]
    assert with_extras({"a": 2}, extras) == {"a": 2, "oddOne": ONE}
    assert keep(Taking({}), "") is None
    assert own_words(Extras("other", {}, "noid")) == []


def test_signatures_of_others_do_not_pass() -> None:
    assert own_signature("s", MAKER) == "s"
    assert own_signature("s", "anthropic-claude-v1") is own_signature("s", None) is None
    assert own_signature("", MAKER) is None
