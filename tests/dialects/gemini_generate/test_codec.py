from __future__ import annotations

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.gemini_generate.codec import GENERATE


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
