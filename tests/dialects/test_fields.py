from __future__ import annotations

import pytest

from waypost.dialects.fields import parse_body, parse_object, read_flag, read_integer, render_fields
from waypost.errors import InvalidRequest, TooLarge


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a":1} x',
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'{"a":["\xed\xa0\x80"]}',
        b'{"a":{"b":"\\ud800 x"}}',
        b'{"\\udc00":1}',
        b'{"a":01}',
        b'{"a":"\x01"}',
        b"\xff\xfe{}",
    ],
)
def test_what_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_body(body)
    with pytest.raises(ValueError):
        parse_object(body)


def test_bombs_are_too_large() -> None:
    with pytest.raises(TooLarge):
        parse_body(b'{"a":' + b"[" * 65 + b"]" * 65 + b"}")
    with pytest.raises(ValueError):
        parse_object(b"[" * 100_000)


def test_a_repeated_key_keeps_the_last_value() -> None:
    assert render_fields(parse_body(b'{"a":1, "b":2,"a": {"x":\n1} }')) == b'{"a":{"x":\n1},"b":2}'


def test_null_is_not_given() -> None:
    fields = parse_body(b'{"a":null,"b":true,"c":"x"}')
    assert (read_flag(fields, "a"), read_flag(fields, "b"), read_flag(fields, "z")) == (False, True, False)
    assert read_integer(fields, "a", 0, 1) is None
    with pytest.raises(InvalidRequest) as caught:
        read_flag(fields, "c")
    assert caught.value.param == "c"


@pytest.mark.parametrize("name", ["Model", "MODEL", "max_token\u017f", "N", "sTREAM"])
def test_a_governed_field_in_another_spelling_is_refused(name: str) -> None:
    # A server that matches names without regard to case would obey it, and no rule here would have read it.
    with pytest.raises(InvalidRequest) as caught:
        parse_body(f'{{"model":"a","{name}":"b"}}'.encode())
    assert caught.value.param == name


def test_a_vendors_own_field_may_be_spelt_as_it_likes() -> None:
    assert set(parse_body(b'{"model":"a","topK":1,"X_Vendor":2}')) == {"model", "topK", "X_Vendor"}
