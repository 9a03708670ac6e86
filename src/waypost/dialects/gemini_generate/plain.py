"""Requests and answers that are nothing but text, in one step: None where they are not, and the general way is gone
(`request.py`, `contents.py`, `config.py`, `response.py`, `stream.py`), which makes the same of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from waypost.core.asked import Asked
from waypost.core.loss import Loss
from waypost.core.plain import plain_choice, plain_request, plain_texts
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Role, Sampling, Text
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import NULL
from waypost.dialects.gemini.usage import render_counts
from waypost.dialects.gemini_generate.finish import FIELD, WORDS
from waypost.dialects.gemini_generate.own import NAME
from waypost.dialects.taking import Json

#: Marks a request that came in this dialect, and an instruction that named no role.
NATIVE, NO_ROLE = "native", "norole"
#: Fields of a request that are read here.
_READ = frozenset(("model", "contents", "systemInstruction", "generationConfig"))
_ROLES: dict[str, Role] = {"user": "user", "model": "assistant"}
_FINISHES = {"STOP": Finish.STOP, "MAX_TOKENS": Finish.LENGTH}
#: There are at most five stop texts.
_STOPS = 5
_AVERAGE = "avgLogprobs"


class _Part(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    text: str


class _Content(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "model"]
    parts: list[_Part]


class _Instruction(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    parts: list[_Part]
    role: Literal["user"] | UnsetType = UNSET


class _Config(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop_sequences: tuple[str, ...] = ()
    max_output_tokens: int | None = None


class _Answered(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    parts: list[_Part]
    role: Literal["model"]


class _Candidate(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    content: _Answered
    finish_reason: Literal["STOP", "MAX_TOKENS"]
    index: int
    avg_logprobs: msgspec.Raw = msgspec.Raw()


class _Piece(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A candidate that is under way."""

    content: _Answered
    index: int = 0


class _Event(msgspec.Struct, rename="camel", gc=False):
    candidates: tuple[_Piece]
    usage_metadata: msgspec.Raw = msgspec.Raw()
    error: UnsetType = UNSET


_CONTENTS = msgspec.json.Decoder(list[_Content])
_INSTRUCTION = msgspec.json.Decoder(_Instruction)
_CONFIG = msgspec.json.Decoder(_Config)
_CANDIDATES = msgspec.json.Decoder(tuple[_Candidate])
_EVENT = msgspec.json.Decoder(_Event)
_ENCODER = msgspec.json.Encoder()
_NO_CONFIG = _Config()


def parse_plain(asked: Asked) -> ChatRequest | None:
    """See `request.parse_request`."""
    fields = asked.fields
    if not fields.keys() <= _READ:
        return None
    config, before = _NO_CONFIG, ""
    messages: list[Message] = []
    try:
        if "systemInstruction" in fields:
            said = _INSTRUCTION.decode(fields["systemInstruction"])
            if not said.parts:
                return None
            extras = Extras(NAME, {}, NO_ROLE) if said.role is UNSET else None
            messages.append(Message("system", _texts(said.parts), extras))
        contents = _CONTENTS.decode(fields["contents"])
        if "generationConfig" in fields:
            raw = bytes(fields["generationConfig"])
            config = _CONFIG.decode(raw)
            if NULL in raw or (not config.stop_sequences and b'"stopSequences"' in raw):
                return None  # what says nothing is kept as it is
    except (ValueError, KeyError):
        return None
    for content in contents:
        if not content.parts or content.role == before == "model":
            return None  # an answer that came in pieces is put together by the general way
        before = content.role
        messages.append(Message(_ROLES[before], _texts(content.parts)))
    if not contents:
        return None
    sampling = Sampling(
        config.temperature,
        config.top_p,
        config.top_k,
        config.frequency_penalty,
        config.presence_penalty,
        config.seed,
        config.stop_sequences,
    )
    limit, stream, extras = config.max_output_tokens, asked.stream, Extras(NAME, {}, NATIVE)
    return plain_request(asked.model, messages, sampling, limit, stream, stream, None, extras)


