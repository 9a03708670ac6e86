from __future__ import annotations

import pytest

from waypost.core.asked import Asked, Stamp
from waypost.core.embed import EmbedInput, EmbedRequest, EmbedResponse
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import Text
from waypost.dialects.bedrock_embed.crossing import BedrockEmbedCrossing
from waypost.errors import Bug

CROSSING = BedrockEmbedCrossing()


def test_no_client_is_heard_or_answered() -> None:
    asked = Asked("m", stream=False, fields={})
    with pytest.raises(Bug):
        CROSSING.parse_request(asked)
    with pytest.raises(Bug):
        CROSSING.render_response(EmbedResponse(()), asked, None, Stamp("x", 17))
    assert (dict(CROSSING.names), dict(CROSSING.neutral)) == ({}, {})


def test_a_refused_field_is_left_out() -> None:
    request = EmbedRequest("amazon.titan-embed-text-v2:0", (EmbedInput((Text("a"),)),), dimensions=256)
    loss = Loss()
    body = CROSSING.render_request(request, Quirks(drop=("dimensions",)), loss)
    assert (body, loss.names) == (b'{"inputText":"a"}', ("dimensions",))


def test_an_answer() -> None:
    assert len(CROSSING.parse_response(b'{"embedding":[1]}').vectors) == 1
