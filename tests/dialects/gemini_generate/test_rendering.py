from __future__ import annotations

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Extras, Message, ToolCall
from waypost.dialects.gemini_generate.rendering import Rendering


def test_what_is_known_of_a_request() -> None:
    call = Message("assistant", (ToolCall("c", "look", "{}"),))
    foreign = Rendering(ChatRequest("gemini-3-pro", (call,)), Loss())
    assert (foreign.native, foreign.names, foreign.traits.modern) == (False, {"c": "look"}, True)
    assert Rendering(ChatRequest("m", (), extras=Extras("gemini_generate")), Loss()).native
    assert not Rendering(ChatRequest("m", (), extras=Extras("openai_chat")), Loss()).native
