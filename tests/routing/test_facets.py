from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from dialects.golden import ROOT
from waypost.config.conditions import compile_condition
from waypost.config.facets import FACETS
from waypost.core.asked import Asked, PathAsk
from waypost.core.key import Key
from waypost.dialects.registry import DIALECTS
from waypost.routing.facets import BODY_MAX, FIELD_MAX, RequestFacets, Said

KEY = Key(key_id="k1", name="app", digest=b"", hint="", created_at=0.0, priority="high")
NOON = 1_795_608_000.0  # 2026-11-25 12:00 UTC, a Wednesday
CHATS = sorted(name for name, dialect in DIALECTS.items() if dialect.codec is not None and dialect.entries)


def facets(
    body: object = None,
    dialect: str = "openai_chat",
    headers: Mapping[bytes, bytes] | None = None,
    left: int | None = None,
    said: Said | None = None,
) -> RequestFacets:
    raw = msgspec.json.encode(
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}]} if body is None else body
    )
    asked = DIALECTS[dialect].parse_ask(raw, path=PathAsk(model="m"))
    return RequestFacets(asked, DIALECTS[dialect], headers or {}, KEY, NOON, lambda: left, said or Said())


def rendered(case: str, dialect: str) -> RequestFacets | None:
    read: dict[str, Any] = msgspec.json.decode((ROOT / "matrix" / "requests" / f"{case}.json").read_bytes())
    body = read["rendered"][dialect].get("body")
    return None if body is None else facets(body, dialect)


@pytest.mark.parametrize("dialect", CHATS)
@pytest.mark.parametrize(
    ("case", "condition"),
    [
        ("plain", 'content.text == "Hello" && content.chars == 5 && content.messages == 1'),
        ("plain", "request.tools == 0 && !request.has_schema && content.images == 0"),
        ("turns", "content.messages > 1 && content.chars > content.messages"),
        ("image_data", "content.images == 1 && content.files == 0"),
        ("document_data", "content.files == 2 && content.images == 0"),
        ("audio_data", "content.audio == 2"),
        ("tool", "request.tools == 1"),
        ("effort_high", 'request.effort == "high" || request.effort == null'),
        ("limit", "request.max_output > 0"),
    ],
)
def test_every_dialect_is_read_alike(dialect: str, case: str, condition: str) -> None:
    found = rendered(case, dialect)
    if found is None:
        assert dialect not in ("openai_chat", "openai_responses"), (
            "a case that the fullest dialects can not say"
        )
        return
    assert compile_condition(condition).holds(found)


@pytest.mark.parametrize("dialect", CHATS)
def test_a_schema_is_seen_where_the_dialect_has_a_word_for_it(dialect: str) -> None:
    found = rendered("json_schema", dialect)
    assert found is not None
    assert compile_condition("request.has_schema").holds(found)


@pytest.mark.parametrize(
    ("dialect", "body", "text", "messages"),
    [
        ("openai_embeddings", {"model": "m", "input": ["a", "bcd"]}, "bcd", 2),
        ("openai_completions", {"model": "m", "prompt": "Once"}, "Once", 1),
        ("openai_images", {"model": "m", "prompt": "A cat"}, "A cat", 1),
        ("openai_moderations", {"model": "m", "input": "bad"}, "bad", 1),
        ("cohere_rerank", {"model": "m", "query": "q", "documents": ["d", "e"]}, "e", 3),
        (
            "anthropic_count_tokens",
            {
                "model": "m",
                "system": "s",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "t"}]}],
            },
            "t",
            2,
        ),
    ],
)
def test_operations_without_messages_have_content_too(
    dialect: str, body: object, text: str, messages: int
) -> None:
    content = facets(body, dialect)["content"]
    assert isinstance(content, dict)
    assert (content["text"], content["messages"]) == (text, messages)


def test_content_that_can_not_be_read_is_missing() -> None:
    odd = facets({"model": "m", "messages": [{"role": "martian", "content": "Hi"}]})
    with pytest.raises(KeyError):
        odd["content"]
    assert not compile_condition("content.chars >= 0").holds(odd)


@pytest.mark.parametrize(
    "condition",
    [
        'request.model == "m" && request.operation == "chat" && !request.stream && request.choices == 1',
        "request.input_tokens > 0 && request.max_output == null && request.tier == null",
        'key.id == "k1" && key.name == "app" && key.priority == "high"',
        'time.hour == 12 && time.minute == 0 && time.weekday == 3 && time.date == "2026-11-25"',
        "time.unix == 1795608000",
        "budget.left_usd == null && !budget.limited",
        "user == null && session == null && trace == null && size(metadata) == 0",
    ],
)
def test_what_is_known_of_every_request(condition: str) -> None:
    assert compile_condition(condition).holds(facets())


