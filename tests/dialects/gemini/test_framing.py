from __future__ import annotations

import msgspec

from waypost.dialects.gemini.framing import ARRAY, EVENTS, Framing


def test_an_array_is_one_document() -> None:
    framing = Framing(ARRAY)
    out = framing.event(b'{"a":1}') + framing.event(b'{"b":2}') + framing.end()
    assert out == b'[{"a":1}\n,\n{"b":2}\n]'
    assert msgspec.json.decode(out) == [{"a": 1}, {"b": 2}]


def test_an_array_of_nothing() -> None:
    assert Framing(ARRAY).end() == b"[]"


def test_a_failure_closes_the_array() -> None:
    framing = Framing(ARRAY)
    out = framing.event(b"{}") + framing.fail(b'{"error":{}}')
    assert msgspec.json.decode(out) == [{}, {"error": {}}]
    assert msgspec.json.decode(Framing(ARRAY).fail(b'{"error":{}}')) == [{"error": {}}]


def test_events() -> None:
    framing = Framing(EVENTS)
    assert framing.event(b"{}") == b"data: {}\n\n"
    assert framing.end() == b""
    assert framing.fail(b'{"error":{}}') == b'data: {"error":{}}\n\n'
