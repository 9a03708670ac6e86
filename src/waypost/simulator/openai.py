"""OpenAI answers, rendered: whole, streamed, embeddings, errors, the model list.

Shapes: https://platform.openai.com/docs/api-reference/chat, /chat-streaming, /completions, /embeddings (2026-11-21).
Each streamed token is one chunk. Whole answers carry the tokens' counts in `usage`; streams only when asked for by
`stream_options.include_usage`: then every chunk has `usage: null` and one more chunk, with no choices, has the counts.
`x_sim`, on every object, stands for the fields of a vendor that no specification knows.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Iterator

import msgspec

from waypost.simulator.answers import Answer, Choice, Token, vector
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.dialect import JSON_TYPE, LIES, STREAM_TYPE, Json, Stamp, UsageForm
from waypost.simulator.dice import mix
from waypost.simulator.stream import beats
from waypost.simulator.wire import Made, Piece, Wire

DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.encode


def headers(stamp: Stamp) -> list[tuple[bytes, bytes]]:
    """What OpenAI sends beside the content type."""
    return [
        (b"x-request-id", stamp.request_id.encode()),
        (b"openai-organization", b"simulated"),
        (b"openai-processing-ms", b"1"),
        (b"openai-version", b"2020-10-01"),
        (b"x-ratelimit-limit-requests", b"10000"),
        (b"x-ratelimit-remaining-requests", b"9999"),
        (b"x-ratelimit-reset-requests", b"6ms"),
    ]


# --- usage --------------------------------------------------------------------------------------------------------


def _usage(answer: Answer, form: UsageForm, output: int | None = None) -> Json | None:
    prompt, completion = answer.prompt, answer.output if output is None else output
    if form == "null":
        return None
    exact = form not in LIES
    if not exact:
        prompt = completion = LIES[form]
    usage: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": answer.cached if exact else 0,
            "audio_tokens": answer.audio_input if exact else 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": min(answer.reasoning, completion) if exact else 0,
            "audio_tokens": min(answer.audio, completion) if exact else 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    written = answer.cache_write + answer.cache_write_1h
    if written and exact:
        # Not OpenAI's: OpenRouter and others say so what was written to the cache.
        usage["prompt_tokens_details"] = {
            "cached_tokens": answer.cached,
            "audio_tokens": answer.audio_input,
            "cache_write_tokens": written,
        }
    return usage


# --- whole answers ------------------------------------------------------------------------------------------------


def _base(ask: Ask, stamp: Stamp, kind: str) -> Json:
    return {
        "id": stamp.answer_id,
        "object": kind,
        "created": stamp.created,
        "model": ask.model,
        "service_tier": ask.tier,
        "system_fingerprint": f"fp_sim_{stamp.seed}",
        "x_sim": stamp.x_sim,
    }


def render_whole(ask: Ask, answer: Answer, stamp: Stamp, form: UsageForm = "exact") -> Wire:
    """A whole answer, due when its last token is."""
    chat = ask.operation == "chat"
    body = _base(ask, stamp, "chat.completion" if chat else "text_completion")
    each = _chat_choice if chat else _text_choice
    body["choices"] = [each(ask, choice, place, stamp) for place, choice in enumerate(answer.choices)]
    if form != "missing":
        body["usage"] = _usage(answer, form)
    made = Made(answer.output, answer.reasoning, answer.audio)
    due = answer.last_s
    piece = Piece("whole", _encode(body), due, made)
    return Wire(200, [JSON_TYPE, *headers(stamp)], [piece], "length", head_due_s=due)


def _chat_choice(ask: Ask, choice: Choice, place: int, stamp: Stamp) -> Json:
    refusal = choice.text("refusal")
    calls = [
        {
            "id": choice.call_ids[at],
            "type": "function",
            "function": {"name": name, "arguments": choice.text("arguments", at)},
        }
        for at, name in [(token.at, token.text) for token in choice.tokens if token.form == "call"]
    ]
    text = choice.text("text")
    message: Json = {
        "role": "assistant",
        "content": None if refusal or (calls and not text) else text,
        "refusal": refusal or None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = calls
    if choice.count("reasoning"):
        message["reasoning_content"] = choice.text("reasoning")
    if choice.count("audio"):
        data = b64encode(choice.text("audio").encode()).decode()
        message["audio"] = {
            "id": f"audio_{stamp.number}_{place}",
            "data": data,
            "expires_at": stamp.created + 3600,
            "transcript": text,
        }
    logprobs = None
    if ask.top_logprobs is not None:
        content = [_logprob(token, ask.top_logprobs) for token in choice.tokens if token.form == "text"]
        logprobs = {"content": content, "refusal": None}
    return {"index": place, "message": message, "logprobs": logprobs, "finish_reason": choice.finish}


def _text_choice(ask: Ask, choice: Choice, place: int, _: Stamp) -> Json:
    logprobs = None
    if ask.top_logprobs is not None:
        logprobs = _old_logprobs(
            [token for token in choice.tokens if token.form == "text"], ask.top_logprobs, 0
        )
    return {"index": place, "text": choice.text("text"), "logprobs": logprobs, "finish_reason": choice.finish}


def _logprob(token: Token, top: int) -> Json:
    data = token.text.encode()
    chance = -(mix(len(data) + data[-1] if data else 0) % 1000) / 1000
    entry: Json = {"token": token.text, "logprob": chance, "bytes": list(data)}
    others = [
        {"token": f"alt{i}", "logprob": chance - i - 1, "bytes": list(f"alt{i}".encode())}
        for i in range(max(0, top - 1))
    ]
    return {**entry, "top_logprobs": [entry, *others] if top else []}


def _old_logprobs(tokens: list[Token], top: int, offset: int) -> Json:
    """The form of `/completions`: parallel lists."""
    entries = [_logprob(token, top) for token in tokens]
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.text)
    return {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": [{str(entry["token"]): entry["logprob"]} for entry in entries] if top else None,
        "text_offset": offsets,
    }


# --- streams ------------------------------------------------------------------------------------------------------


def render_stream(ask: Ask, answer: Answer, stamp: Stamp, form: UsageForm = "exact") -> Wire:
    """A stream: one event per token, each due at its own time, choices interleaved."""
    pieces = _Stream(ask, answer, stamp, form).pieces()
    return Wire(200, [STREAM_TYPE, *headers(stamp)], pieces, "chunked", head_due_s=answer.first_s)


class _Stream:
    """Renders the events of one stream from two constant parts and a delta."""

    def __init__(self, ask: Ask, answer: Answer, stamp: Stamp, form: UsageForm) -> None:
        self._ask, self._answer, self._stamp, self._form = ask, answer, stamp, form
        self._chat = ask.operation == "chat"
        base = _base(ask, stamp, "chat.completion.chunk" if self._chat else "text_completion")
        self._before = b"data: " + _encode(base)[:-1] + b',"choices":['
        self._running = form in ("growing", "falling")
        null_usage = ask.wants_usage and form != "missing" and not self._running
        self._after = b'],"usage":null' if null_usage else b"]"
        self._offsets = [0] * len(answer.choices)

    def _event(self, choice: bytes, salt: int, usage: bytes = b"") -> bytes:
        tail = b',"obfuscation":"%x"' % mix(salt) if self._ask.obfuscate else b""
        return b"%b%b%b%b%b}\n\n" % (self._before, choice, self._after, usage, tail)

    def pieces(self) -> Iterator[Piece]:
        answer = self._answer
        if self._chat:
            role = b'"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}'
            for place in range(len(answer.choices)):
                event = self._event(b'{"index":%d,%b' % (place, role), place)
                yield Piece("role", event, answer.first_s)
        for beat in beats(answer):
            place, at, token = beat.place, beat.at, beat.token
            choice = answer.choices[place]
            if token is None:
                yield Piece("finish", self._event(self._finish(place, choice), at), beat.due_s, beat.made)
                continue
            usage = self._running_usage(beat.total) if self._running else b""
            event = self._event(self._token(place, choice, token), at * 131 + place, usage)
            yield Piece("token", event, beat.due_s, beat.made)
        yield from self._last_usage(answer.last_s)
        yield Piece("done", DONE, answer.last_s)

    def _token(self, place: int, choice: Choice, token: Token) -> bytes:
        ask = self._ask
        if not self._chat:
            logprobs: object = None
            if ask.top_logprobs is not None:
                logprobs = _old_logprobs([token], ask.top_logprobs, self._offsets[place])
                self._offsets[place] += len(token.text)
            return _encode({"text": token.text, "index": place, "logprobs": logprobs, "finish_reason": None})
        logprobs = None
        if ask.top_logprobs is not None and token.form == "text":
            logprobs = {"content": [_logprob(token, ask.top_logprobs)], "refusal": None}
        return b'{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":null}' % (
            place,
            self._delta(choice, token, place),
            b"null" if logprobs is None else _encode(logprobs),
        )

    def _delta(self, choice: Choice, token: Token, place: int) -> bytes:
        match token.form:
            case "text":
                return b'{"content":%b}' % _encode(token.text)
            case "reasoning":
                return b'{"reasoning_content":%b}' % _encode(token.text)
            case "refusal":
                return b'{"refusal":%b}' % _encode(token.text)
            case "audio":
                data = b64encode(token.text.encode()).decode()
                return _encode({"audio": {"id": f"audio_{self._stamp.number}_{place}", "data": data}})
            case "call":
                function = {"name": token.text, "arguments": ""}
                call: Json = {"index": token.at, "id": choice.call_ids[token.at], "type": "function"}
                return _encode({"tool_calls": [{**call, "function": function}]})
            case "arguments":
                return _encode({"tool_calls": [{"index": token.at, "function": {"arguments": token.text}}]})

    def _finish(self, place: int, choice: Choice) -> bytes:
        if not self._chat:
            return _encode({"text": "", "index": place, "logprobs": None, "finish_reason": choice.finish})
        return _encode({"index": place, "delta": {}, "logprobs": None, "finish_reason": choice.finish})

    def _running_usage(self, made: int) -> bytes:
        """Usage on every chunk: the count so far, or what is left of it."""
        told = made if self._form == "growing" else self._answer.output - made + 1
        return b',"usage":' + _encode(_usage(self._answer, "exact", told))

    def _last_usage(self, due: float) -> Iterator[Piece]:
        if not self._ask.wants_usage or self._form == "missing":
            return
        form: UsageForm = "exact" if self._form in ("twice", "growing", "falling") else self._form
        told = 1 if self._form == "falling" else None
        usage = _encode(_usage(self._answer, form, told))
        tail = b',"obfuscation":""' if self._ask.obfuscate else b""
        event = b'%b],"usage":%b%b}\n\n' % (self._before, usage, tail)
        for _ in range(2 if self._form == "twice" else 1):
            yield Piece("usage", event, due)


# --- embeddings, models, errors -----------------------------------------------------------------------------------


def render_embeddings(
    ask: Ask, answer: Answer, stamp: Stamp, dimensions: int, form: UsageForm = "exact"
) -> Wire:
    """One vector per input. Base64 is little-endian 32-bit floats, as OpenAI sends them."""
    vectors = [vector(data, ask.dimensions or dimensions, stamp.seed) for data in ask.inputs]
    body: Json = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": place, "embedding": _packed(numbers) if ask.base64 else numbers}
            for place, numbers in enumerate(vectors)
        ],
        "model": ask.model,
        "x_sim": stamp.x_sim,
    }
    if form != "missing":
        counts = _usage(answer, form)
        body["usage"] = counts and {
            "prompt_tokens": counts["prompt_tokens"],
            "total_tokens": counts["prompt_tokens"],
        }
    piece = Piece("whole", _encode(body), answer.first_s, Made())
    return Wire(200, [JSON_TYPE, *headers(stamp)], [piece], "length", head_due_s=answer.first_s)


def _packed(numbers: list[float]) -> str:
    return b64encode(array("f", numbers).tobytes()).decode()


def render_models(names: list[str], created: int) -> bytes:
    """`GET /v1/models`."""
    data = [{"id": name, "object": "model", "created": created, "owned_by": "simulator"} for name in names]
    return _encode({"object": "list", "data": data})


def render_error(refused: Refused) -> bytes:
    """The error envelope (https://platform.openai.com/docs/guides/error-codes, 2026-11-21)."""
    error: Json = {
        "message": refused.message,
        "type": refused.kind,
        "param": refused.param,
        "code": refused.code,
    }
    return _encode({"error": error})


def render_error_event(refused: Refused) -> bytes:
    """An error inside a stream that answered 200."""
    return b"data: " + render_error(refused) + b"\n\n"
