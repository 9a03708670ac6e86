from __future__ import annotations

import pytest

from waypost.dialects.registry import DIALECTS


def test_names_and_paths() -> None:
    assert {name: (d.operation, d.entries[0].path) for name, d in DIALECTS.items()} == {
        "openai_chat": ("chat", "/chat/completions"),
        "openai_completions": ("completions", "/completions"),
        "openai_embeddings": ("embeddings", "/embeddings"),
    }


def test_the_list_can_not_change() -> None:
    with pytest.raises(TypeError):
        DIALECTS["x"] = DIALECTS["openai_chat"]  # type: ignore[index]  # that is the point
