from __future__ import annotations

from waypost.core.request import Extras
from waypost.dialects.cohere_chat.own import TOOL_PLAN, own_form


def test_only_its_own_forms() -> None:
    assert own_form(Extras("cohere_chat", {}, TOOL_PLAN)) == TOOL_PLAN
    assert own_form(Extras("openai_chat", {}, TOOL_PLAN)) == ""
