from __future__ import annotations

import pytest

from waypost.dialects.gemini.paths import bare_model, entries, onward_path, wants_events
from waypost.errors import InvalidRequest


def test_entries() -> None:
    found = entries("countTokens")
    assert found[0].path == "/v1beta/models/{model}:countTokens"
    assert {entry.path.count("{model}") for entry in found} == {1}
    assert not any(entry.mounted or entry.stream for entry in found)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash:x"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash:x"),
        ("gemini-pro@001", "/models/gemini-pro@001:x"),
        ("a/b?c#d:e", "/models/a%2Fb%3Fc%23d%3Ae:x"),
        ("modèle", "/models/mod%C3%A8le:x"),
    ],
)
def test_the_model_is_encoded(model: str, path: str) -> None:
    assert onward_path(model, "x") == path


@pytest.mark.parametrize("model", ["", "models/", "..", ".", "a/../b", "a//b", "/a", "a\r\nb", "a\0"])
def test_what_can_not_stand_in_a_path_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest):
        onward_path(model, "x")


@pytest.mark.parametrize(
    ("query", "events"),
    [(b"alt=sse", True), (b"key=a&alt=SSE", True), (b"", False), (b"alt=json", False), (b"\xff", False)],
)
def test_the_form_of_a_stream(query: bytes, events: bool) -> None:
    assert wants_events(query) is events


def test_bare_model() -> None:
    assert bare_model("models/a") == bare_model("a") == "a"
