from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from waypost.recorder.literals import literals, show

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    if isinstance(value, dict):
        return [text for name, each in value.items() for text in (name, *texts(each))]
    return []


@given(JSON)
def test_every_text_is_found_in_order_and_in_its_place(value: object) -> None:
    document = msgspec.json.encode(value).decode()
    found = literals(document, 0)
    assert found is not None
    assert [slot.text for slot in found] == texts(value)
    assert all(msgspec.json.decode(document[slot.start : slot.end]) == slot.text for slot in found)


def test_paths() -> None:
    found = literals('{"a": [1, {"b": "x"}, "y"], "c": "\\u00e9"}', 10)
    assert found is not None
    assert [(show(slot.path), slot.is_key) for slot in found] == [
        ("a", True), ("a[1].b", True), ("a[1].b", False), ("a[2]", False), ("c", True), ("c", False),
    ]  # fmt: skip
    assert (found[-1].text, found[-1].key, found[0].start) == ("é", "c", 11)


def test_what_is_no_json() -> None:
    assert literals("[DONE]") is None
    assert literals("[" * 100_000) is None
