from __future__ import annotations

from waypost.core.quirks import Quirks
from waypost.dialects.openai_chat.codec import CHAT


def test_one_exchange() -> None:
    dialect = CHAT
    asked = dialect.parse_ask(b'{"model":"a","messages":[{"role":"user","content":"hi"}]}')
    assert dialect.render_onward(asked, "b", Quirks()).body.startswith(b'{"model":"b"')
    relay = dialect.stream_relay(asked, lambda usage, tier: None)
    event = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n'
    assert relay.feed(event) == event
    assert relay.committed
