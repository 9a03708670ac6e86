from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import PathAsk
from waypost.dialects.fields import render_fields
from waypost.dialects.gemini_embed.ask import batch_for, parse_batch, parse_one
from waypost.dialects.json_limits import DEFAULT
from waypost.errors import InvalidRequest

PATH = PathAsk("m")


def test_one() -> None:
    asked = parse_one(b'{"content":{"parts":[{"text":"hello"}]},"taskType":"CLUSTERING"}', DEFAULT, PATH)
    assert (asked.model, asked.choices, asked.max_output) == ("m", 0, 0)
    assert asked.input_estimate > 2


@pytest.mark.parametrize("body", [b'{"content":[]}', b"{}", b'{"content":{},"Content":{}}'])
def test_one_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_one(body, DEFAULT, PATH)


def test_a_batch_names_the_target_in_each_request() -> None:
    body = b'{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},{"content":{}}]}'
    asked = parse_batch(body, DEFAULT, PATH)
    sent = msgspec.json.decode(render_fields(batch_for(asked, "target")))
    assert [request["model"] for request in sent["requests"]] == ["models/target"] * 2


@pytest.mark.parametrize("body", [b'{"requests":[]}', b'{"requests":[7]}', b'{"requests":[{"Content":{}}]}'])
def test_a_batch_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_batch(body, DEFAULT, PATH)
    assert caught.value.param is not None
    assert caught.value.param.startswith("requests")
