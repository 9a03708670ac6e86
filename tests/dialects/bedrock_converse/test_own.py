from __future__ import annotations

import msgspec

from waypost.core.request import Extras
from waypost.dialects.bedrock_converse.own import is_own, own_form, with_extras


def test_only_its_own_extras_are_written() -> None:
    odd = {"odd": msgspec.Raw(b"1")}
    own, foreign = Extras("bedrock_converse", odd, "f"), Extras("openai_chat", odd, "f")
    assert with_extras({"a": 2}, own) == {"a": 2, **odd}
    assert with_extras({"a": 2}, foreign) == {"a": 2}
    assert (own_form(own), own_form(foreign), is_own(own), is_own(foreign), is_own(None)) == (
        "f",
        "",
        True,
        False,
        False,
    )
