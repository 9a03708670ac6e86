from __future__ import annotations

import pytest

from waypost.catalog.tokenizers import Ranks, find_tokenizer, load_ranks, pack_ranks
from waypost.core.encoding import Encoding


@pytest.mark.parametrize(
    ("model", "encoding", "framed"),
    [
        ("gpt-4o", "o200k_base", True),
        ("gpt-4o-mini-2024-07-18", "o200k_base", True),
        ("openai/gpt-4.1-nano", "o200k_base", True),
        ("ft:gpt-4o-mini-2024-07-18:us::x", "o200k_base", True),
        ("GPT-4", "cl100k_base", True),
        ("gpt-4-turbo", "cl100k_base", True),
        ("gpt-35-turbo", "cl100k_base", True),
        ("gpt-4.5-preview", "o200k_base", False),
        ("gpt-5.1-codex", "o200k_base", False),
        ("o3-mini", "o200k_base", False),
        ("openai/gpt-oss-20b", "o200k_base", False),
        ("text-embedding-3-small", "cl100k_base", False),
    ],
)
def test_models_with_a_public_tokenizer(model: str, encoding: Encoding, framed: bool) -> None:
    found = find_tokenizer(model)
    assert found is not None
    assert (found.encoding, found.framed) == (encoding, framed)


@pytest.mark.parametrize(
    "model", ["claude-sonnet-5", "gemini-3-pro", "gpt-40", "o30", "gpt-2", "llama-3.3-70b", "gpt-4o/x", ""]
)
def test_models_without_one(model: str) -> None:
    assert find_tokenizer(model) is None


@pytest.mark.parametrize(("encoding", "size"), [("o200k_base", 199_998), ("cl100k_base", 100_256)])
def test_the_data_is_whole(encoding: Encoding, size: int) -> None:
    ranks = load_ranks(encoding)
    assert len(set(ranks.tokens)) == len(ranks.tokens) == size
    assert {bytes((byte,)) for byte in range(256)} <= set(ranks.tokens)
    assert pack_ranks(Ranks("x", (b"a", b"bc"))) == pack_ranks(Ranks("x", (b"a", b"bc")))
