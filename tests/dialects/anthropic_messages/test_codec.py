from __future__ import annotations

from waypost.core.quirks import Quirks
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.lane import Lanes, SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import Overcrowded

BODY = b'{"model":"m","max_tokens":5,"top_k":1,"messages":[{"role":"user","content":"x"}]}'


def test_where_it_is_found_and_what_passes() -> None:
    assert [(entry.path, entry.mounted) for entry in MESSAGES.entries] == [
        ("/messages", True),
        ("/anthropic/v1/messages", False),
    ]
    assert MESSAGES.onward_path("m", True) == "/messages"
    assert MESSAGES.forwarded == (b"anthropic-beta", b"anthropic-version")
    for account in (b"anthropic-organization-id", b"anthropic-workspace-id"):
        assert not account.startswith(MESSAGES.passed)
    assert b"anthropic-ratelimit-tokens-reset".startswith(MESSAGES.passed)


def test_what_a_provider_refuses_is_named() -> None:
    onward = MESSAGES.render_onward(MESSAGES.parse_ask(BODY), "n", Quirks(drop=("top_k", "seed")))
    assert onward.body == b'{"model":"n","max_tokens":5,"messages":[{"role":"user","content":"x"}]}'
    assert onward.dropped == ("top_k",)


def test_vertex_is_of_the_family() -> None:
    lane = Lanes(DIALECTS).find(MESSAGES, ("openai_chat", "anthropic_vertex"))
    assert isinstance(lane, SameLane)
    assert lane.target.name == "anthropic_vertex"


def test_an_answer_there_and_back() -> None:
    asked = MESSAGES.parse_ask(BODY)
    assert MESSAGES.stream_type(asked).startswith(b"text/event-stream")
    reply = MESSAGES.parse_reply(b'{"content":[{"type":"text","text":"abcd"}]}')
    assert MESSAGES.estimate_output(asked, reply).output == 1
    assert b'"cost":null' in MESSAGES.render_reply(reply, None)
    assert isinstance(MESSAGES.parse_error(529, [], b""), Overcrowded)
