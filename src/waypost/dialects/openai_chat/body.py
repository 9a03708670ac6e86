"""A chat request from the core, for a target: the cross-dialect lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.dialects.openai_chat.media import IMAGES
from waypost.dialects.openai_chat.messages import render_messages
from waypost.dialects.openai_chat.own import Saying, own_form, to_target, with_extras
from waypost.dialects.openai_chat.plain import NEW_LIMIT, OLD_LIMIT, USER, render_plain
from waypost.dialects.openai_chat.reasoning import put_reasoning
from waypost.dialects.openai_chat.request import NO_LOGPROBS, SAFETY, STOP_TEXT
from waypost.dialects.openai_chat.thinking import FIELDS
from waypost.dialects.openai_chat.tools import (
    OLD_CHOICE,
    OLD_TOOLS,
    put_choice,
    put_format,
    put_tools,
)
from waypost.dialects.taking import Json, object_or_none, put

_ENCODER = msgspec.json.Encoder()
_PLAIN = Quirks()

#: What this dialect calls the core's settings, where the words differ.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_output": NEW_LIMIT,
        "effort": "reasoning_effort",
        "thinking_budget": "reasoning.max_tokens",
        "show_thinking": "reasoning.exclude",
        "choices": "n",
        "wants_usage": "stream_options.include_usage",
        "tier": "service_tier",
        "cache_key": "prompt_cache_key",
        "cache": "cache_control",
    }
)
_CORE_NAMES = {wire: core for core, wire in NAMES.items()} | {
    OLD_LIMIT: "max_output",
    "reasoning": "effort",
    "logprobs": "top_logprobs",
    SAFETY: USER,
}


def render_request(request: ChatRequest, quirks: Quirks = _PLAIN, loss: Loss | None = None) -> bytes:
    """Raises Unrepresentable, naming the part. Fields that only other dialects have are left out."""
    plain = render_plain(request, quirks)
    return render_any(request, quirks, loss) if plain is None else plain


def render_any(request: ChatRequest, quirks: Quirks = _PLAIN, loss: Loss | None = None) -> bytes:
    """See `render_request`."""
    loss = Loss() if loss is None else loss
    say = to_target(quirks, loss)
    forms = own_form(request.extras).split()
    out: Json = {"model": request.model, "messages": render_messages(request.messages, say)}
    put_tools(out, request.tools, OLD_TOOLS in forms, say)
    put_choice(out, request.tool_choice, OLD_CHOICE in forms)
    put_format(out, request.response_format)
    _put_settings(out, request, forms)
    put_reasoning(out, request, forms, say)
    _put_modalities(out, request, say)
    limit = quirks.max_tokens_field or (NEW_LIMIT if NEW_LIMIT in forms else OLD_LIMIT)
    put(out, **{limit: request.max_output})
    with_extras(out, request.extras)
    if FIELDS[0] in say.takes:
        _fill_thinking(out)
    _put_usage(out, request, quirks)
    for name in quirks.drop:
        if out.pop(name, None) is not None:
            loss.setting(_CORE_NAMES.get(name, name))
    return _ENCODER.encode(out)


def _put_settings(out: Json, request: ChatRequest, forms: Sequence[str]) -> None:
    sampling = request.sampling
    optional: Json = {
        "parallel_tool_calls": request.parallel_tool_calls if OLD_TOOLS not in forms else None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stop": (sampling.stop[0] if STOP_TEXT in forms else sampling.stop) if sampling.stop else None,
        "n": request.choices if request.choices != 1 else None,
        "stream": request.stream or None,
        SAFETY if SAFETY in forms else USER: request.user,
        "service_tier": request.tier,
        "metadata": request.metadata or None,
        "verbosity": request.verbosity,
        "prompt_cache_key": request.cache_key,
    }
    if request.top_logprobs is not None:
        optional["logprobs"] = True
        if request.top_logprobs or NO_LOGPROBS in forms:
            optional["top_logprobs"] = request.top_logprobs
    put(out, **optional)


def _put_modalities(out: Json, request: ChatRequest, say: Saying) -> None:
    """Pictures come only from those that know `images`."""
    wanted = list(request.modalities)
    if "image" in wanted and IMAGES not in say.takes:
        say.loss.setting("modalities")
        wanted.remove("image")
    if wanted and wanted != ["text"]:
        out["modalities"] = wanted


def _fill_thinking(out: Json) -> None:
    """DeepSeek refuses a history whose tool calls have no `reasoning_content`, an empty one included:
    https://api-docs.deepseek.com/guides/thinking_mode#tool-calls (2026-11-25)."""
    messages = out["messages"]
    assert isinstance(messages, list)  # noqa: S101 - rendered above
    for message in messages:
        if "tool_calls" in message and not any(name in message for name in FIELDS):
            message[FIELDS[0]] = ""


def _put_usage(out: Json, request: ChatRequest, quirks: Quirks) -> None:
    """Usage in every stream, since it is billed by it; what else the client wants of the stream stays."""
    if not request.stream and not request.wants_usage:
        return
    if not quirks.stream_usage:
        out.pop("stream_options", None)
        return
    given = out.get("stream_options")
    options = (object_or_none(given) or {}) if isinstance(given, msgspec.Raw) else {}
    out["stream_options"] = {**options, "include_usage": True}
