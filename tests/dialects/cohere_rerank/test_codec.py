from __future__ import annotations

import msgspec

from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.cohere_rerank.codec import COHERE_RERANK, JINA_RERANK
from waypost.dialects.lane import Lanes, SameLane
from waypost.edge.routes import Routes

BODY = b'{"model":"m","query":"q","documents":["a","b"],"top_n":1}'


def test_where_clients_ask() -> None:
    routes = Routes([COHERE_RERANK, JINA_RERANK])
    for path in ("/v1/rerank", "/rerank", "/v2/rerank"):
        assert routes.find(path).dialect is COHERE_RERANK


def test_one_format_and_two_paths() -> None:
    lanes = Lanes({"cohere_rerank": COHERE_RERANK, "jina_rerank": JINA_RERANK})
    lane = lanes.find(COHERE_RERANK, ("jina_rerank",))
    assert isinstance(lane, SameLane)
    assert lane.target.onward_path("m", False) == "/rerank"
    assert COHERE_RERANK.onward_path("m", False) == "/v2/rerank"
    onward = lane.render_onward(COHERE_RERANK.parse_ask(BODY), "t", Quirks())
    assert onward.body == BODY.replace(b'"m"', b'"t"')


def test_the_answer_of_jina() -> None:
    body = b'{"model":"t","usage":{"total_tokens":15},"results":[{"index":0,"relevance_score":0.9}]}'
    reply = JINA_RERANK.parse_reply(body)
    assert reply.usage == Usage(input=15)
    assert msgspec.json.decode(JINA_RERANK.render_reply(reply, 1))["usage"] == {
        "total_tokens": 15,
        "cost": 1e-09,
    }
