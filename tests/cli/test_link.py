from __future__ import annotations

import pytest

from simulated import simulator  # noqa: F401  # a fixture
from waypost.cli.link import GatewayLink, raise_stream_fault
from waypost.errors import CallerError, Failed, InvalidRequest, Unavailable
from waypost.simulator.run import Simulator


async def test_it_streams_events_without_the_terminator(simulator: Simulator) -> None:  # noqa: F811
    link = GatewayLink(simulator.url)
    body = b'{"model": "sim-fast", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
    events = [event async for event in link.stream("/v1/chat/completions", body)]
    assert events
    assert b"[DONE]" not in events
    await link.aclose()


async def test_a_refusal_is_told_in_the_gateways_own_words(simulator: Simulator) -> None:  # noqa: F811
    link = GatewayLink(simulator.root)
    with pytest.raises(CallerError) as caught:
        async for _ in link.stream("/v1/chat/completions", b'{"model": "no-such-model", "messages": []}'):
            pass
    assert caught.value.message
    await link.aclose()


async def test_silence_says_what_to_do() -> None:
    link = GatewayLink("http://127.0.0.1:9", key="k")
    with pytest.raises(Unavailable, match="waypost serve"):
        await link.get("/readyz")
    await link.aclose()


async def test_a_bad_url_and_an_error_event() -> None:
    with pytest.raises(InvalidRequest, match="--url"):
        GatewayLink("not a url")
    with pytest.raises(Failed, match="the model went away"):
        raise_stream_fault(b'{"error": {"message": "the model went away"}}')
    raise_stream_fault(b'{"choices": []}')
