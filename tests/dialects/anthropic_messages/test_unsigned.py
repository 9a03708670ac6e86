from __future__ import annotations

import msgspec
import pytest

from waypost.core.quirks import Quirks
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.anthropic_messages.unsigned import without_unsigned

CLAUDE = "claude-sonnet-4-5"
TURN = (
    b'[{"role":"user","content":"a"},'
    b'{"role":"assistant", "content":[{"type":"thinking","thinking":"hm","signature" : ""},'
    b'{"type":"text","text":"b",  "x":1}], "y":2},'
    b'{"role":"user","content":"c"}]'
)


def test_what_nobody_signed_is_taken_out_and_named() -> None:
    told, dropped = without_unsigned(msgspec.Raw(TURN), CLAUDE)
    assert dropped == ("messages[1].thinking",)
    assert bytes(told) == (
        b'[{"role":"user","content":"a"},'
        b'{"role":"assistant","content":[{"type":"text","text":"b",  "x":1}],"y":2},'
        b'{"role":"user","content":"c"}]'
    )


def test_a_message_of_nothing_else_goes_whole() -> None:
    said = b'{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""}]}'
    alone = b'[{"role":"user","content":"a"},%b]' % said
    told, dropped = without_unsigned(msgspec.Raw(alone), CLAUDE)
    assert bytes(told) == b'[{"role":"user","content":"a"}]'
    assert dropped == ("messages[1].thinking",)


@pytest.mark.parametrize(
    ("messages", "model"),
    [
        (TURN, "glm-4.6"),  # servers that sign nothing take it back
        (TURN.replace(b'""', b'"sig"'), CLAUDE),
        (TURN.replace(b"assistant", b"user"), CLAUDE),
        (b'[{"role":"assistant","content":"\\"signature\\": \\"\\""}]', CLAUDE),
        (b'[{"role":"assistant","content":[{"type":"text","text":"x","signature":""}]}]', CLAUDE),
        (b'{"signature":""}', CLAUDE),
        (b'[1,{"signature":""}]', CLAUDE),
    ],
)
def test_everything_else_stays_byte_for_byte(messages: bytes, model: str) -> None:
    raw = msgspec.Raw(messages)
    assert without_unsigned(raw, model) == (raw, ())


def test_it_is_named_beside_what_the_provider_refuses() -> None:
    body = b'{"model":"m","max_tokens":5,"top_k":1,"messages":%b}' % TURN
    onward = MESSAGES.render_onward(MESSAGES.parse_ask(body), CLAUDE, Quirks(drop=("top_k", "metadata")))
    assert onward.dropped == ("top_k", "messages[1].thinking")
    assert b"signature" not in onward.body
