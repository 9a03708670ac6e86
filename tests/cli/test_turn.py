from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from simulated import simulator  # noqa: F401  # a fixture
from waypost.cli.link import GatewayLink
from waypost.cli.turn import Conversation, read_models
from waypost.errors import Failed
from waypost.simulator.run import Simulator


async def test_a_conversation_keeps_what_was_said(simulator: Simulator) -> None:  # noqa: F811
    link = GatewayLink(simulator.url)
    talk = Conversation(link, "sim-fast", system="Be brief.", max_tokens=50)
    pieces: list[str] = []
    first = await talk.say("one", pieces.append)
    second = await talk.say("two", None)
    assert first.text == "".join(pieces) != ""
    assert first.cost is None
    assert first.input_tokens is not None
    assert second.input_tokens is not None
    assert second.input_tokens > first.input_tokens
    await link.aclose()


async def test_models_are_listed_in_order(simulator: Simulator) -> None:  # noqa: F811
    link = GatewayLink(simulator.url)
    assert "sim-fast" in await read_models(link)
    await link.aclose()


class Scripted(GatewayLink):
    """Answers with the given events."""

    def __init__(self, *events: bytes) -> None:
        self._events = events

    async def stream(self, path: str, body: bytes) -> AsyncIterator[bytes]:
        for event in self._events:
            yield event


async def test_the_cost_is_shown_exactly_without_an_exponent() -> None:
    usage = b'{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "cost": 0.0000001}}'
    turn = await Conversation(Scripted(usage), "m", None, None).say("hi", None)
    assert (turn.cost, turn.input_tokens, turn.output_tokens) == ("0.0000001", 3, 4)


async def test_an_event_that_can_not_be_read() -> None:
    with pytest.raises(Failed):
        await Conversation(Scripted(b"<html>"), "m", None, None).say("hi", None)
