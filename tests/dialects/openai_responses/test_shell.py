from __future__ import annotations

from typing import Any

import msgspec

from waypost.core.asked import Asked, Stamp
from waypost.core.events import Started
from waypost.dialects.openai_responses.ask import parse_ask
from waypost.dialects.openai_responses.identity import response_id
from waypost.dialects.openai_responses.shell import echo, shell

STAMP = Stamp("wp-1", 17)


def asked(**fields: Any) -> Asked:
    return parse_ask(msgspec.json.encode({"model": "m", "input": "x", **fields}))


def plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_settings_are_echoed_as_they_were_asked() -> None:
    given = {
        "instructions": "Be short.",
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "tools": [{"type": "function", "name": "f"}],
        "store": False,
    }
    shown = plain(echo(asked(**given).fields))
    assert {name: shown[name] for name in given} == given
    assert "input" not in shown


def test_what_was_not_asked_is_what_it_is_by_default() -> None:
    shown = plain(echo(asked(text=None).fields))
    assert (shown["tools"], shown["tool_choice"], shown["parallel_tool_calls"]) == ([], "auto", True)
    assert (shown["metadata"], shown["temperature"], shown["truncation"]) == ({}, None, "disabled")
    assert shown["text"] == {"format": {"type": "text"}}
    assert "store" not in shown


def test_a_conversation_is_an_object_here() -> None:
    assert plain(echo(asked(conversation="conv_1").fields))["conversation"] == {"id": "conv_1"}
    assert plain(echo(asked(conversation={"id": "c"}).fields))["conversation"] == {"id": "c"}


def test_ids_and_dates_of_other_dialects_are_the_gateways() -> None:
    shown = plain(shell(Started("chatcmpl-1", "gpt-x"), asked(service_tier="flex"), STAMP))
    assert (shown["id"], shown["created_at"], shown["service_tier"]) == (response_id("wp-1"), 17, "flex")
    assert (shown["status"], shown["output"], shown["usage"], shown["model"]) == (
        "in_progress",
        [],
        None,
        "gpt-x",
    )
    own = plain(shell(Started("resp_1", "m", 5, "default"), asked(), STAMP))
    assert (own["id"], own["created_at"], own["service_tier"]) == ("resp_1", 5, "default")
    assert plain(shell(Started("", ""), asked(), STAMP))["service_tier"] == "auto"
