from __future__ import annotations

import pytest

from waypost.core.asked import PathAsk
from waypost.dialects.fields import render_fields
from waypost.dialects.gemini_count_tokens.ask import fields_for, parse_ask
from waypost.errors import InvalidRequest

PATH = PathAsk("m")
CONTENTS = b'"contents":[{"parts":[{"text":"hi"}]}]'


def test_contents() -> None:
    asked = parse_ask(b"{%b}" % CONTENTS, path=PATH)
    assert (asked.model, asked.choices, asked.max_output) == ("m", 0, 0)
    assert asked.input_estimate > 0
    more = parse_ask(b'{%b,"system_instruction":{"parts":[{"text":"be brief"}]}}' % CONTENTS, path=PATH)
    assert more.input_estimate > asked.input_estimate


def test_a_whole_request_names_the_target() -> None:
    asked = parse_ask(b'{"generate_content_request":{"model":"models/m",%b}}' % CONTENTS, path=PATH)
    sent = render_fields(fields_for(asked, "target"))
    assert sent == b'{"generate_content_request":{"model":"models/target",%b}}' % CONTENTS


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"contents":[]}',
        b'{"generateContentRequest":{}}',
        b'{"generateContentRequest":{"contents":[1],"Contents":[]}}',
        b'{"generateContentRequest":7,"contents":[1]}',
    ],
)
def test_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_ask(body, path=PATH)
