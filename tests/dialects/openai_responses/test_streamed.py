from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from waypost.core.events import Event, PartDelta, PartEnded, PartStarted
from waypost.core.request import Opaque, Thinking
from waypost.dialects.fields import parse_object
from waypost.dialects.openai_responses.own import Taking
from waypost.dialects.openai_responses.streamed import (
    Growing,
    OpenMessage,
    OpenOther,
    OpenReasoning,
    open_call,
)


def taking(**values: Any) -> Taking:
    return Taking(parse_object(msgspec.json.encode(values)))


def test_a_part_gives_out_what_is_new_and_nothing_after_its_end() -> None:
    out: list[Event] = []
    part = Growing(3)
    part.add("ab", out)
    part.fill("abc", out)
    part.fill("other", out)
    part.sign("s", out)
    part.end(out)
    part.end(out)
    part.add("d", out)
    part.sign("t", out)
    assert out == [
        PartDelta(0, 3, "ab"),
        PartDelta(0, 3, "c"),
        PartDelta(0, 3, signature="s"),
        PartEnded(0, 3),
    ]


def test_content_begins_with_its_first_delta_where_nothing_announced_it() -> None:
    out: list[Event] = []
    numbers = count()
    message = OpenMessage(lambda: next(numbers), {})
    message.read("output_text.delta", taking(content_index=0, delta="a"), out)
    message.read("refusal.delta", taking(content_index=1, delta="b"), out)
    message.read("content_part.added", taking(content_index=2, part={"type": "new"}), out)
    message.close(Taking({}), out)
    assert [type(event) for event in out] == [PartStarted, PartDelta] * 2 + [PartEnded] * 2


def test_of_a_summary_and_a_text_only_one_is_shown() -> None:
    out: list[Event] = []
    reasoning = OpenReasoning(0, {})
    reasoning.read("reasoning_text.delta", taking(content_index=0, delta="long"), out)
    reasoning.read("reasoning_summary_text.delta", taking(summary_index=0, delta="short"), out)
    assert [event.text for event in out if isinstance(event, PartDelta)] == ["long"]
    reasoning.close(taking(encrypted_content="gA"), out)
    assert out[-2:] == [PartDelta(0, 0, signature="gA"), PartEnded(0, 0)]


def test_reasoning_that_is_hidden_is_known_at_its_end() -> None:
    out: list[Event] = []
    reasoning = OpenReasoning(0, {})
    reasoning.close(taking(summary=[], encrypted_content="gA"), out)
    [started, _] = out
    assert isinstance(started, PartStarted)
    assert isinstance(started.value, Thinking)
    assert (started.value.signature, started.value.redacted) == ("gA", True)


def test_a_custom_tools_text_is_wrapped_piece_by_piece() -> None:
    out: list[Event] = []
    fields = parse_object(b'{"type":"custom_tool_call","call_id":"c","name":"f"}')
    call = open_call(0, fields, True, out)
    assert call is not None
    call.read("custom_tool_call_input.delta", taking(delta='a"'), out)
    call.read("custom_tool_call_input.delta", taking(delta="b"), out)
    call.close(taking(input='a"b'), out)
    assert "".join(event.text for event in out if isinstance(event, PartDelta)) == '{"input":"a\\"b"}'
    assert open_call(0, {}, False, []) is None


def test_an_item_of_this_dialect_alone_is_shown_once_and_whole() -> None:
    out: list[Event] = []
    item = OpenOther(2)
    raw = msgspec.Raw(b'{"type":"web_search_call"}')
    item.read("web_search_call.searching", Taking({}), out)
    item.close(Taking({}), out)
    assert out == []
    item.close(taking(type="web_search_call"), out, raw)
    item.close(taking(type="web_search_call"), out, raw)
    assert out == [PartStarted(0, 2, Opaque("openai_responses", raw, "item")), PartEnded(0, 2)]
