from __future__ import annotations

import pytest

from waypost.dialects.openai_embeddings.ask import parse_ask
from waypost.errors import InvalidRequest


@pytest.mark.parametrize("encoding", [b"", b',"encoding_format":"float"', b',"encoding_format":"base64"'])
def test_no_output_is_held(encoding: bytes) -> None:
    asked = parse_ask(b'{"model":"m","input":["hello","you"]%b,"dimensions":256}' % encoding)
    assert (asked.choices, asked.max_output, asked.stream) == (0, 0, False)
    assert asked.input_estimate >= 4


def test_tokens_are_counted_exactly() -> None:
    assert parse_ask(b'{"model":"m","input":[1,2,3,4]}').input_estimate == 4


def test_refusals() -> None:
    for body, param in (
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":"a","encoding_format":"hex"}', "encoding_format"),
        (b'{"model":"m","input":"a","stream":true}', "stream"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            parse_ask(body)
        assert caught.value.param == param
