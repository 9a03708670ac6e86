"""The bytes that are sent: about 1 KB of JSON each way, and events of the size that providers send."""

from __future__ import annotations

import msgspec

WORDS = "The quick brown fox jumps over the lazy dog near the bank of the slow green river. "


def ask(model: str, *, stream: bool = False) -> str:
    """A chat request of about 1 KB. Streams ask for usage, as most clients that count do."""
    fields: dict[str, object] = {
        "model": model,
        "max_tokens": 256,
        "temperature": 0.7,
        "messages": [
            {"role": "system", "content": "You answer briefly."},
            {"role": "user", "content": WORDS * 10},
        ],
    }
    if stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(fields).decode()


def ask_anthropic(model: str, *, stream: bool = False) -> str:
    """The same request in Anthropic's dialect: what a gateway has to translate both ways."""
    fields: dict[str, object] = {
        "model": model,
        "max_tokens": 256,
        "temperature": 0.7,
        "system": "You answer briefly.",
        "messages": [{"role": "user", "content": WORDS * 10}],
    }
    if stream:
        fields["stream"] = True
    return msgspec.json.encode(fields).decode()


USAGE = {"prompt_tokens": 210, "completion_tokens": 160, "total_tokens": 370}

ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": WORDS * 9},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
)


def _event(choices: list[object], **more: object) -> bytes:
    fields = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "bench",
        "choices": choices,
        **more,
    }
    return b"data: " + msgspec.json.encode(fields) + b"\n\n"


_FIRST = _event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
_NEXT = _event([{"index": 0, "delta": {"content": " river"}, "finish_reason": None}])
_STOP = _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])


def event(number: int) -> bytes:
    """Event `number` of a stream: the role first, then one token each."""
    return _NEXT if number else _FIRST


def last_events(count: int) -> bytes:
    """Finish reason, usage and terminator after `count` events."""
    usage = {"prompt_tokens": 210, "completion_tokens": count, "total_tokens": 210 + count}
    return _STOP + _event([], usage=usage) + b"data: [DONE]\n\n"
