from __future__ import annotations

import pytest

from waypost.core.asked import PathAsk
from waypost.dialects.openai_realtime.codec import REALTIME
from waypost.errors import InvalidRequest


def test_the_model_stands_in_the_query() -> None:
    asked = REALTIME.parse_ask(b"", path=PathAsk(query=b"x=1&model=sim%2Ffast"))
    assert (asked.model, asked.stream, asked.input_estimate) == ("sim/fast", True, 0)


@pytest.mark.parametrize("query", [b"", b"model=", b"model=m&call_id=rtc_1", b"intent=transcription&model=m"])
def test_what_has_no_model_that_can_be_checked_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidRequest):
        REALTIME.parse_ask(b"", path=PathAsk(query=query))


def test_only_the_model_goes_on_and_it_can_not_add_to_the_query() -> None:
    assert REALTIME.onward_path("a/b&c=d e", True) == "/realtime?model=a%2Fb%26c%3Dd%20e"
    assert REALTIME.codec is None
    assert [entry.socket for entry in REALTIME.entries] == [True]
