from __future__ import annotations

from base64 import b64encode

import msgspec
import pytest

from recorder.taking import answered, asked, scrub, streamed
from waypost.recorder.fixture import Content, Fixture, encode_fixture
from waypost.recorder.known import Known
from waypost.recorder.leaks import leaks

KEY = "prov-CANARY-0123456789"


def found(fixture: Fixture) -> list[str]:
    return leaks(encode_fixture(fixture), fixture, Known([KEY]))


def test_nothing() -> None:
    assert found(scrub(asked({"a": KEY}), answered({"b": KEY}), KEY)) == []


@pytest.mark.parametrize(
    "text", [KEY, KEY[4:16], KEY.encode().hex(), b64encode(b64encode(KEY.encode())).decode()]
)
def test_it_says_where(text: str) -> None:
    clean = scrub(asked({}), answered({}))
    request = msgspec.structs.replace(clean.request, body=msgspec.Raw(b'{"a": ["x", "%b"]}' % text.encode()))
    assert found(msgspec.structs.replace(clean, request=request)) == ["request.body.a[1]"]


def test_in_media_that_was_kept() -> None:
    clean = scrub(asked({}), answered({}))
    held = Content(base64=b64encode(b"\xff" + KEY.encode()).decode())
    response = msgspec.structs.replace(clean.response, body=msgspec.UNSET, content=held)
    assert found(msgspec.structs.replace(clean, response=response)) == ["response.content.base64"]


def test_across_chunks_and_across_events() -> None:
    cut = streamed(b"data: prov-CANARY", b"-0123456789\n\n")
    assert found(scrub(asked({}), cut)) == ["response.chunks, put together"]
    pieces = streamed(b'data: {"odd": "prov-CANA"}\n\ndata: {"odd": "RY-012345"}\n\n')
    assert found(scrub(asked({}), pieces)) == ["response.chunks, odd of its events put together"]
