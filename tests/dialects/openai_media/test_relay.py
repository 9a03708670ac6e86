from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.core.usage import Units, Usage
from waypost.dialects.openai_media.relay import BytesRelay, EventRelay
from waypost.errors import Garbled, Overloaded, Truncated, UpstreamError

ASKED = Asked("m", True, {}, input_estimate=7, form="sse")
PARTIAL = b'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"AA"}\n\n'
LAST = b'data: {"type":"image_generation.completed","usage":{"input_tokens":5,"output_tokens":9}}\n\n'


def events() -> EventRelay:
    return EventRelay(ASKED, lambda usage, tier: 0)


def test_events_pass_as_they_came_and_the_last_has_the_usage() -> None:
    relay = events()
    assert relay.feed(PARTIAL[:20]) == b""
    assert relay.feed(PARTIAL[20:]) == PARTIAL
    assert (relay.committed, relay.finished) == (True, False)
    assert relay.feed(LAST) == LAST
    assert (relay.finished, relay.usage) == (True, Usage(input=5, output=9))


def test_what_a_stream_does_not_count_is_as_it_was_asked_for() -> None:
    units = Units(images=2, image="hd")
    relay = EventRelay(msgspec.structs.replace(ASKED, units=units), lambda usage, tier: 0)
    relay.feed(PARTIAL)
    assert (relay.partial().source, relay.partial().units) == ("partial", units)
    relay.feed(LAST)
    assert relay.usage == Usage(input=5, output=9, units=units)


def test_an_end_without_a_last_event_is_truncated() -> None:
    relay = events()
    relay.feed(PARTIAL)
    relay.end()
    assert isinstance(relay.failure, Truncated)


def test_a_last_event_without_its_blank_line_counts() -> None:
    relay = events()
    relay.feed(LAST.rstrip(b"\n"))
    assert relay.end().startswith(b"data: ")
    assert relay.finished


@pytest.mark.parametrize(
    ("event", "kind"),
    [(b"data: <html>\n\n", Garbled), (b'data: {"error":{"message":"no"}}\n\n', UpstreamError)],
)
def test_errors_and_garbage_are_failures(event: bytes, kind: type[Exception]) -> None:
    relay = events()
    assert relay.feed(event) == b""
    assert isinstance(relay.failure, kind)
    assert b"busy" in relay.fail(Overloaded("busy"))


def test_a_sound_passes_byte_by_byte() -> None:
    relay = BytesRelay(ASKED)
    assert relay.feed(b"ID3") == b"ID3"
    assert relay.committed
    assert relay.end() == relay.fail(Overloaded("busy")) == b""
    assert relay.finished
    assert relay.partial() == Usage(input=7, source="estimated")
    spoken = msgspec.structs.replace(ASKED, units=Units(characters=5))
    assert BytesRelay(spoken).partial() == Usage(input=7, source="estimated", units=spoken.units)


def test_an_empty_sound_is_truncated() -> None:
    relay = BytesRelay(ASKED)
    relay.end()
    assert isinstance(relay.failure, Truncated)
    assert not relay.finished
