from __future__ import annotations

from typing import Any

import msgspec

from waypost.core.request import Media, Opaque
from waypost.dialects.openai_chat.gathered import Gathered
from waypost.dialects.openai_chat.own import Taking


def taking(fields: dict[str, Any]) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def test_nothing_is_nothing() -> None:
    gathered = Gathered()
    gathered.keep_delta(taking({"refusal": None}).rest)
    gathered.keep_choice(taking({"logprobs": None, "content_filter_results": {}}).rest)
    assert gathered.extras() is None
    assert list(gathered.parts()) == []


def test_log_probabilities_add_up_and_other_fields_keep_their_last_value() -> None:
    gathered = Gathered()
    for token in "ab":
        gathered.keep_choice(
            taking({"logprobs": {"content": [{"token": token}], "refusal": None}, "x": token}).rest
        )
    gathered.keep_delta(taking({"vendor": 1}).rest)
    gathered.keep_annotation(msgspec.Raw(b'{"type":"file"}'))
    extras = gathered.extras()
    assert extras is not None
    fields = {name: msgspec.json.decode(raw) for name, raw in extras.fields.items()}
    assert fields == {
        "x": "b",
        "logprobs": {"content": [{"token": "a"}, {"token": "b"}], "refusal": None},
        "message": {"vendor": 1, "annotations": [{"type": "file"}]},
    }


def test_sound_comes_in_pieces() -> None:
    gathered = Gathered()
    for piece in (
        {"id": "a1", "transcript": "h"},
        {"data": "AA", "transcript": "i"},
        {"data": "BB", "expires_at": 9},
    ):
        gathered.keep_sound(taking({"audio": piece}))
    [part] = gathered.parts()
    assert isinstance(part, Media)
    assert (part.data, part.file_id) == ("AABB", "a1")
    assert part.extras is not None
    assert part.extras.fields == {"transcript": msgspec.Raw(b'"hi"'), "expires_at": msgspec.Raw(b"9")}


def test_a_custom_tools_call_comes_in_pieces() -> None:
    gathered = Gathered()
    first = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "sql", "input": "select"}}
    assert gathered.keep_custom(taking(first))
    assert gathered.keep_custom(taking({"index": 0, "custom": {"input": " 1"}}))
    assert not gathered.keep_custom(taking({"index": 1, "function": {}}))
    [part] = gathered.parts()
    assert isinstance(part, Opaque)
    assert msgspec.json.decode(part.data) == {
        "id": "c",
        "type": "custom",
        "custom": {"name": "sql", "input": "select 1"},
    }
