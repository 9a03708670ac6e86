"""A generateContent request to and from the core: the cross-dialect lane."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.asked import Asked
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras
from waypost.dialects.gemini.spelling import camel
from waypost.dialects.gemini.usage import read_tier
from waypost.dialects.gemini_generate.config import render_config, take_config, take_labels
from waypost.dialects.gemini_generate.contents import parse_contents, render_contents
from waypost.dialects.gemini_generate.own import NAME, Taking
from waypost.dialects.gemini_generate.plain import NATIVE, parse_plain, render_plain
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.gemini_generate.tools import render_choice, render_tools, take_choice, take_tools
from waypost.dialects.taking import ITEMS, TEXT, Json, put
from waypost.errors import InvalidRequest

_ENCODER = msgspec.json.Encoder()
_CONFIG, _THINKING = "generationConfig", "thinkingConfig"
#: What a label may be: https://docs.cloud.google.com/resource-manager/docs/labels-overview (2026-11-25).
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_TIERS = MappingProxyType({"default": "standard", "flex": "flex", "priority": "priority", "auto": None})

#: The core's settings by Google's names; with a dot: in `generationConfig`.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "frequency_penalty": "generationConfig.frequencyPenalty",
        "presence_penalty": "generationConfig.presencePenalty",
        "seed": "generationConfig.seed",
        "stop": "generationConfig.stopSequences",
        "max_output": "generationConfig.maxOutputTokens",
        "choices": "generationConfig.candidateCount",
        "response_format": "generationConfig.responseMimeType",
        "top_logprobs": "generationConfig.logprobs",
        "modalities": "generationConfig.responseModalities",
        "effort": "generationConfig.thinkingConfig.thinkingLevel",
        "thinking_budget": "generationConfig.thinkingConfig.thinkingBudget",
        "show_thinking": "generationConfig.thinkingConfig.includeThoughts",
        "tool_choice": "toolConfig",
        "tier": "serviceTier",
        "metadata": "labels",
    }
)
_CORE_NAMES = {own: core for core, own in NAMES.items()}


def parse_request(asked: Asked) -> ChatRequest:
    """Raises InvalidRequest, and Unrepresentable for a content of a role the core does not know."""
    request = parse_plain(asked)
    return parse_any(asked) if request is None else request


def parse_any(asked: Asked) -> ChatRequest:
    """See `parse_request`."""
    taking = Taking(asked.fields)
    taking.rest.pop("model", None)
    contents = taking.rest.pop("contents", msgspec.Raw(b"null"))
    system, cached = taking.rest.pop("systemInstruction", None), taking.rest.pop("cachedContent", None)
    try:
        items = ITEMS.decode(contents)
    except ValueError:
        raise InvalidRequest("`contents` has to be an array.", param="contents") from None
    messages = parse_contents(items, _set(system), _set(cached))
    config = take_config(taking)
    return ChatRequest(
        model=asked.model,
        messages=messages,
        tools=take_tools(taking),
        tool_choice=take_choice(taking),
        response_format=config.response_format,
        sampling=config.sampling,
        max_output=config.max_output,
        effort=config.effort,
        thinking_budget=config.thinking_budget,
        show_thinking=config.show_thinking,
        choices=config.choices,
        stream=asked.stream,
        wants_usage=asked.stream,
        tier=_take_tier(taking),
        top_logprobs=config.top_logprobs,
        metadata=take_labels(taking),
        modalities=config.modalities,
        extras=taking.extras(NATIVE),
    )


def _set(raw: msgspec.Raw | None) -> msgspec.Raw | None:
    return None if raw is None or bytes(raw) == b"null" else raw


def _take_tier(taking: Taking) -> str | None:
    word = taking.take("serviceTier", TEXT)
    tier = None if word is None else read_tier(word)
    if word is not None and tier is None:
        taking.rest["serviceTier"] = msgspec.Raw(_ENCODER.encode(word))
    return tier


def render_request(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """Everything of the core's model is said, or handed to `loss`."""
    plain = render_plain(request, quirks, loss)
    return render_any(request, quirks, loss) if plain is None else plain


def render_any(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """See `render_request`."""
    rendering = Rendering(request, loss)
    out = render_contents(request.messages, rendering)
    tools = render_tools(request, rendering)
    config = render_config(request, rendering)
    put(
        out,
        tools=tools or None,
        toolConfig=render_choice(request, rendering),
        generationConfig=config or None,
        labels=_render_labels(request, rendering),
        serviceTier=_render_tier(request, rendering),
    )
    _name_unsaid(request, loss)
    _put_own(out, request.extras)
    for name in quirks.drop:
        _drop(out, name, loss)
    return _ENCODER.encode(out)


def _render_labels(request: ChatRequest, rendering: Rendering) -> dict[str, str] | None:
    labels = request.metadata
    if not labels:
        return None
    fit = (_LABEL.fullmatch(name) and _LABEL_VALUE.fullmatch(value) for name, value in labels.items())
    if rendering.native or all(fit):
        return labels
    rendering.loss.setting("metadata")
    return None


def _render_tier(request: ChatRequest, rendering: Rendering) -> str | None:
    if request.tier is None:
        return None
    if request.tier in _TIERS:
        return _TIERS[request.tier]
    if rendering.native:
        return request.tier
    rendering.loss.setting("tier")
    return None


def _name_unsaid(request: ChatRequest, loss: Loss) -> None:
    """Settings that Google has no word for."""
    unsaid = {
        "user": request.user is not None,
        "verbosity": request.verbosity is not None,
        "cache_key": request.cache_key is not None,
        "parallel_tool_calls": request.parallel_tool_calls is False,
    }
    for name, given in unsaid.items():
        if given:
            loss.setting(name)


def _put_own(out: Json, extras: Extras | None) -> None:
    """The fields that only this dialect has. A `toolConfig` among them says what the core's choice does, and more."""
    if extras is None or extras.dialect != NAME:
        return
    for name, raw in extras.fields.items():
        if name == "toolConfig":
            out[name] = raw
            continue
        place, last = out, name
        for step in (_CONFIG, _THINKING):
            head, dot, rest = last.partition(".")
            if not dot or head != step:
                break
            last = rest
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        place.setdefault(last, raw)


def _drop(out: Json, name: str, loss: Loss) -> None:
    *path, last = [camel(step) for step in name.split(".")]
    place: object = out
    for step in path:
        place = place.get(step) if isinstance(place, dict) else None
    if isinstance(place, dict) and place.pop(last, None) is not None:
        own = ".".join([*path, last])
        loss.setting(_CORE_NAMES.get(own, own))
