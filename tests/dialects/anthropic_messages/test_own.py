from __future__ import annotations

import msgspec
import pytest

from waypost.core.request import CacheHint, Extras
from waypost.dialects.anthropic_messages.own import Taking, is_own, own_form, with_extras


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        (b'{"type":"ephemeral"}', 300),
        (b'{"type":"ephemeral","ttl":"5m"}', 300),
        (b'{"ttl":"1h","type":"ephemeral"}', 3600),
        (b'{"type":"ephemeral","ttl":"2h"}', None),
        (b"7", None),
    ],
)
def test_cache_hints(hint: bytes, seconds: int | None) -> None:
    taking = Taking({"cache_control": msgspec.Raw(hint)})
    assert taking.take_cache() == (None if seconds is None else CacheHint(seconds))
    assert ("cache_control" in taking.rest) is (seconds is None)


def test_nulls_say_nothing() -> None:
    taking = Taking({"a": msgspec.Raw(b"null"), "b": msgspec.Raw(b"0")})
    taking.drop_nulls()
    assert taking.rest.keys() == {"b"}


def test_extras_of_others_are_not_ours() -> None:
    ours = Extras("anthropic_messages", {"x": msgspec.Raw(b"1")}, "own")
    other = Extras("openai_chat", {"x": msgspec.Raw(b"1")}, "own")
    assert (own_form(ours), is_own(ours)) == ("own", True)
    assert (own_form(other), is_own(other), is_own(None)) == ("", False, False)
    assert with_extras({}, other) == {}
    assert with_extras({"x": 2}, ours) == {"x": 2}
