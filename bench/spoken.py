"""What each dialect's clients and providers say, for the ways that cross: the same words in every format.

Answers and events have the fields that the vendors' own have, such as Google's usage in every event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bench.bodies import ANSWER, WORDS, ask, ask_anthropic, event, last_events

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
GEMINI, GEMINI_STREAM = (
    "/v1beta/models/{model}:generateContent",
    "/v1beta/models/{model}:streamGenerateContent",
)
_SYSTEM, _GIVEN, _SAID = "You answer briefly.", WORDS * 10, WORDS * 9


@dataclass(frozen=True)
class Spoken:
    """One dialect. A request's path and its body, by the model's name; what a provider of it answers."""

    path: str
    stream_path: str
    ask: Callable[..., str]
    answer: bytes = b""
    events: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """How a stream begins, its first text included; one more event of it; how it ends."""
    prefix: str = ""
    """Of the names of the models that a provider of it serves in the bench."""


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _ask_gemini(_model: str, *, stream: bool = False) -> str:
    del stream  # the path says it
    return _text(
        {
            "systemInstruction": {"parts": [{"text": _SYSTEM}]},
            "contents": [{"role": "user", "parts": [{"text": _GIVEN}]}],
            "generationConfig": {"maxOutputTokens": 256, "temperature": 0.7},
        }
    )


def _ask_responses(model: str, *, stream: bool = False) -> str:
    fields: dict[str, object] = {
        "model": model,
        "max_output_tokens": 256,
        "temperature": 0.7,
        "instructions": _SYSTEM,
        "input": [{"role": "user", "content": _GIVEN}],
        "store": False,  # kept answers are written to the database: another measure
    }
    return _text(fields | ({"stream": True} if stream else {}))


def _anthropic(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


def _anthropic_message(content: list[object], reason: str | None, output: int) -> dict[str, object]:
    written = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    return {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-bench",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 210,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": written,
            "output_tokens": output,
            "service_tier": "standard",
        },
    }


def _anthropic_delta(text: str) -> bytes:
    return _anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def _gemini(text: str, **more: object) -> dict[str, object]:
    return {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}],
        "usageMetadata": {
            "promptTokenCount": 210,
            "candidatesTokenCount": 160,
            "totalTokenCount": 370,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 210}],
        },
        "modelVersion": "gemini-bench",
        "responseId": "bench",
    }


def _gemini_event(text: str, **more: object) -> bytes:
    return b"data: %b\r\n\r\n" % msgspec.json.encode(_gemini(text, **more))


SPOKEN = {
    "openai_chat": Spoken(
        CHAT, CHAT, ask, ANSWER, (event(0) + event(1), event(1), last_events(160)), "other"
    ),
    "anthropic_messages": Spoken(
        MESSAGES,
        MESSAGES,
        ask_anthropic,
        msgspec.json.encode(_anthropic_message([{"type": "text", "text": _SAID}], "end_turn", 160)),
        (
            _anthropic("message_start", message=_anthropic_message([], None, 1))
            + _anthropic("content_block_start", index=0, content_block={"type": "text", "text": ""})
            + _anthropic_delta("The"),
            _anthropic_delta(" river"),
            _anthropic("content_block_stop", index=0)
            + _anthropic(
                "message_delta",
                delta={"stop_reason": "end_turn", "stop_sequence": None},
                usage={"output_tokens": 160},
            )
            + _anthropic("message_stop"),
        ),
        "claude-bench",
    ),
    "gemini_generate": Spoken(
        GEMINI,
        GEMINI_STREAM,
        _ask_gemini,
        msgspec.json.encode(_gemini(_SAID, finishReason="STOP")),
        (_gemini_event("The"), _gemini_event(" river"), _gemini_event(".", finishReason="STOP")),
        "gemini-bench",
    ),
    "openai_responses": Spoken(RESPONSES, RESPONSES, _ask_responses),
}

#: (client's dialect, target's): those that are asked for most.
PAIRS = (
    ("anthropic_messages", "openai_chat"),
    ("openai_chat", "anthropic_messages"),
    ("openai_chat", "gemini_generate"),
    ("gemini_generate", "openai_chat"),
    ("openai_responses", "openai_chat"),
)


def render_providers(models: int) -> tuple[str, str]:
    """Lines for `providers` and `models` of the bench's configuration: one provider, to nowhere, of each dialect that
    `render_config` has none of, with as many models as that has."""
    providers, served = "", ""
    for name, spoken in SPOKEN.items():
        if name == "openai_chat" or not spoken.answer:
            continue
        providers += (
            f"  - {{name: {name}, dialect: {name}, base_url: 'http://127.0.0.1:9/v1', "
            "api_key: 'env:BENCH_PROVIDER_KEY', discover: false, on_disconnect: cancel}\n"
        )
        for number in range(models):
            model = f"{spoken.prefix}-{number}"
            target = f"{{provider: {name}, model: {model}}}"
            served += f"  - {{name: {model}, targets: [{target}], prices: {{input: 0.25, output: 2.00}}}}\n"
    return providers, served
