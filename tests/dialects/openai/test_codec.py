from __future__ import annotations

import msgspec

from waypost.core.quirks import Quirks
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_completions.codec import COMPLETIONS

RENAMED = Quirks(max_tokens_field="max_completion_tokens")


def test_the_output_limit_is_renamed_for_chat() -> None:
    asked = CHAT.parse_ask(b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]}')
    sent = msgspec.json.decode(CHAT.render_onward(asked, "m", RENAMED).body)
    assert (sent.get("max_tokens"), sent.get("max_completion_tokens")) == (None, 5)


def test_completions_know_only_max_tokens() -> None:
    asked = COMPLETIONS.parse_ask(b'{"model":"m","max_tokens":5,"prompt":"x"}')
    sent = msgspec.json.decode(COMPLETIONS.render_onward(asked, "m", RENAMED).body)
    assert (sent.get("max_tokens"), sent.get("max_completion_tokens")) == (5, None)
