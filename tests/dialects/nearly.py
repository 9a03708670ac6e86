"""Requests, answers and streams as they are on the wire, nearly all of them nothing but text: what codecs say in one
step, and what is so close to it that a step could take it for that."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

texts = st.sampled_from(["Hi", "", " ", "null", 'a "quoted"\n\u2028 one', "Grüße 👋", "\ud7ff\x7f"])
odd = st.sampled_from([None, True, False, 0, 1, 1.5, 2**70, "1", [], {}, ["x"], {"type": "text"}, -3])


def nearly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual value, and now and then something else."""
    return st.integers(0, 39).flatmap(lambda number: usual if number else odd)


def objects(
    always: dict[str, st.SearchStrategy[Any]],
    sometimes: dict[str, st.SearchStrategy[Any]],
    *,
    often: bool = False,
) -> st.SearchStrategy[Any]:
    """A JSON object; seldom one of its usual fields is missing, and seldom there is one more than is known. `often`:
    the fields that it sometimes has are usual themselves."""
    names_of = st.sets(st.sampled_from(sorted(sometimes)), max_size=3) if sometimes else st.just(set())
    none: st.SearchStrategy[set[str]] = st.just(set())
    chosen = names_of if often else st.integers(0, 11).flatmap(lambda number: none if number else names_of)
    changes, numbers = st.integers(0, 59), st.integers(0, 99)

    @st.composite
    def made(draw: st.DrawFn) -> dict[str, Any]:
        fields = {name: draw(value) for name, value in always.items()}
        fields |= {name: draw(sometimes[name]) for name in sorted(draw(chosen))}
        change = draw(changes)
        names = sorted(fields)
        if change == 0 and names:
            del fields[names[draw(numbers) % len(names)]]
        elif change == 1:
            fields["unknown"] = draw(odd)
        return fields if draw(numbers) % 2 else dict(reversed(fields.items()))

    return st.deferred(made)  # so that a failure does not tell how it was made


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return nearly(st.lists(of, min_size=1, max_size=3))


