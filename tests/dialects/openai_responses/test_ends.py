from __future__ import annotations

import msgspec
import pytest

from waypost.core.request import Opaque, Text, ToolCall
from waypost.core.response import Finish
from waypost.dialects.fields import parse_object
from waypost.dialects.openai_responses.ends import end_fields, read_finish, waits_for_client


@pytest.mark.parametrize(
    ("wire", "waits", "finish"),
    [
        (b'{"status":"completed"}', False, Finish.STOP),
        (b'{"status":"completed"}', True, Finish.TOOLS),
        (b"{}", False, Finish.STOP),
        (b'{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}', True, Finish.LENGTH),
        (b'{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}', False, Finish.FILTERED),
        (b'{"status":"incomplete","incomplete_details":{"reason":"steered"}}', False, Finish.OTHER),
        (b'{"status":"incomplete","incomplete_details":null}', False, Finish.OTHER),
        (b'{"status":"cancelled"}', False, Finish.OTHER),
    ],
)
def test_every_end_is_read_and_written_again(wire: bytes, waits: bool, finish: Finish) -> None:
    fields = parse_object(wire)
    found, extras = read_finish(fields, waits)
    assert found is finish
    again = msgspec.json.decode(msgspec.json.encode(end_fields(found, extras)))
    assert again == {"status": "completed", "incomplete_details": None} | msgspec.json.decode(wire)


@pytest.mark.parametrize("finish", list(Finish))
def test_every_finish_has_a_word(finish: Finish) -> None:
    assert end_fields(finish, None)["status"] in ("completed", "incomplete")


def test_who_waits() -> None:
    assert waits_for_client(ToolCall("c", "f", "{}"))
    assert waits_for_client(Opaque("openai_responses", msgspec.Raw(b'{"type":"shell_call"}')))
    assert not waits_for_client(Opaque("openai_responses", msgspec.Raw(b'{"type":"web_search_call"}')))
    assert not waits_for_client(Text("x"))
