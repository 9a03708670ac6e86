from __future__ import annotations

import msgspec
import pytest

from routing.requested.rig import asked
from waypost.errors import InvalidRequest
from waypost.routing.requested.listed import LISTED_MAX, NONE_LISTED, Listed, take_listed


@pytest.mark.parametrize(
    ("fields", "listed"),
    [
        ({}, NONE_LISTED),
        ({"models": None, "fallbacks": []}, NONE_LISTED),
        ({"models": ["a", "b"]}, Listed(("a", "b"))),
        ({"models": [], "fallbacks": ["a"]}, Listed(("a",), "fallbacks")),
        ({"fallbacks": [{"model": "a"}, "b"]}, Listed(("a", "b"), "fallbacks")),
    ],
)
def test_what_is_listed_is_taken_out(fields: dict[str, object], listed: Listed) -> None:
    left = dict(asked("m", temperature=1, **fields).fields)
    assert take_listed(left) == listed
    assert set(left) == {"model", "temperature"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"models": "a"}, "models"),
        ({"models": {"a": 1}}, "models"),
        ({"models": ["a", 7]}, "models[1]"),
        ({"models": [{"model": "a"}]}, "models[0]"),
        ({"models": [""]}, "models[0]"),
        ({"models": ["a" * 513]}, "models[0]"),
        ({"models": ["a"] * (LISTED_MAX + 1)}, "models"),
        ({"fallbacks": [{}]}, "fallbacks[0].model"),
        ({"fallbacks": [{"model": None}]}, "fallbacks[0].model"),
        ({"fallbacks": ["a", {"model": "b", "max_tokens": 1}]}, "fallbacks[1].max_tokens"),
        ({"fallbacks": [["a"]]}, "fallbacks[0]"),
        ({"models": ["a"], "fallbacks": ["b"]}, "fallbacks"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        take_listed(dict(asked("m", **fields).fields))
    assert caught.value.param == param


def test_a_list_of_another_size_is_not_built_first() -> None:
    with pytest.raises(InvalidRequest, match=str(LISTED_MAX)):
        take_listed({"models": msgspec.Raw(b"[" + b'"a",' * 5000 + b'"a"]')})