def test_a_budget_is_asked_for_once_and_only_where_it_is_named() -> None:
    asked: list[int] = []

    def left() -> int:
        asked.append(1)
        return 2_500_000_000

    found = RequestFacets(Asked("m", False, {}), DIALECTS["openai_chat"], {}, KEY, NOON, left)
    assert compile_condition("request.choices == 1").holds(found)
    assert asked == []
    for _ in range(3):
        assert compile_condition("budget.limited && budget.left_usd == 2.5").holds(found)
    assert asked == [1]


TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("name", "found", "value"),
    [
        ("user", facets({**CHAT, "user": "u"}), "u"),
        ("user", facets({**CHAT, "safety_identifier": "s"}), "s"),
        ("user", facets({**CHAT, "user": 7}), None),
        ("user", facets({**CHAT, "max_tokens": 5, "metadata": {"user_id": "a"}}, "anthropic_messages"), "a"),
        ("user", facets({**CHAT, "metadata": {"user_id": "a"}}), None),
        ("user", facets({**CHAT, "user": "u"}, said=Said(user="mine")), "mine"),
        ("session", facets(headers={b"x-session-id": b"x", b"x-waypost-session": b"w"}), "w"),
        ("session", facets({**CHAT, "session_id": "b"}, headers={b"x-session-id": b"x"}), "x"),
        ("session", facets({**CHAT, "prompt_cache_key": "p"}), "p"),
        ("session", facets(said=Said(session="mine")), "mine"),
        ("trace", facets(headers={b"traceparent": TRACE}), "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("trace", facets(headers={b"traceparent": b"nonsense"}), None),
        ("trace", facets(said=Said(trace="t")), "t"),
        ("key", facets(), "k1"),
        ("header:X-Team", facets(headers={b"x-team": b"red"}), "red"),
        ("header:authorization", facets(headers={b"authorization": b"Bearer x"}), None),
        ("header:none", facets(), None),
        ("metadata:team", facets({**CHAT, "metadata": {"team": "red"}}), "red"),
        (
            "metadata:team",
            facets({**CHAT, "metadata": {"team": "red"}}, said=Said(metadata={"team": 5})),
            "5",
        ),
        ("metadata:team", facets({**CHAT, "metadata": {"team": {"a": 1}}}), None),
        ("metadata:team", facets({**CHAT, "metadata": 5}), None),
    ],
)
def test_whom_a_draw_sticks_to(name: str, found: RequestFacets, value: str | None) -> None:
    assert found.sticky(name) == value
    if name != "key":
        assert found[name] == value


def test_credentials_are_not_shown() -> None:
    secret = dict.fromkeys((b"authorization", b"cookie", b"x-api-key", b"proxy-authorization"), b"secret")
    found = facets(headers={**secret, b"x-team": b"red"})
    headers = found["headers"]
    assert isinstance(headers, Mapping)
    assert dict(headers) == {"x-team": "red"}
    assert len(headers) == 1
    assert headers.get("Authorization") is None
    assert compile_condition("size(headers) == 1").holds(found)


def test_long_fields_of_the_body_are_not_shown() -> None:
    long, each = "x" * FIELD_MAX, "y" * (FIELD_MAX - 10)
    found = facets({**CHAT, "long": long, **{f"f{n}": each for n in range(8)}, "temperature": 0.5})
    body = found["body"]
    assert isinstance(body, Mapping)
    assert "long" not in body
    assert body.get("long") is None
    assert "none" not in body
    assert body["temperature"] == 0.5
    assert sum(len(str(value)) for value in dict(body).values()) <= BODY_MAX
    assert compile_condition("body.temperature == 0.5 && !has(body.long)").holds(found)


def test_names_are_those_that_conditions_may_use() -> None:
    found = facets()
    for name, parts in FACETS.items():
        value = found[name]
        if parts is not None:
            assert isinstance(value, Mapping)
            assert tuple(value) == parts
    with pytest.raises(KeyError):
        found["nothing"]


def test_each_part_is_worked_out_once() -> None:
    found = facets({**CHAT, "metadata": {"a": "b"}})
    assert found["metadata"] is found["metadata"]
    assert found["content"] is found["content"]
    assert found.chat() is found.chat()
