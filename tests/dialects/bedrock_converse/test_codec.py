from __future__ import annotations

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.bedrock_converse.codec import CONVERSE
from waypost.edge.routes import Routes


def test_one_exchange() -> None:
    body = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
    asked = CONVERSE.parse_ask(body, path=PathAsk("m", stream=True))
    assert CONVERSE.render_onward(asked, "other", Quirks()).body == body
    assert CONVERSE.stream_type(asked) == b"application/vnd.amazon.eventstream"
    assert CONVERSE.onward_path("a:0", True) == "/model/a%3A0/converse-stream"


def test_where_clients_of_aws_ask() -> None:
    routes = Routes([CONVERSE])
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude"
    for path, stream in (("converse", False), ("converse-stream", True)):
        found = routes.find(f"/bedrock/model/{arn}/{path}")
        assert (found.dialect, found.path) == (CONVERSE, PathAsk(arn, stream))