def _texts(parts: Sequence[_Part]) -> tuple[Text, ...]:
    return tuple([Text(part.text) for part in parts])


def render_plain(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes | None:
    """See `request.render_request`. None also where something would have to be left out."""
    sampling = request.sampling
    texts = None if quirks.drop else plain_texts(request, NAME)
    if texts is None or sampling.seed is not None or len(sampling.stop) > _STOPS:
        return None
    system: list[Json] = []
    contents: list[Json] = []
    for message, text in zip(request.messages, texts, strict=True):
        role = message.role
        if not text or role == "tool":
            return None
        part: Json = {"text": text}
        if role == "system" or role == "developer":
            system.append(part)
        else:
            contents.append({"role": "user" if role == "user" else "model", "parts": [part]})
    if not contents:
        return None
    out: Json = {"contents": contents}
    if system:
        out["systemInstruction"] = {"parts": system}
    config = _config(sampling, request.max_output)
    if config:
        out["generationConfig"] = config
    if request.user is not None:
        loss.setting("user")
    return _ENCODER.encode(out)


def _config(sampling: Sampling, limit: int | None) -> Json:
    out: Json = {}
    if sampling.temperature is not None:
        out["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        out["topP"] = sampling.top_p
    if sampling.top_k is not None:
        out["topK"] = sampling.top_k
    if sampling.frequency_penalty is not None:
        out["frequencyPenalty"] = sampling.frequency_penalty
    if sampling.presence_penalty is not None:
        out["presencePenalty"] = sampling.presence_penalty
    if sampling.stop:
        out["stopSequences"] = sampling.stop
    if limit is not None:
        out["maxOutputTokens"] = limit
    return out


def parse_candidates(raw: msgspec.Raw) -> tuple[Choice] | None:
    """The choice of an answer's `candidates`, if there is one and it is texts that came to their end. See
    `response.parse_response`."""
    try:
        [candidate] = _CANDIDATES.decode(raw)
    except ValueError:
        return None
    parts = candidate.content.parts
    if not parts:
        return None
    average = candidate.avg_logprobs
    extras = Extras(NAME, {_AVERAGE: average}) if average else None
    return (Choice(candidate.index, _texts(parts), _FINISHES[candidate.finish_reason], extras),)


def render_answer(response: ChatResponse, cost_nusd: int | None, response_id: str) -> bytes | None:
    """See `response.render_response`."""
    found, usage = plain_choice(response, NAME), response.usage
    if found is None or usage is None:
        return None
    choice, text = found
    if not text or choice.finish is None:
        return None
    counts: Json = {**render_counts(usage)}
    if usage.source != "reported":
        counts["estimated"] = True
    put_cost(counts, cost_nusd)
    content = {"parts": [{"text": text}], "role": "model"}
    return _ENCODER.encode(
        {
            "candidates": [{"content": content, "index": 0, FIELD: WORDS[choice.finish]}],
            "modelVersion": response.model,
            "responseId": response.response_id or response_id,
            "usageMetadata": counts,
        }
    )


def read_event(chunk: bytes) -> tuple[int, str, msgspec.Raw] | None:
    """The candidate's index, its text and the usage (empty: there is none), when `chunk` is one whole event with one
    text and nothing else that is new; else None. What is said of the whole answer was read from the first event."""
    size = len(chunk)
    if not chunk.startswith(b"data: {"):
        return None
    if chunk.endswith(b"}\r\n\r\n"):
        end = size - 4
        if chunk.find(b"\r") != end:
            return None
    elif chunk.endswith(b"}\n\n"):
        end = size - 2
        if b"\r" in chunk:
            return None
    else:
        return None
    if chunk.find(b"\n", 0, end) >= 0:
        return None
    try:
        event = _EVENT.decode(chunk[6:end])
        [part] = event.candidates[0].content.parts
    except (ValueError, RecursionError):
        return None
    return event.candidates[0].index, part.text, event.usage_metadata