blocks = objects({"type": st.just("text"), "text": nearly(texts)}, {"citations": odd, "cache_control": odd})
words = st.integers(0, 7).flatmap(lambda number: nearly(texts) if number else lists(blocks))
shares = nearly(st.sampled_from([0, 0.5, 1, 1.0, 1.7]))
counts = nearly(st.integers(1, 4096))
flags = nearly(st.booleans())
models = st.sampled_from(
    ["gpt-4.1", "claude-sonnet-4-5", "claude-opus-4-7", "claude-3-haiku", "gemini-2.5-flash", "gemini-3-pro"]
)
chat_messages = objects(
    {"role": nearly(st.sampled_from(["system", "developer", "user", "assistant", "tool"])), "content": words},
    {"name": odd, "refusal": odd, "tool_calls": odd, "annotations": odd},
)
turns = objects({"role": nearly(st.sampled_from(["user", "assistant", "system"])), "content": words}, {})
parts = objects({"text": nearly(texts)}, {"thought": flags, "thoughtSignature": odd})
contents = objects({"role": nearly(st.sampled_from(["user", "model"])), "parts": lists(parts)}, {})
items = objects(
    {
        "role": nearly(st.sampled_from(["user", "system", "developer", "assistant"])),
        "content": nearly(texts) | lists(objects({"type": st.just("input_text"), "text": nearly(texts)}, {})),
    },
    {"type": nearly(st.just("message")), "id": odd},
)
config = objects(
    {},
    {
        "temperature": shares,
        "topP": shares,
        "topK": counts,
        "maxOutputTokens": counts,
        "stopSequences": nearly(st.lists(texts, max_size=2)),
        "seed": counts,
        "candidateCount": nearly(st.just(1)),
        "frequencyPenalty": shares,
        "thinkingConfig": odd,
    },
    often=True,
)
schemas = nearly(st.sampled_from([{}, {"type": "object", "properties": {}}]))
hints = nearly(
    st.sampled_from([{"type": "ephemeral"}, *({"type": "ephemeral", "ttl": ttl} for ttl in ("5m", "1h"))])
)
functions = nearly(
    objects({"name": nearly(texts)}, {"description": nearly(texts), "parameters": schemas, "strict": flags})
)
REQUESTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "openai_chat": objects(
        {"model": models, "messages": st.lists(chat_messages, min_size=1, max_size=3)},
        {
            "temperature": shares,
            "top_p": shares,
            "max_tokens": counts,
            "max_completion_tokens": counts,
            "stream": flags,
            "stream_options": nearly(st.sampled_from([{"include_usage": True}, {"include_usage": False}])),
            "user": nearly(texts),
            "tools": lists(
                objects(
                    {"type": nearly(st.just("function")), "function": functions}, {"cache_control": hints}
                )
            ),
            "stop": nearly(texts),
            "n": nearly(st.just(1)),
        },
        often=True,
    ),
    "anthropic_messages": objects(
        {"model": models, "messages": st.lists(turns, min_size=1, max_size=3), "max_tokens": counts},
        {
            "system": words,
            "temperature": shares,
            "top_p": shares,
            "top_k": counts,
            "stream": flags,
            "metadata": nearly(objects({"user_id": nearly(texts)}, {"other": odd})),
            "stop_sequences": nearly(st.lists(texts, max_size=2)),
            "tools": lists(
                objects(
                    {"name": nearly(texts), "input_schema": schemas},
                    {
                        "description": nearly(texts),
                        "strict": flags,
                        "type": nearly(st.just("custom")),
                        "cache_control": hints,
                    },
                )
            ),
            "mcp_servers": odd,
        },
        often=True,
    ),
    "gemini_generate": objects(
        {"contents": st.lists(contents, min_size=1, max_size=3), "generationConfig": nearly(config)},
        {
            "systemInstruction": nearly(
                objects({"parts": lists(parts)}, {"role": nearly(st.sampled_from(["user", "system"]))})
            ),
            "system_instruction": odd,
            "safetySettings": odd,
        },
        often=True,
    ),
    "openai_responses": objects(
        {"model": models, "input": nearly(texts) | st.lists(items, min_size=1, max_size=3)},
        {
            "instructions": nearly(texts),
            "temperature": shares,
            "top_p": shares,
            "max_output_tokens": counts,
            "stream": flags,
            "store": flags,
            "metadata": odd,
        },
        often=True,
    ),
}
USUAL: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "model": "m",
        "messages": [{"role": "system", "content": "Short."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "max_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "anthropic_messages": {
        "model": "m",
        "max_tokens": 9,
        "system": "Short.",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "metadata": {"user_id": "u"},
        "stream": True,
    },
    "gemini_generate": {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Short."}]},
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 9},
    },
    "openai_responses": {
        "model": "m",
        "instructions": "Short.",
        "input": [{"role": "user", "content": "Hi"}],
        "max_output_tokens": 9,
        "store": False,
    },
}

