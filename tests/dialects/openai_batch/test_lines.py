from __future__ import annotations

import msgspec
import pytest

from waypost.core.batch import Fault
from waypost.dialects.openai_batch.lines import (
    InputLine,
    custom_id_of,
    read_line,
    render_answered,
    render_unanswered,
)
from waypost.errors import InvalidRequest

URL = "/v1/chat/completions"
LINE: dict[str, object] = {"custom_id": "a", "method": "POST", "url": URL, "body": {"model": "m", "x": [1]}}


def test_a_line() -> None:
    assert read_line(msgspec.json.encode(LINE) + b"\r\n", 1, URL) == InputLine("a", b'{"model":"m","x":[1]}')


def test_a_stream_that_is_not_wanted_is_no_fault() -> None:
    body = {"model": "m", "stream": False, "background": None}
    assert isinstance(read_line(msgspec.json.encode(LINE | {"body": body}), 1, URL), InputLine)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"custom_id": ""}, "invalid_custom_id", "custom_id"),
        ({"custom_id": "x" * 513}, "invalid_custom_id", "custom_id"),
        ({"custom_id": 7}, "invalid_json_line", None),
        ({"method": "GET"}, "invalid_method", "method"),
        ({"url": "/v1/embeddings"}, "mismatched_endpoint", "url"),
        ({"body": {}}, "missing_model", "body.model"),
        ({"body": []}, "invalid_json_line", None),
        ({"body": "text"}, "invalid_json_line", None),
        ({"body": {"model": "m", "stream": True}}, "invalid_request", "body.stream"),
        ({"body": {"model": "m", "background": True}}, "invalid_request", "body.background"),
    ],
)
def test_what_is_wrong_with_a_line(changes: dict[str, object], code: str, param: str | None) -> None:
    found = read_line(msgspec.json.encode(LINE | changes), 5, URL)
    assert isinstance(found, Fault)
    assert (found.code, found.line, found.param) == (code, 5, param)


@pytest.mark.parametrize("line", [b"", b"nonsense", b"[]", b'{"custom_id":"a"}', b"\xff", b"[" * 5000])
def test_what_is_no_line(line: bytes) -> None:
    found = read_line(line, 1, URL)
    assert isinstance(found, Fault)
    assert found.code == "invalid_json_line"


def test_a_result_is_one_line_whatever_the_answer_looks_like() -> None:
    made = render_answered("batch_req_1", "ä", 200, "wp-1", b'{\n  "id": "x",\r\n "n": 1.50\n}\n')
    assert made.count(b"\n") == 1
    assert made.endswith(b"\n")
    assert b'"n":1.50' in made, "numbers are passed as they are"
    assert msgspec.json.decode(made) == {
        "id": "batch_req_1",
        "custom_id": "ä",
        "response": {"status_code": 200, "request_id": "wp-1", "body": {"id": "x", "n": 1.5}},
        "error": None,
    }
    assert custom_id_of(made) == "ä"


def test_a_result_without_an_answer() -> None:
    made = render_unanswered("batch_req_1", "a", "lost", "Gone.")
    assert msgspec.json.decode(made) == {
        "id": "batch_req_1",
        "custom_id": "a",
        "response": None,
        "error": {"code": "lost", "message": "Gone."},
    }


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":'])
def test_what_is_no_json_has_no_place(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        render_answered("batch_req_1", "a", 200, "wp-1", body)
