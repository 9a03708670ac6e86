from __future__ import annotations

import msgspec

from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.cohere_rerank.codec import COHERE_RERANK
from waypost.edge.routes import Routes

BODY = b'{"model":"m","query":"q","documents":["a","b"],"top_n":1}'


def test_where_clients_ask() -> None:
    routes = Routes([COHERE_RERANK])
    for path in ("/v1/rerank", "/rerank", "/v2/rerank"):
        assert routes.find(path).dialect is COHERE_RERANK


def test_it_is_asked_below_a_providers_base() -> None:
    assert COHERE_RERANK.onward_path("m", False) == "/rerank"
    onward = COHERE_RERANK.render_onward(COHERE_RERANK.parse_ask(BODY), "t", Quirks())
    assert onward.body == BODY.replace(b'"m"', b'"t"')


def test_the_answer_of_jina() -> None:
    body = b'{"model":"t","usage":{"total_tokens":15},"results":[{"index":0,"relevance_score":0.9}]}'
    reply = COHERE_RERANK.parse_reply(body)
    assert reply.usage == Usage(input=15)
    assert msgspec.json.decode(COHERE_RERANK.render_reply(reply, 1))["usage"] == {
        "total_tokens": 15,
        "cost": 1e-09,
    }
