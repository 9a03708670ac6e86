from __future__ import annotations

import msgspec

from waypost.core.request import CacheHint, Extras
from waypost.dialects.openai_chat.taking import INTEGER, TEXT, Taking, with_extras


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
    assert msgspec.json.encode(with_extras({"a": 9}, extras)) == b'{"a":9,"b":2}'
    assert with_extras({"a": 9}, Extras("other", raws(b=2))) == {"a": 9}
