from __future__ import annotations

from waypost.dialects.cohere_chat.codec import COHERE_CHAT


def test_it_is_only_spoken_to_targets() -> None:
    assert COHERE_CHAT.entries == ()
    assert COHERE_CHAT.onward_path("m", True) == "/chat"
    assert COHERE_CHAT.codec is not None
