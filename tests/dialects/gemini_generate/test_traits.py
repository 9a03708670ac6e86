from __future__ import annotations

import pytest

from waypost.dialects.gemini_generate.traits import traits_of


@pytest.mark.parametrize(
    ("model", "levels", "budget", "modern"),
    [
        ("gemini-1.5-pro", 0, None, False),
        ("gemini-2.0-flash", 0, None, False),
        ("gemini-2.5-pro", 0, (128, 32_768), False),
        ("models/gemini-2.5-flash-lite-preview", 0, (512, 24_576), False),
        ("google/gemini-2.5-flash", 0, (1, 24_576), False),
        ("gemini-3-pro-preview", 2, None, True),
        ("gemini-3-flash-preview", 4, None, True),
        ("gemini-3.1-pro-preview", 3, None, True),
        ("gemini-4-argon", 3, None, True),
        ("Gemini-flash-latest", 3, None, True),
        ("gemma-3-27b-it", 0, None, False),
    ],
)
def test_families(model: str, levels: int, budget: tuple[int, int] | None, modern: bool) -> None:
    traits = traits_of(model)
    assert (len(traits.levels), traits.budget, traits.modern) == (levels, budget, modern)
