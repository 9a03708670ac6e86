from __future__ import annotations

import pytest

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.gemini_generate.codec import GENERATE
from waypost.errors import Garbled


def test_paths() -> None:
    assert GENERATE.onward_path("gemini-2.5-flash", False) == "/models/gemini-2.5-flash:generateContent"
    assert (
        GENERATE.onward_path("gemini-2.5-flash", True)
        == "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    )
    streams = {entry.path for entry in GENERATE.entries if entry.stream}
    assert "/v1beta/models/{model}:streamGenerateContent" in streams


def test_the_body_goes_on_as_it_came_but_for_the_model() -> None:
    body = (
        b'{"model":"models/x","contents":[{"parts":[{"text":"hi"}]}],"generation_config":{"new_knob":1.50}}'
    )
    asked = GENERATE.parse_ask(body, path=PathAsk("x"))
    sent = GENERATE.render_onward(asked, "target", Quirks())
    assert sent.body == body.replace(b'"model":"models/x",', b"")


@pytest.mark.parametrize("body", [b'{"detail":"Not Found"}', b"{}", b'{"ok":true}'])
def test_an_object_without_an_answer_is_no_answer(body: bytes) -> None:
    with pytest.raises(Garbled, match="without an answer"):
        GENERATE.parse_reply(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"candidates":[]}',
        b'{"promptFeedback":{"blockReason":"SAFETY"}}',
        b'{"usageMetadata":{"promptTokenCount":1}}',
    ],
)
def test_an_answer_may_have_no_candidate(body: bytes) -> None:
    assert GENERATE.parse_reply(body).raw is None
