from __future__ import annotations

import msgspec

from waypost.core.request import Extras
from waypost.dialects.openai_chat.own import own_form, with_extras


def test_only_its_own_extras_are_written() -> None:
    odd = {"odd": msgspec.Raw(b"1")}
    assert with_extras({"a": 2}, Extras("openai_chat", odd, "f")) == {"a": 2, **odd}
    assert with_extras({"a": 2}, Extras("anthropic_messages", odd, "f")) == {"a": 2}
    assert own_form(Extras("openai_chat", odd, "f")) == "f"
    assert own_form(Extras("anthropic_messages", odd, "f")) == ""
