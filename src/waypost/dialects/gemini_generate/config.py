"""`generationConfig`: sampling, limits, thinking, the answer's shape.

https://ai.google.dev/api/generate-content#generationconfig, https://ai.google.dev/gemini-api/docs/thinking and
https://ai.google.dev/gemini-api/docs/structured-output (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.effort import budget_of, closest, effort_of
from waypost.core.request import ChatRequest, Effort, Extras, ResponseFormat, Sampling
from waypost.dialects.gemini_generate.own import NAME, Taking, own_words
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.gemini_generate.schema import GOOGLE, from_json_schema, label, to_json_schema
from waypost.dialects.taking import (
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    TEXTS,
    Json,
    object_or_none,
    put,
    text_or_none,
)

_EFFORTS: Mapping[str, Effort] = MappingProxyType(
    {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}
)
_JSON = "application/json"
#: A seed has 32 bits, and there are at most five stop texts.
_SEEDS, _STOPS = 2**31, 5
_PLAIN = "text/plain"


class Config(msgspec.Struct, frozen=True):
    """What the core models of it."""

    sampling: Sampling
    response_format: ResponseFormat | None
    max_output: int | None
    choices: int
    effort: Effort | None
    thinking_budget: int | None
    show_thinking: bool | None
    top_logprobs: int | None
    modalities: tuple[str, ...]


def take_config(taking: Taking) -> Config:
    """What is left over stays in `taking`, under names such as `generationConfig.speechConfig`."""
    config = Taking(taking.take_object("generationConfig") or {})
    sampling = Sampling(
        temperature=config.take("temperature", NUMBER),
        top_p=config.take("topP", NUMBER),
        top_k=_take_top_k(config),
        frequency_penalty=config.take("frequencyPenalty", NUMBER),
        presence_penalty=config.take("presencePenalty", NUMBER),
        seed=config.take("seed", INTEGER),
        stop=_take_texts(config, "stopSequences"),
    )
    thinking = Taking(config.take_object("thinkingConfig") or {})
    found = Config(
        sampling,
        _take_format(config),
        config.take("maxOutputTokens", INTEGER),
        _take_choices(config),
        _take_level(thinking),
        thinking.take("thinkingBudget", INTEGER),
        thinking.take("includeThoughts", FLAG),
        _take_logprobs(config),
        tuple(word.lower() for word in _take_texts(config, "responseModalities")),
    )
    for prefix, rest in (
        ("generationConfig.", config.rest),
        ("generationConfig.thinkingConfig.", thinking.rest),
    ):
        taking.rest.update({f"{prefix}{name}": raw for name, raw in rest.items()})
    return found


def _take_texts(config: Taking, name: str) -> tuple[str, ...]:
    texts = None if config.rest.get(name) == msgspec.Raw(b"[]") else config.take(name, TEXTS)
    return tuple(texts or ())


def _take_top_k(config: Taking) -> int | None:
    whole = config.take("topK", INTEGER)
    if whole is None:
        number = config.take("topK", NUMBER)  # Vertex AI has it as a number with a point
        return None if number is None else int(number)
    return whole


def _take_choices(config: Taking) -> int:
    raw = config.rest.get("candidateCount")
    if raw is None or bytes(raw) == b"1":  # written out, it stays among the extras and is rendered from there
        return 1
    return config.take("candidateCount", INTEGER) or 1


def _take_level(thinking: Taking) -> Effort | None:
    word = thinking.take("thinkingLevel", TEXT)
    effort = None if word is None else _EFFORTS.get(word.upper())
    if word is not None and effort is None:
        thinking.rest["thinkingLevel"] = msgspec.Raw(msgspec.json.encode(word))
    return effort


def _take_logprobs(config: Taking) -> int | None:
    if bytes(config.rest.get("responseLogprobs", msgspec.Raw(b""))) != b"true":
        return None
    del config.rest["responseLogprobs"]
    return config.take("logprobs", INTEGER) or 0


def _take_format(config: Taking) -> ResponseFormat | None:
    mime = config.take("responseMimeType", TEXT)
    if mime == _JSON:
        schema = config.rest.pop("responseJsonSchema", None)
        if schema is not None:
            return ResponseFormat("json_schema", schema=schema)
        own = config.rest.get("responseSchema")
        found = None if own is None else to_json_schema(own)
        if found is None:
            return ResponseFormat("json_object")
        del config.rest["responseSchema"]
        return ResponseFormat("json_schema", schema=found[0], extras=Extras(NAME, {}, found[1]))
    if mime == _PLAIN and not config.rest.keys() & {"responseSchema", "responseJsonSchema"}:
        return ResponseFormat("text")
    if mime is not None:
        config.rest["responseMimeType"] = msgspec.Raw(msgspec.json.encode(mime))
    return None


def render_config(request: ChatRequest, rendering: Rendering) -> Json:
    """All of it that is set."""
    sampling = request.sampling
    logprobs = request.top_logprobs
    out = put(
        {},
        temperature=sampling.temperature,
        topP=sampling.top_p,
        topK=sampling.top_k,
        frequencyPenalty=sampling.frequency_penalty,
        presencePenalty=sampling.presence_penalty,
        seed=_seed(sampling.seed, rendering),
        stopSequences=_stop(sampling.stop, rendering) or None,
        maxOutputTokens=request.max_output,
        candidateCount=request.choices if request.choices != 1 else None,
        responseLogprobs=None if logprobs is None else True,
        logprobs=logprobs or None,
        responseModalities=[word.upper() for word in request.modalities] or None,
        thinkingConfig=_render_thinking(request, rendering) or None,
    )
    return out | _render_format(request.response_format)


def _seed(seed: int | None, rendering: Rendering) -> int | None:
    if seed is None or rendering.native or -_SEEDS <= seed < _SEEDS:
        return seed
    rendering.loss.setting("seed")
    return None


def _stop(stop: tuple[str, ...], rendering: Rendering) -> tuple[str, ...]:
    if len(stop) <= _STOPS or rendering.native:
        return stop
    rendering.loss.setting("stop")
    return stop[:_STOPS]


def _render_format(wanted: ResponseFormat | None) -> Json:
    if wanted is None:
        return {}
    if wanted.kind == "text":
        return {"responseMimeType": _PLAIN}
    if wanted.schema is None:
        return {"responseMimeType": _JSON}
    words = own_words(wanted.extras)
    if GOOGLE in words:
        return {"responseMimeType": _JSON, "responseSchema": from_json_schema(wanted.schema, words)}
    # Google holds every answer to its schema, so `strict` needs no saying; the name and the description are said in it.
    schema = label(wanted.schema, wanted.name, wanted.description)
    return {"responseMimeType": _JSON, "responseJsonSchema": schema}


def _render_thinking(request: ChatRequest, rendering: Rendering) -> Json:
    if rendering.native:
        own = put({}, thinkingBudget=request.thinking_budget)
        if request.effort is not None:
            own["thinkingLevel"] = request.effort.upper()
    else:
        own = _thinking_of(request, rendering)
    return put(own, includeThoughts=_shown(request, rendering))


def _shown(request: ChatRequest, rendering: Rendering) -> bool | None:
    traits = rendering.traits
    if rendering.native or traits.levels or traits.budget is not None:
        return request.show_thinking
    if request.show_thinking:
        rendering.loss.setting("show_thinking")
    return None


def _thinking_of(request: ChatRequest, rendering: Rendering) -> Json:
    """How hard to think, in the one of Google's two ways that the model has."""
    traits = rendering.traits
    asked = "effort" if request.thinking_budget is None else "thinking_budget"
    if traits.levels:
        effort = effort_of(request)
        if effort is None:
            return {}
        if effort == "none":
            rendering.loss.setting(asked)  # these models always think; the least of it is the closest
        return {"thinkingLevel": closest(effort, traits.levels).upper()}
    budget = budget_of(request)
    if budget is None:
        return {}
    if traits.budget is None:
        if budget:
            rendering.loss.setting(asked)
        return {}
    least, most = traits.budget
    if budget < 0 or (budget == 0 and traits.can_rest):
        return {"thinkingBudget": max(budget, -1)}
    told = min(max(budget, least), most)
    # What a word comes to is the gateway's choice; a number is the client's.
    if budget == 0 or (told != budget and request.thinking_budget is not None):
        rendering.loss.setting(asked)
    return {"thinkingBudget": told}


def take_labels(taking: Taking) -> dict[str, str] | None:
    """`labels`, when it is an object of texts. Its names are the client's own, and keep their spelling."""
    fields = object_or_none(taking.rest.get("labels"))
    if not fields:
        return None
    texts = {name: text for name, raw in fields.items() if (text := text_or_none(raw)) is not None}
    if len(texts) != len(fields):
        return None
    del taking.rest["labels"]
    return texts
