from __future__ import annotations

from waypost.core.asked import PathAsk
from waypost.dialects.openai_responses.codec import RESPONSES
from waypost.errors import Overloaded, Throttled


def test_where_it_is_asked_and_spoken() -> None:
    assert (RESPONSES.name, RESPONSES.family, RESPONSES.operation) == (
        "openai_responses",
        "openai_responses",
        "chat",
    )
    [entry] = RESPONSES.entries
    assert (entry.path, entry.mounted) == ("/responses", True)
    assert RESPONSES.onward_path("any/model", True) == "/responses"
    asked = RESPONSES.parse_ask(b'{"model":"m","input":"x","stream":true}', path=PathAsk())
    assert RESPONSES.stream_type(asked).startswith(b"text/event-stream")


def test_errors_are_openais() -> None:
    assert isinstance(RESPONSES.parse_error(429, [], b'{"error":{"message":"slow"}}'), Throttled)
    assert RESPONSES.render_error(Overloaded("busy")).startswith(b'{"error":{"message":"busy"')
