from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.gemini_generate.codec import GENERATE


def test_the_type_of_a_stream() -> None:
    assert GENERATE.stream_type(Asked("m", True, {}, form="sse")).startswith(b"text/event-stream")
    assert GENERATE.stream_type(Asked("m", True, {}, form="array")).startswith(b"application/json")


def test_no_account_passes_and_the_tier_does() -> None:
    assert GENERATE.forwarded == ()
    assert GENERATE.passed == (b"x-gemini-",)
