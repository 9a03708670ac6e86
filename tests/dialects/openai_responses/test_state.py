from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.asked import Asked, Stamp
from waypost.core.request import Text
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.dialects.openai_responses import state
from waypost.dialects.openai_responses.ask import parse_ask
from waypost.dialects.openai_responses.crossing import CROSSING
from waypost.dialects.openai_responses.state import Stored
from waypost.errors import InvalidRequest, Throttled, Unavailable


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def asked(**fields: Any) -> Asked:
    return parse_ask(msgspec.json.encode({"model": "m", **fields}))


USER = {"role": "user", "content": "tell me a joke"}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Knock knock.", "annotations": []}],
}
BODY = {"id": "resp_1", "object": "response", "status": "completed", "output": [SAID]}
STORED = Stored("resp_1", 17, "completed", "m", {}, (raw(USER),), raw(BODY))


def test_a_conversation_is_joined_in_order() -> None:
    before = [raw(USER), *state.output_items(raw(BODY))]
    assert plain(state.join(before, raw("explain"))) == [USER, SAID, {"role": "user", "content": "explain"}]
    assert plain(state.join(before, raw([USER]))) == [USER, SAID, USER]
    assert plain(state.join(before, None)) == [USER, SAID]


def test_a_reference_to_what_is_there_is_left_out() -> None:
    known, unknown = {"type": "item_reference", "id": "msg_1"}, {"type": "item_reference", "id": "msg_9"}
    assert plain(state.join([raw(SAID)], raw([known, unknown]))) == [SAID, unknown]


def test_a_continued_request_carries_its_conversation_to_any_target() -> None:
    new = state.continued(asked(previous_response_id="resp_1", input="explain"), STORED)
    assert "previous_response_id" not in new.fields
    assert new.input_estimate > 20
    request = CROSSING.parse_request(new)
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    answer = ChatResponse("x", "m", (Choice(0, (Text("Because."),), Finish.STOP),))
    shown = msgspec.json.decode(CROSSING.render_response(answer, new, None, Stamp("wp-2", 18)))
    assert shown["previous_response_id"] == "resp_1"


def test_a_response_without_a_body_goes_on_from_its_input() -> None:
    pending = msgspec.structs.replace(STORED, body=None)
    new = state.continued(asked(previous_response_id="resp_1", input="x"), pending)
    assert plain(new.fields["input"]) == [USER, {"role": "user", "content": "x"}]
    assert state.output_items(b"<html>") == []


def test_what_a_request_wants() -> None:
    assert state.wants_store(asked(input="x"))
    assert not state.wants_store(asked(input="x", store=False))
    assert state.wants_background(asked(input="x", background=True))
    assert not state.wants_background(asked(input="x"))
    assert state.previous_id(asked(previous_response_id="resp_1")) == "resp_1"
    assert state.previous_id(asked(input="x")) is None


def test_a_listing_has_ids_and_full_forms() -> None:
    items = state.input_items(
        asked(
            input=[
                USER,
                {"role": "assistant", "content": "Who?"},
                SAID,
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "web_search_call"},
            ]
        ),
        "wp-1",
    )
    shown = plain(items)
    assert [item["id"].partition("_")[0] for item in shown] == ["msg", "msg", "msg", "fc", "item"]
    assert shown[0]["content"] == [{"type": "input_text", "text": "tell me a joke"}]
    assert shown[1]["content"] == [{"type": "output_text", "text": "Who?", "annotations": []}]
    assert shown[2] == SAID
    assert [item.get("status") for item in shown] == ["completed"] * 4 + [None]
    assert state.input_items(asked(input="x"), "wp-1") == state.input_items(asked(input="x"), "wp-1")
    assert state.input_items(asked(input="x"), "wp-1") != state.input_items(asked(input="x"), "wp-2")
    assert state.input_items(asked(prompt={"id": "p"}), "wp-1") == []


def ids(page: bytes) -> list[str]:
    return [item["id"] for item in msgspec.json.decode(page)["data"]]


ITEMS = [raw({"id": f"msg_{number}"}) for number in range(5)]


def test_pages() -> None:
    first = state.render_listing(ITEMS, limit=2)
    assert msgspec.json.decode(first) == {
        "object": "list",
        "data": [{"id": "msg_4"}, {"id": "msg_3"}],
        "first_id": "msg_4",
        "last_id": "msg_3",
        "has_more": True,
    }
    assert ids(state.render_listing(ITEMS, limit=2, after="msg_3")) == ["msg_2", "msg_1"]
    assert ids(state.render_listing(ITEMS, after="msg_1", order="asc")) == ["msg_2", "msg_3", "msg_4"]
    assert msgspec.json.decode(state.render_listing([])) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("arguments", "param"), [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"after": "x"}, "after")]
)
def test_bad_pages_are_named(arguments: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        state.render_listing(ITEMS, **arguments)
    assert caught.value.param == param


def test_a_kept_response_is_shown_as_it_is_now() -> None:
    assert msgspec.json.decode(state.render_stored(STORED)) == BODY
    waiting = Stored("resp_1", 17, "queued", "m", {"instructions": raw("Be short.")})
    shown = msgspec.json.decode(state.render_stored(waiting))
    assert (shown["id"], shown["status"], shown["output"]) == ("resp_1", "queued", [])
    assert (shown["created_at"], shown["instructions"]) == (17, "Be short.")
    cancelled = msgspec.structs.replace(STORED, status="cancelled")
    assert msgspec.json.decode(state.render_stored(cancelled))["status"] == "cancelled"


def test_a_failure_is_kept_in_the_formats_own_words() -> None:
    failed = msgspec.json.decode(state.render_failed(STORED, Throttled("Slow down.")))
    assert (failed["status"], failed["error"]) == (
        "failed",
        {"code": "rate_limit_exceeded", "message": "Slow down."},
    )
    down = msgspec.json.decode(state.render_failed(STORED, Unavailable("Down.")))
    assert down["error"]["code"] == "server_error"
    assert msgspec.json.decode(state.render_deleted("resp_1")) == {
        "id": "resp_1",
        "object": "response",
        "deleted": True,
    }