chat_answers = objects(
    {
        "choices": lists(
            objects(
                {
                    "index": nearly(st.just(0)),
                    "finish_reason": nearly(st.sampled_from(["stop", "length", "tool_calls", "odd"])),
                    "message": objects(
                        {"role": nearly(st.just("assistant")), "content": nearly(texts)},
                        {
                            "refusal": nearly(st.none()),
                            "annotations": nearly(st.just([])),
                            "reasoning_content": nearly(texts),
                            "tool_calls": odd,
                        },
                    ),
                },
                {"logprobs": nearly(st.none()), "stop_reason": odd, "native_finish_reason": odd},
            )
        )
    },
    {"id": nearly(texts), "usage": odd, "created": odd, "service_tier": odd, "system_fingerprint": odd},
)
anthropic_answers = objects(
    {"content": lists(blocks), "stop_reason": nearly(st.sampled_from(["end_turn", "max_tokens"]))},
    {
        "usage": nearly(
            objects({"input_tokens": counts, "output_tokens": counts}, {"service_tier": odd, "speed": odd})
        ),
        "stop_sequence": nearly(st.none()),
        "container": odd,
        "role": nearly(st.just("assistant")),
        "type": nearly(st.just("message")),
    },
)
gemini_answers = objects(
    {
        "candidates": lists(
            objects(
                {
                    "content": nearly(objects({"parts": lists(parts), "role": nearly(st.just("model"))}, {})),
                    "finishReason": nearly(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"])),
                    "index": nearly(st.just(0)),
                },
                {"avgLogprobs": odd, "safetyRatings": odd, "citationMetadata": odd},
            )
        )
    },
    {"usageMetadata": nearly(objects({"promptTokenCount": counts}, {"trafficType": odd})), "responseId": odd},
)
ANSWERS = {
    "openai_chat": chat_answers,
    "anthropic_messages": anthropic_answers,
    "gemini_generate": gemini_answers,
}


ANSWERS_USUAL: dict[str, Any] = {
    "openai_chat": {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    },
    "anthropic_messages": {
        "content": [{"type": "text", "text": "Hi", "citations": None}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "gemini_generate": {
        "candidates": [
            {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1},
    },
}


def chat_event(delta: dict[str, Any], **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    return b"data: %b\n\n" % msgspec.json.encode({"id": "c", "model": "m", "choices": [choice]})


def anthropic_event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


def gemini_event(candidate: dict[str, Any], end: bytes = b"\r\n\r\n", **more: Any) -> bytes:
    return b"data: %b%b" % (msgspec.json.encode({"candidates": [candidate], **more}), end)


indices = nearly(st.just(0))
anthropic_events = st.one_of(
    st.builds(
        lambda index, delta: anthropic_event("content_block_delta", index=index, delta=delta),
        indices,
        objects({"type": nearly(st.just("text_delta")), "text": nearly(texts)}, {"partial_json": texts}),
    ),
    st.builds(
        lambda index, block: anthropic_event("content_block_start", index=index, content_block=block),
        indices,
        st.sampled_from(
            [
                {"type": "text", "text": ""},
                {"type": "tool_use", "id": "t", "name": "n", "input": {}},
                {"type": "odd"},
            ]
        ),
    ),
    st.just(anthropic_event("content_block_stop", index=0)),
    st.just(anthropic_event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})),
    st.sampled_from([anthropic_event("message_stop"), b": ping\n\n", b"event: error\ndata: {}\n\n", b"\r\n"]),
)
candidates = objects(
    {"content": nearly(objects({"parts": lists(parts), "role": nearly(st.just("model"))}, {}))},
    {"index": indices, "finishReason": nearly(st.just("STOP")), "citationMetadata": odd},
)
gemini_events = st.builds(
    gemini_event,
    candidates,
    st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\r"]),
    usageMetadata=nearly(objects({"promptTokenCount": counts, "candidatesTokenCount": counts}, {})),
    modelVersion=st.just("m"),
) | st.sampled_from([b'data: {"error":{"code":500}}\n\n', b": ping\n\n", b"data: []\n\n"])
chat_events = st.builds(
    chat_event,
    objects({"content": nearly(texts)}, {"refusal": odd, "reasoning_content": nearly(texts)}),
) | st.sampled_from([b"data: [DONE]\n\n", chat_event({}, finish_reason="stop")])
STREAMS = {
    "anthropic_messages": (
        anthropic_event("message_start", message={"id": "m", "model": "c", "usage": {"input_tokens": 1}})
        + anthropic_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        anthropic_events,
    ),
    "gemini_generate": (
        gemini_event({"content": {"parts": [{"text": "a"}], "role": "model"}}),
        gemini_events,
    ),
    "openai_chat": (chat_event({"role": "assistant", "content": "a"}), chat_events),
}
