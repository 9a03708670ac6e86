from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.dialects.json_limits import JsonLimits, check_json_size
from waypost.errors import TooLarge

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('[]{},"\\a', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[{"\\,', max_size=3), inner, max_size=4)
    ),
    max_leaves=25,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@settings(deadline=None)
@given(values)
def test_depth_is_exact(value: Any) -> None:
    body, deep = msgspec.json.encode(value), depth(value)
    check_json_size(body, JsonLimits(depth=max(deep, 1)))
    if deep > 1:
        with pytest.raises(TooLarge):
            check_json_size(body, JsonLimits(depth=deep - 1))


def test_nodes() -> None:
    body = msgspec.json.encode([["[,{", 1]] * 500)
    check_json_size(body, JsonLimits(nodes=2000))
    with pytest.raises(TooLarge):
        check_json_size(body, JsonLimits(nodes=1000))


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 5_000_000,
        b"[" * 5_000_000 + b"]" * 5_000_000,
        b"[" * 90_000 + b"]" * 90_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" + b"1," * 2_000_000 + b"1]",
        b"[" + b'"",' * 2_000_000 + b'""]',
        b'"' * 5_000_000,
    ],
    ids=["open", "deep", "narrow", "objects", "wide", "strings", "quotes"],
)
def test_bombs(bomb: bytes) -> None:
    with pytest.raises(TooLarge):
        check_json_size(bomb, JsonLimits(nodes=200_000))


def test_brackets_in_strings_are_text() -> None:
    check_json_size(b'["' + b"[{" * 1_000_000 + b'\\"[[[[\\\\"]')
