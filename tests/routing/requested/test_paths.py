from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.fields import render_fields
from waypost.routing.requested.paths import Step, parse_path, without

BODY = {
    "a": msgspec.Raw(b'{"b":1.10,"c":[{"x":1,"y":2},{"x":3}]}'),
    "t": msgspec.Raw(b"[1,2]"),
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("tools[0].x", ("tools", 0, "x")),
        ("tools[*].x-y z", ("tools", None, "x-y z")),
        ("a[1][2].b", ("a", 1, 2, "b")),
    ],
)
def test_paths(text: str, steps: tuple[Step, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a[", "a[]", "a[-1]", "a[x]", "[0]", "a]b", ".".join("a" * 17)]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("a", b'{"t":[1,2]}'),
        ("a.b", b'{"a":{"c":[{"x":1,"y":2},{"x":3}]},"t":[1,2]}'),
        ("a.c[*].x", b'{"a":{"b":1.10,"c":[{"y":2},{}]},"t":[1,2]}'),
        ("a.c[1].x", b'{"a":{"b":1.10,"c":[{"x":1,"y":2},{}]},"t":[1,2]}'),
        ("a.c[0]", b'{"a":{"b":1.10,"c":[{"x":3}]},"t":[1,2]}'),
        ("t[*]", b'{"a":{"b":1.10,"c":[{"x":1,"y":2},{"x":3}]},"t":[]}'),
    ],
)
def test_what_is_left_keeps_its_own_bytes(path: str, left: bytes) -> None:
    assert render_fields(without(BODY, parse_path(path))) == left


@pytest.mark.parametrize("path", ["z", "z.q", "t.x", "a.b.c", "a.b[0]", "a[0]", "a.z"])
def test_a_path_that_leads_nowhere_changes_nothing(path: str) -> None:
    assert render_fields(without(BODY, parse_path(path))) == render_fields(BODY)


json = st.recursive(
    st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


@given(json, st.sampled_from(["a", "a.b", "a[0]", "a[*].a", "a[*]", "a.b[1].a", "b[0][0]"]))
def test_nothing_but_what_is_named_goes(value: object, path: str) -> None:
    fields = {"a": msgspec.Raw(msgspec.json.encode(value)), "k": msgspec.Raw(b"1")}
    left = without(fields, parse_path(path))
    assert left["k"] == fields["k"]
    assert set(left) <= set(fields)
    assert len(render_fields(left)) <= len(render_fields(fields))
    msgspec.json.decode(render_fields(left))
