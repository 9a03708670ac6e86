from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.openai_completions.codec import COMPLETIONS


def test_a_stream_of_texts() -> None:
    relay = COMPLETIONS.stream_relay(Asked("m", True, {}, wants_usage=True, input_estimate=3), lambda u, t: 7)
    head = b'data: {"id":"c","object":"text_completion","choices":[{"index":0,"text":"","finish_reason":null}]}\n\n'
    assert relay.feed(head) == head
    assert not relay.committed
    for text in (b"a", b"b"):
        event = head.replace(b'"text":""', b'"text":"%b"' % text)
        assert relay.feed(event) == event
    assert relay.committed
    assert relay.deltas == 2
    out = relay.feed(head.replace(b"null", b'"length"') + b"data: [DONE]\n\n")
    assert b'"object":"text_completion","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2' in out
    assert relay.finish_reason == "length"
