from __future__ import annotations

import msgspec

from waypost.core.asked import PathAsk, Stamp
from waypost.core.quirks import Quirks
from waypost.dialects.lane import CrossLane, Lanes, SameLane
from waypost.dialects.openai.codec import OpenAIDialect
from waypost.dialects.openai_chat.ask import parse_ask
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_chat.crossing import CROSSING
from waypost.dialects.openai_embeddings.codec import EMBEDDINGS
from waypost.errors import Rejected

#: The same wire format under another name: what goes from one to the other goes through the core.
OTHER = OpenAIDialect("other_chat", "chat", "/other", b"other.chunk", parse_ask, CROSSING)
NO_CODEC = OpenAIDialect("bare_chat", "chat", "/bare", b"bare.chunk", parse_ask)
LANES = Lanes({dialect.name: dialect for dialect in (CHAT, OTHER, NO_CODEC, EMBEDDINGS)})
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi","odd":1}],"seed":7,"vendor":true,"n":1}'


def test_the_clients_own_dialect_comes_first() -> None:
    lane = LANES.find(CHAT, ("other_chat", "openai_chat"))
    assert isinstance(lane, SameLane)
    assert lane.target is CHAT
    assert LANES.find(CHAT, ("other_chat", "openai_chat")) is lane


def test_another_dialect_of_the_operation_is_next() -> None:
    lane = LANES.find(CHAT, ("openai_embeddings", "bare_chat", "other_chat"))
    assert isinstance(lane, CrossLane)
    assert lane.target is OTHER


def test_no_dialect_of_the_operation_is_no_lane() -> None:
    assert LANES.find(CHAT, ("openai_embeddings", "unheard_of")) is None
    assert LANES.find(CHAT, ("bare_chat",)) is None


def test_the_same_lane_changes_the_model_alone() -> None:
    lane = LANES.find(CHAT, ("openai_chat",))
    assert lane is not None
    onward = lane.render_onward(CHAT.parse_ask(BODY), "target", Quirks(drop=("seed", "logprobs")))
    assert b'"vendor":true' in onward.body
    assert b"seed" not in onward.body
    assert onward.dropped == ("seed",)


def test_the_cross_lane_names_what_only_the_clients_dialect_has() -> None:
    lane = LANES.find(CHAT, ("other_chat",))
    assert lane is not None
    onward = lane.render_onward(CHAT.parse_ask(BODY, path=PathAsk()), "target", Quirks())
    assert onward.dropped == ("vendor", "messages[0].odd")


def test_a_refusal_of_another_dialect_keeps_its_words_and_loses_its_form() -> None:
    lane = LANES.find(CHAT, ("other_chat",))
    assert lane is not None
    error = lane.parse_error(400, (), b'{"error":{"message":"no such thing","param":"their.name"}}')
    assert isinstance(error, Rejected)
    assert (error.status, error.body, error.param) == (400, None, None)
    assert "no such thing" in error.message


def test_a_whole_answer_without_usage_is_estimated_and_says_its_cost() -> None:
    lane = LANES.find(CHAT, ("other_chat",))
    assert lane is not None
    asked = CHAT.parse_ask(BODY)
    reply = lane.parse_reply(
        b'{"id":"a","model":"m","choices":[{"index":0,"message":{"content":"12345678"}}]}'
    )
    assert reply.usage is None
    usage = lane.estimate_output(asked, reply)
    assert (usage.output, usage.source) == (2, "estimated")
    body = lane.render_reply(asked, msgspec.structs.replace(reply, usage=usage), 5, Stamp("x", 17))
    assert b'"content":"12345678"' in body
    assert b'"completion_tokens":2' in body


def test_a_whole_answer_that_names_no_model_has_the_one_that_was_asked_for() -> None:
    lane = LANES.find(CHAT, ("other_chat",))
    assert lane is not None
    reply = lane.parse_reply(b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}')
    shown = lane.render_reply(CHAT.parse_ask(BODY), reply, None, Stamp("x-1", 17))
    assert msgspec.json.decode(shown)["model"] == "m"
