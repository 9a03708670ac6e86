from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.cohere_chat.ask import parse_ask
from waypost.errors import InvalidRequest

GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_what_routing_reads() -> None:
    asked = parse_ask(
        msgspec.json.encode({**GOOD, "stream": True, "max_tokens": 5, "documents": ["x" * 300]})
    )
    assert (asked.model, asked.stream, asked.max_output, asked.wants_usage) == ("m", True, 5, True)
    assert asked.input_estimate > 100


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"stream": 1}, "stream"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"Documents": []}, "Documents"),
    ],
)
def test_what_is_refused(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(msgspec.json.encode({**GOOD, **change}))
    assert caught.value.param == param
