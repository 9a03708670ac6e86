"""Whatever an upstream answers with, it becomes one of our errors, and that reads well in every client's dialect."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.dialect import Dialect
from waypost.dialects.refusals import WORDS, Said
from waypost.dialects.registry import DIALECTS
from waypost.dialects.verdict import refuse, refuse_inside
from waypost.errors import ContextTooLong, Failed, Filtered, Overcrowded, Unavailable, UpstreamError

DIALECT_LIST = list(DIALECTS.values())
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 10**20)
    | st.text(max_size=9)
    | st.sampled_from(sorted(WORDS)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "type", "message", "status", "details", "metadata", "innererror", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | JSON.map(msgspec.json.encode)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"retry-after", b"date", b"retry-after-ms", b"x-ratelimit-reset", b"x-amzn-errortype"]
        ),
        st.binary(max_size=12) | st.integers(-5, 10**14).map(lambda number: b"%d" % number),
    ),
    max_size=3,
)


@pytest.mark.parametrize("dialect", DIALECT_LIST, ids=lambda dialect: dialect.name)
@given(st.integers(100, 999), HEADERS, BODIES)
def test_any_answer_is_one_of_our_errors(
    dialect: Dialect, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    error = dialect.parse_error(status, headers, body)
    assert isinstance(error, UpstreamError)
    assert error.status not in (401, 402, 403)
    assert error.retry_after_s is None or 0 <= error.retry_after_s <= 32 * 86400
    for client in DIALECT_LIST:
        if client is dialect or not isinstance(error, ContextTooLong | Filtered):
            assert isinstance(msgspec.json.decode(client.render_error(error)), dict | list)


@pytest.mark.parametrize("dialect", DIALECT_LIST, ids=lambda dialect: dialect.name)
@given(BODIES)
def test_any_body_of_a_200_is_an_answer_or_one_of_our_errors(dialect: Dialect, body: bytes) -> None:
    told: UpstreamError | None = None
    try:
        dialect.parse_reply(body)
    except UpstreamError as error:
        told = error
    assert told is None or told.may_have_billed


def test_a_status_is_kept_for_routes_that_name_it() -> None:
    assert refuse(529, Said(), []).answered == 529
    assert refuse_inside(Said("x", ("529",))).answered is None


@pytest.mark.parametrize(
    ("status", "words", "billed"),
    [
        (500, (), False),
        (504, (), True),
        (424, ("modelerrorexception",), True),
        (429, (), False),
        (400, (), False),
    ],
)
def test_who_may_have_billed(status: int, words: tuple[str, ...], billed: bool) -> None:
    assert refuse(status, Said("x", words), []).may_have_billed is billed


@pytest.mark.parametrize(
    ("words", "kind"), [(("overloaded_error",), Overcrowded), (("server_error",), Unavailable), ((), Failed)]
)
def test_what_was_told_inside_an_answer_may_have_been_billed(
    words: tuple[str, ...], kind: type[UpstreamError]
) -> None:
    error = refuse_inside(Said("x", words))
    assert type(error) is kind
    assert error.may_have_billed
