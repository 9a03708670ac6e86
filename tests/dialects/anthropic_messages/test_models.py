from __future__ import annotations

import pytest

from waypost.dialects.anthropic_messages.models import efforts, is_adaptive
from waypost.dialects.claude import takes_sampling


@pytest.mark.parametrize(
    ("model", "adaptive", "sampling", "words"),
    [
        ("claude-3-haiku-20240307", False, True, 4),
        ("claude-3-7-sonnet-20250219", False, True, 4),
        ("claude-opus-4-20250514", False, True, 4),
        ("claude-opus-4@20250514", False, True, 4),
        ("anthropic.claude-opus-4-1-20250805-v1:0", False, True, 4),
        ("claude-sonnet-4-5-20250929", False, True, 4),
        ("claude-opus-4-6", True, True, 4),
        ("anthropic/claude-sonnet-4.6", True, True, 4),
        ("claude-opus-4-7", True, False, 5),
        ("claude-sonnet-5", True, False, 5),
        ("claude-opus-5-5", True, False, 5),
        ("claude-fable-5-1", True, False, 5),
        ("Claude-Mythos-Preview", True, False, 5),
        ("MiniMax-M2", False, True, 4),
        ("deepseek-chat", False, True, 4),
    ],
)
def test_what_an_id_tells(model: str, adaptive: bool, sampling: bool, words: int) -> None:
    assert (is_adaptive(model), takes_sampling(model), len(efforts(model))) == (adaptive, sampling, words)
