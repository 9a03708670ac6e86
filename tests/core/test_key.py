from __future__ import annotations

import pytest

from waypost.core.key import Key, KeyChanges


@pytest.mark.parametrize(
    ("models", "name", "allowed"),
    [
        ((), "anything/at-all", True),
        (("fast", "openai/*"), "fast", True),
        (("fast", "openai/*"), "openai/gpt-5", True),
        (("fast", "openai/*"), "Fast", False),
        (("openai/*",), "openai", False),
        (("openai/*",), "xopenai/gpt-5", False),
        (("gpt-[45]*",), "gpt-5-mini", True),
    ],
)
def test_names_and_globs(models: tuple[str, ...], name: str, allowed: bool) -> None:
    key = Key(key_id="k", name="n", digest=b"", hint="", created_at=0, models=models)
    assert key.may_use(name) is allowed


def test_any_of_several_names_is_enough() -> None:
    key = Key(key_id="k", name="n", digest=b"", hint="", created_at=0, models=("b",))
    assert key.may_use("a", "b")


def test_changes_tell_what_is_set_and_none_is_a_value() -> None:
    assert KeyChanges().told() == {}
    assert KeyChanges(rpm=None, tags=("a",)).told() == {"rpm": None, "tags": ("a",)}
    assert set(KeyChanges.__struct_fields__) < set(Key.__struct_fields__)
