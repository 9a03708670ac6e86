from __future__ import annotations

import pytest

from routing.requested.rig import asked
from waypost.routing.requested.wishes import NO_WISHES, Wishes, session_of, user_of


def test_the_gateways_own_word_comes_before_the_bodys() -> None:
    request = asked(user="body", session_id="body")
    assert user_of(Wishes(user="own"), request) == "own"
    assert user_of(NO_WISHES, request) == "body"
    assert user_of(NO_WISHES, asked()) is None
    assert user_of(NO_WISHES, asked(user=7)) is None
    assert len(user_of(NO_WISHES, asked(user="x" * 999)) or "") == 256


@pytest.mark.parametrize(
    ("wishes", "fields", "header", "session"),
    [
        (Wishes(session="own"), {"session_id": "a"}, b"b", "own"),
        (NO_WISHES, {"session_id": "a", "prompt_cache_key": "c"}, b"b", "a"),
        (NO_WISHES, {"prompt_cache_key": "c"}, b" b ", "b"),
        (NO_WISHES, {"prompt_cache_key": "c"}, b" ", "c"),
        (NO_WISHES, {"prompt_cache_key": "c"}, None, "c"),
        (NO_WISHES, {"session_id": None}, None, None),
    ],
)
def test_where_a_session_is_read(
    wishes: Wishes, fields: dict[str, object], header: bytes | None, session: str | None
) -> None:
    headers = {} if header is None else {b"x-session-id": header}
    request = asked(**fields)
    assert session_of(wishes, request, headers) == session
    assert set(request.fields) == {"model", *fields}, "they stay for providers that know them"
