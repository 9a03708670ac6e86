from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.request import ChatRequest, Sampling
from waypost.dialects.bedrock_converse.additional import (
    Settings,
    Written,
    read_form,
    read_settings,
    settings_of,
    write_form,
)
from waypost.dialects.fields import parse_object


@pytest.mark.parametrize(
    ("wire", "found", "left"),
    [
        ({"top_k": 5, "x": 1}, Settings(top_k=5), {"x"}),
        ({"k": 5}, Settings(top_k=5), set()),
        ({"inferenceConfig": {"topK": 5}}, Settings(top_k=5), set()),
        ({"inferenceConfig": {"topK": 5, "x": 1}}, Settings(), {"inferenceConfig"}),
        ({"inferenceConfig": {"topK": "5"}}, Settings(), {"inferenceConfig"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, Settings(budget=2000), set()),
        ({"thinking": {"type": "disabled"}}, Settings(budget=0), set()),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Settings(budget=-1, shown=False), set()),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            Settings(effort="max"),
            set(),
        ),
        ({"thinking": {"type": "enabled"}}, Settings(), {"thinking"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1, "x": 1}}, Settings(), {"thinking"}),
        ({"thinking": {"type": "adaptive", "display": "new"}}, Settings(), {"thinking"}),
        ({"output_config": {"effort": "low", "format": 1}}, Settings(), {"output_config"}),
        ({"output_config": {"effort": "odd"}}, Settings(), {"output_config"}),
        ({"reasoning_effort": "low"}, Settings(effort="low"), set()),
        (
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            Settings(effort="high"),
            set(),
        ),
        ({"reasoningConfig": {"type": "disabled"}}, Settings(effort="none"), set()),
        ({"reasoningConfig": {"type": "enabled"}}, Settings(), {"reasoningConfig"}),
        ({"top_k": "many"}, Settings(), {"top_k"}),
    ],
)
def test_what_is_read(wire: Any, found: Settings, left: set[str]) -> None:
    fields = parse_object(msgspec.json.encode(wire))
    settings, told, rest = read_settings(fields, None)
    assert settings == found
    assert set(rest) == left
    assert set(told) == set(wire) - left


def test_the_effort_of_converse_itself_wins() -> None:
    assert read_settings({}, "max")[0] == Settings(effort="max")


def test_the_form_keeps_the_way_of_writing() -> None:
    written = Written({"top_k": msgspec.Raw(b"5")}, effort=True)
    assert read_form(write_form(written)) == written
    assert write_form(Written()) == ""
    assert read_form("") == Written()


def test_what_a_request_says() -> None:
    request = ChatRequest(
        "m", (), sampling=Sampling(top_k=1), effort="low", thinking_budget=2, show_thinking=True
    )
    assert settings_of(request) == Settings(1, "low", 2, True)
