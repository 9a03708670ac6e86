from __future__ import annotations

import pytest

from waypost.dialects.audio import OutgoingAudio
from waypost.dialects.registry import DIALECTS
from waypost.recorder.paths import place_of

#: A session over a WebSocket is no exchange that could be recorded, and what nobody asks in is not read here.
RECORDED = sorted(
    name
    for name, dialect in DIALECTS.items()
    if dialect.operation != "realtime" and not isinstance(dialect, OutgoingAudio)
)


@pytest.mark.parametrize("name", RECORDED)
def test_where_a_dialect_is_asked_is_its_place(name: str) -> None:
    for stream in (False, True):
        place = place_of("/v1" + DIALECTS[name].onward_path("embed:b", stream))
        assert place is not None
        assert place.dialect == name


def test_what_the_path_says() -> None:
    place = place_of("/v1beta/models/gemini%2Dx:streamGenerateContent?alt=sse")
    assert place is not None
    assert (place.ask.model, place.ask.stream, place.ask.query) == ("gemini-x", True, b"alt=sse")
    assert place_of("/v1/models") is None
    assert place_of("/model/anthropic.claude/invoke") is None
