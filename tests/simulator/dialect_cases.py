"""How to ask each dialect of the simulator for the same thing, and how to read what comes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from simulated import (
    ANTHROPIC,
    amazon,
    chat,
    contents,
    converse,
    gemini,
    messages,
    request_bytes,
    response,
    sse,
    turns,
)

Body = dict[str, object]


class Case(msgspec.Struct, frozen=True):
    """One dialect. `request` makes a request for a model (streamed or whole) that says "hello there"; `tokens` counts
    the whole token events in a stream's body, `failed` knows an error's body, `ended` a stream's proper end, and
    `told` reads the output tokens that an answer's body reports (a list: one for each time it does)."""

    name: str
    request: Callable[[str, bool], bytes]
    tokens: Callable[[bytes], int]
    failed: Callable[[bytes], bool]
    ended: Callable[[bytes], bool]
    told: Callable[[bytes, bool], list[object]]


def _readable(body: bytes) -> list[tuple[str, Body]]:
    """The events before anything that is broken."""
    body = body.replace(b"\r\n", b"\n")
    whole = body[: body.rfind(b"\n\n") + 2]
    parts = [part for part in whole.split(b"\n\n") if b"\xff" not in part and b"[DONE]" not in part]
    return [pair for part in parts for pair in sse(part + b"\n\n")]


def _anthropic_told(body: bytes, streamed: bool) -> list[object]:
    if not streamed:
        usages = [msgspec.json.decode(body).get("usage", "missing")]
    else:
        usages = [data.get("usage", "missing") for name, data in sse(body) if name == "message_delta"]
    return [usage["output_tokens"] if isinstance(usage, dict) else usage for usage in usages]


def _gemini(model: str, stream: bool) -> bytes:
    if stream:
        return gemini(model, contents(), "streamGenerateContent", query="?alt=sse")
    return gemini(model, contents())


def _gemini_failed(body: bytes) -> bool:
    made = sse(body)[0][1] if body.startswith(b"data") else msgspec.json.decode(body)
    error = made.get("error", {"code": 200, "message": "", "status": ""})
    return {"code", "message", "status"} <= set(error) and ("error" in made or "promptFeedback" in made)


def _gemini_told(body: bytes, streamed: bool) -> list[object]:
    made = [data for _, data in sse(body)] if streamed else [msgspec.json.decode(body)]
    usages = [data.get("usageMetadata", "missing") for data in made]
    return [usage["candidatesTokenCount"] if isinstance(usage, dict) else usage for usage in usages]


def _responses_told(body: bytes, streamed: bool) -> list[object]:
    if not streamed:
        usages = [msgspec.json.decode(body).get("usage", "missing")]
    else:
        made = [data["response"] for _, data in sse(body) if "response" in data]
        usages = [
            each.get("usage", "missing") for each in made if each["status"] == "completed" or each["usage"]
        ]
    return [usage["output_tokens"] if isinstance(usage, dict) else usage for usage in usages]


def _bedrock_told(body: bytes, streamed: bool) -> list[object]:
    if streamed:
        made = [data for kind, data in amazon(body) if kind == "metadata"] or [{}]
    else:
        made = [msgspec.json.decode(body)]
    usages = [data.get("usage", "missing") for data in made]
    return [usage["outputTokens"] if isinstance(usage, dict) else usage for usage in usages]


def _cohere_told(body: bytes, streamed: bool) -> list[object]:
    if streamed:
        made = [
            data["delta"]
            for name, data in sse(body.replace(b"data: [DONE]", b""))
            if name == "message-end" or "usage" in data.get("delta", {})
        ]
    else:
        made = [msgspec.json.decode(body)]
    usages = [data.get("usage", "missing") for data in made]
    return [usage["billed_units"]["output_tokens"] if isinstance(usage, dict) else usage for usage in usages]


CASES = [
    Case(
        "anthropic",
        lambda model, stream: request_bytes(
            messages(model, stream=stream), "/v1/messages", headers=ANTHROPIC
        ),
        lambda body: sum(name == "content_block_delta" for name, _ in _readable(body)),
        lambda body: (
            msgspec.json.decode(body)["type"] == "error"
            and set(msgspec.json.decode(body)["error"]) == {"type", "message"}
        ),
        lambda body: _readable(body)[-1][0] == "message_stop",
        _anthropic_told,
    ),
    Case(
        "gemini",
        _gemini,
        lambda body: sum(
            bool(data.get("candidates") and data["candidates"][0]["content"]["parts"][0]["text"])
            for _, data in _readable(body)
        ),
        _gemini_failed,
        lambda body: b'"finishReason"' in body[-700:],
        _gemini_told,
    ),
    Case(
        "responses",
        lambda model, stream: request_bytes(
            response(model, stream=stream), "/v1/responses", headers={"authorization": "Bearer any"}
        ),
        lambda body: sum(name == "response.output_text.delta" for name, _ in _readable(body)),
        lambda body: set(msgspec.json.decode(body)["error"]) == {"message", "type", "param", "code"},
        lambda body: _readable(body)[-1][0] == "response.completed",
        _responses_told,
    ),
    Case(
        "bedrock",
        lambda model, stream: converse(
            model, turns(), "converse-stream" if stream else "converse", key="any"
        ),
        lambda body: sum(kind == "contentBlockDelta" for kind, _ in amazon(body)),
        lambda body: set(msgspec.json.decode(body)) == {"message"},
        lambda body: any(kind == "messageStop" for kind, _ in amazon(body)),
        _bedrock_told,
    ),
    Case(
        "cohere",
        lambda model, stream: request_bytes(
            chat(model, stream=stream), "/v2/chat", headers={"authorization": "Bearer any"}
        ),
        lambda body: sum(name == "content-delta" for name, _ in _readable(body)),
        lambda body: set(msgspec.json.decode(body)) == {"id", "message"},
        lambda body: body.endswith(b"[DONE]\n\n"),
        _cohere_told,
    ),
]
