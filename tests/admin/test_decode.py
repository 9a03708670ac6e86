from __future__ import annotations

import pytest

from waypost.admin.decode import Page, check_media, decode, fault_of, page_of, read_query, tags_of
from waypost.admin.members import MemberBody
from waypost.errors import InvalidRequest, UnsupportedMediaType


def test_faults_have_their_place() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(b'{"teams":[{"team":"a"},{"team":"b","rle":1}]}', MemberBody)
    assert caught.value.param == "teams[1].rle"
    with pytest.raises(InvalidRequest) as caught:
        decode(b'{"teams":[{"role":"x"}]}', MemberBody)
    assert caught.value.param == "teams[0].team"
    with pytest.raises(InvalidRequest) as caught:
        decode(b'{"teams":{}}', MemberBody)
    assert caught.value.param == "teams"
    assert fault_of("odd").param == "$"
    with pytest.raises(InvalidRequest, match=r"not JSON|Expected"):
        decode(b'{"teams":' + b"[" * 100_000, MemberBody)


@pytest.mark.parametrize(
    "media", [b"", b"text/plain", b"application/jsonx", b"application/json; charset=latin-1"]
)
def test_media_that_are_refused(media: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_media({b"content-type": media}, True)


def test_media() -> None:
    check_media({b"content-type": b"Application/JSON; charset=UTF-8"}, False)
    check_media({b"content-type": b"application/merge-patch+json"}, True)
    with pytest.raises(UnsupportedMediaType):
        check_media({b"content-type": b"application/merge-patch+json"}, False)


def test_queries() -> None:
    known = frozenset(("limit", "after"))
    assert read_query(b"", known) == {}
    assert read_query(b"limit=2&after=a%40b.c", known) == {"limit": "2", "after": "a@b.c"}
    for query in (b"limit", b"limit=1&limit=2", b"x=1", b"limit=%ff", b"\xff", b"&".join([b"limit=1"] * 30)):
        with pytest.raises(InvalidRequest):
            read_query(query, known)


def test_pages() -> None:
    assert page_of({}) == Page(50, "")
    assert page_of({"limit": "200", "after": "x"}) == Page(200, "x")
    for said in ({"limit": "201"}, {"limit": "-1"}, {"limit": "²"}, {"after": "\x00"}, {"after": "x" * 4000}):
        with pytest.raises(InvalidRequest):
            page_of(said)


def test_entity_tags() -> None:
    assert tags_of(None) is None
    assert tags_of(b"*") == {"*"}
    assert tags_of(b'"1", W/"2"') == {"1", "2"}
    assert tags_of(b"1") == tags_of(b"") == frozenset(), "what is no tag matches nothing"
