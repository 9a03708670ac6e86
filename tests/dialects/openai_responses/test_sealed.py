from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.request import Maker, Thinking, ToolCall
from waypost.dialects.openai_responses.sealed import OURS, Seal, seal, unseal, without_foreign

makers = st.sampled_from(["anthropic-claude-v1", "google-gemini-v1"])
base64 = st.text("ABCabc019+/=_-", min_size=1)


@given(makers, base64, st.booleans(), st.sampled_from(["", "hm"]))
def test_what_is_sealed_is_unsealed(maker: Maker, signature: str, redacted: bool, text: str) -> None:
    sealed = seal(Thinking(text, signature, None, maker, redacted))
    assert sealed is not None
    how = "redacted" if redacted else "shown" if text else "before"
    assert unseal(sealed) == Seal(signature, maker, how)


@given(base64)
def test_openais_own_is_not_touched(signature: str) -> None:
    assert seal(Thinking("", signature, maker=OURS)) == signature
    assert unseal(signature) == Seal(signature, OURS)


def test_a_calls_signature_is_of_the_part_before() -> None:
    call = ToolCall("c", "f", "{}", signature="sig", maker="google-gemini-v1")
    assert seal(call) == "google-gemini-v1:before:sig"
    assert seal(ToolCall("c", "f", "{}")) is None


@pytest.mark.parametrize("text", ["other:shown:x", "anthropic-claude-v1:x", "anthropic-claude-v1:odd:x"])
def test_what_only_looks_like_one_is_openais(text: str) -> None:
    assert unseal(text) == Seal(text, OURS)


def test_reasoning_of_other_makers_stays_out_of_openais_input() -> None:
    items = [
        {"role": "user", "content": "say rs_wp_1 and anthropic-claude-v1:shown:x"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {
            "type": "reasoning",
            "id": "rs_wp_1",
            "summary": [],
            "encrypted_content": "anthropic-claude-v1:shown:x",
        },
        {"type": "reasoning", "id": "rs_wp_2", "summary": []},
        {"type": "reasoning", "id": "rs_wp_3", "summary": [], "encrypted_content": "gAAA"},
    ]
    kept, dropped = without_foreign(msgspec.Raw(msgspec.json.encode(items)))
    assert msgspec.json.decode(kept) == [items[0], items[1], items[4]]
    assert dropped == ("input[2]", "input[3]")


@pytest.mark.parametrize("text", [b'"rs_wp_1 x"', b'[{"role":"user"}]', b'"say \\"rs_wp_1\\""'])
def test_an_input_without_any_passes_as_it_is(text: bytes) -> None:
    raw = msgspec.Raw(text)
    assert without_foreign(raw) == (raw, ())
