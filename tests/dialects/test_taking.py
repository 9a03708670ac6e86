from __future__ import annotations

import msgspec

from waypost.core.request import CacheHint, Extras
from waypost.dialects.openai_chat.own import Taking
from waypost.dialects.taking import INTEGER, TEXT, put, put_extras


def raws(**values: object) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in values.items()}


def test_only_the_right_type_is_taken() -> None:
    taking = Taking(raws(a="x", b=7, c=None))
    assert taking.take("a", TEXT) == "x"
    assert taking.take("b", TEXT) is None
    assert taking.take("c", INTEGER) is None
    assert taking.extras() == Extras("openai_chat", raws(b=7, c=None))


def test_nothing_left_is_no_extras() -> None:
    taking = Taking(raws(type="function"))
    assert not taking.take_constant("type", "other")
    assert taking.take_constant("type", "function")
    assert taking.extras() is None


def test_cache_hints() -> None:
    assert Taking(raws(cache_control={"type": "ephemeral", "ttl": "1h"})).take_cache() == CacheHint(3600)
    odd = Taking(raws(cache_control={"type": "ephemeral", "ttl": "5m"}))
    assert odd.take_cache() is None
    assert odd.rest


def test_modelled_fields_win() -> None:
    extras = Extras("openai_chat", raws(a=1, b=2))
    assert msgspec.json.encode(put_extras({"a": 9}, extras, "openai_chat")) == b'{"a":9,"b":2}'
    assert put_extras({"a": 9}, Extras("other", raws(b=2)), "openai_chat") == {"a": 9}


def test_arrays_are_taken_only_when_they_hold_something() -> None:
    taking = Taking(raws(a=[1, 2], b=[], c="x"))
    assert [bytes(item) for item in taking.take_items("a")] == [b"1", b"2"]
    assert taking.take_items("b") == taking.take_items("c") == taking.take_items("d") == []
    assert taking.rest == raws(b=[], c="x")


def test_put_leaves_out_what_is_not_set() -> None:
    assert put({"a": 1}, b=None, c=0) == {"a": 1, "c": 0}
