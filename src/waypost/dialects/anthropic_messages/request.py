"""A request to and from the core: the cross-dialect lane. See `crossing.py` for what crosses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, ResponseFormat, Sampling
from waypost.dialects.anthropic_messages.messages import parse_messages, render_messages
from waypost.dialects.anthropic_messages.own import OWN, Taking, is_own, own_form, with_extras
from waypost.dialects.anthropic_messages.plain import parse_plain, render_plain
from waypost.dialects.anthropic_messages.thinking import settings, take_effort, take_thinking
from waypost.dialects.anthropic_messages.tools import render_choice, render_tools, take_choice, take_tools
from waypost.dialects.claude import narrow_schema, refused_sampling, takes_sampling, without_unsigned
from waypost.dialects.fields import Fields
from waypost.dialects.openai.ask import read_model
from waypost.dialects.taking import (
    INTEGER,
    NUMBER,
    RAW,
    TEXT,
    TEXTS,
    Json,
    object_or_none,
    object_raw,
    put,
    text_or_none,
)

#: https://platform.claude.com/docs/en/api/service-tiers (2026-11-25), and what the core calls them.
_TIERS = {"auto": "auto", "standard_only": "default"}
_TIER_WORDS = {name: word for word, name in _TIERS.items()}
#: The beta's place for `output_config.format`.
_OLD_FORMAT = "output_format"
_MOST_HEAT = 1.0
#: What the core calls the fields that a quirk may drop, where the words differ.
_CORE_NAMES: Mapping[str, str] = MappingProxyType(
    {"max_tokens": "max_output", "stop_sequences": "stop", "service_tier": "tier", "metadata": "user"}
)
_ENCODER = msgspec.json.Encoder()


def parse_fields(fields: Fields) -> ChatRequest:
    """Raises InvalidRequest for a message that is none."""
    request = parse_plain(fields)
    return parse_any(fields) if request is None else request


def parse_any(fields: Fields) -> ChatRequest:
    """See `parse_fields`."""
    taking = Taking(fields)
    model = read_model(taking.rest)
    del taking.rest["model"]
    messages = parse_messages(taking)
    forms = [OWN]
    output = Taking(taking.take_object("output_config") or {})
    effort = take_effort(output)
    wanted = _take_format(taking, output)
    if output.rest:
        taking.rest["output_config"] = object_raw(output.rest)
    budget, shown = take_thinking(taking, effort, forms)
    choice, parallel = take_choice(taking)
    stream = _take_stream(taking)
    sampling = Sampling(
        taking.take("temperature", NUMBER),
        taking.take("top_p", NUMBER),
        taking.take("top_k", INTEGER),
        stop=_take_stop(taking),
    )
    return ChatRequest(  # as many as can be by place, which is far cheaper than by name
        model,
        messages,
        take_tools(taking),
        choice,
        parallel,
        wanted,
        sampling,
        taking.take("max_tokens", INTEGER),
        effort,
        budget,
        shown,
        1,
        stream,
        stream,  # streams of this dialect always say their usage
        _take_user(taking),
        _take_tier(taking),
        None,
        None,
        None,
        None,
        (),
        taking.extras(" ".join(forms)),
    )


def _take_stream(taking: Taking) -> bool:
    if bytes(taking.rest.get("stream", msgspec.Raw(b""))) != b"true":
        return False
    del taking.rest["stream"]
    return True


def _take_stop(taking: Taking) -> tuple[str, ...]:
    raw = taking.rest.get("stop_sequences")
    if raw is None:
        return ()
    texts = taking.take("stop_sequences", TEXTS)
    if texts is not None and not texts:
        taking.rest["stop_sequences"] = raw
    return tuple(texts or ())


def _take_user(taking: Taking) -> str | None:
    fields = taking.take_object("metadata")
    if not fields:
        return None
    metadata = Taking(fields)
    user = metadata.take("user_id", TEXT)
    if metadata.rest:
        taking.rest["metadata"] = object_raw(metadata.rest)
    return user


def _take_tier(taking: Taking) -> str | None:
    raw = taking.rest.get("service_tier")
    tier = None if raw is None else _TIERS.get(text_or_none(raw) or "")
    if tier is not None:
        del taking.rest["service_tier"]
    return tier


def _take_format(taking: Taking, output: Taking) -> ResponseFormat | None:
    found = _parse_format(output, "format", "")
    return _parse_format(taking, _OLD_FORMAT, _OLD_FORMAT) if found is None else found


def _parse_format(outer: Taking, name: str, form: str) -> ResponseFormat | None:
    fields = object_or_none(outer.rest.get(name))
    if not fields:
        return None
    inner = Taking(fields)
    if not inner.take_constant("type", "json_schema"):
        return None
    schema = inner.take("schema", RAW)
    del outer.rest[name]
    return ResponseFormat("json_schema", schema=schema, extras=inner.extras(form))


def render_request(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """Raises Unrepresentable, naming the part. Fields that only other dialects have are left out."""
    plain = render_plain(request, quirks)
    return render_any(request, quirks, loss) if plain is None else plain


def render_any(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """See `render_request`."""
    own = is_own(request.extras)
    if not own:
        request = without_unsigned(request, loss)
    system, messages = render_messages(request.messages, loss, own=own)
    asked = settings(request, loss)
    output: Json = {}
    put(output, effort=asked.effort)
    out: Json = {"model": request.model}
    put(out, max_tokens=asked.max_tokens, system=system)
    out["messages"] = messages
    out.update(render_tools(request.tools, loss, own=own))
    put(
        out,
        tool_choice=render_choice(request.tool_choice, request.parallel_tool_calls),
        thinking=asked.thinking,
        stream=request.stream or None,
        metadata=None if request.user is None else {"user_id": request.user},
    )
    thinks = asked.thinking is not None and asked.thinking["type"] != "disabled"
    _put_sampling(out, request, loss, thinks=thinks)
    _put_format(out, output, request, loss)
    _put_tier(out, request.tier, loss)
    if output:
        out["output_config"] = output
    _put_own(out, request)
    _name_unsaid(request, loss)
    for name in quirks.drop:
        if out.pop(name, None) is not None:
            loss.setting(_CORE_NAMES.get(name, name))
    return _ENCODER.encode(out)


def _put_own(out: Json, request: ChatRequest) -> None:
    """The extras, with what is left of objects that the core models in part."""
    extras = request.extras
    if extras is None or not is_own(extras):
        return
    for name in ("output_config", "metadata"):
        left, said = object_or_none(extras.fields.get(name)), out.get(name)
        if left and isinstance(said, dict):
            out[name] = {**left, **said}
    with_extras(out, extras)


def _put_sampling(out: Json, request: ChatRequest, loss: Loss, *, thinks: bool) -> None:
    sampling, own = request.sampling, is_own(request.extras)
    found: Json = {}
    put(found, temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k)
    heat = sampling.temperature
    if heat is not None and heat > _MOST_HEAT and not own:
        loss.setting("temperature")
        found["temperature"] = _MOST_HEAT
    if not own:
        # 1 is what they are by default. Some models refuse it beside a temperature, others refuse all of them.
        if found.get("top_p") == 1:
            del found["top_p"]
        for name in refused_sampling(sampling, request.model, thinks=thinks):
            loss.setting(name)
            found.pop(name, None)
        if not takes_sampling(request.model):
            found = {}
    out.update(found)
    stop = tuple(text for text in sampling.stop if own or text.strip())
    if len(stop) != len(sampling.stop):
        loss.setting("stop")  # Anthropic refuses those of white space only
    if stop:
        out["stop_sequences"] = stop


def _put_format(out: Json, output: Json, request: ChatRequest, loss: Loss) -> None:
    """A schema. Anthropic knows neither a name nor a description for it, and always holds to it."""
    wanted, extras = request.response_format, request.extras
    if wanted is None or wanted.kind == "text":
        return
    if wanted.kind == "json_object" or wanted.schema is None:
        loss.setting("response_format")
        return
    for name, value in (("name", wanted.name), ("description", wanted.description)):
        if value is not None:
            loss.setting(f"response_format.{name}")
    schema = wanted.schema if is_own(extras) else narrow_schema(wanted.schema)
    body = with_extras({"type": "json_schema", "schema": schema}, wanted.extras)
    if own_form(wanted.extras) == _OLD_FORMAT:
        out[_OLD_FORMAT] = body
    else:
        output["format"] = body


def _put_tier(out: Json, tier: str | None, loss: Loss) -> None:
    if tier is None:
        return
    if tier in _TIER_WORDS:
        out["service_tier"] = _TIER_WORDS[tier]
    else:
        loss.setting("tier")


def _name_unsaid(request: ChatRequest, loss: Loss) -> None:
    """The core's settings that this dialect has no word for."""
    sampling = request.sampling
    unsaid = {
        "frequency_penalty": bool(sampling.frequency_penalty),
        "presence_penalty": bool(sampling.presence_penalty),
        "seed": sampling.seed is not None,
        "choices": request.choices != 1,
        "top_logprobs": request.top_logprobs is not None,
        "metadata": bool(request.metadata),
        "verbosity": request.verbosity is not None,
        "cache_key": request.cache_key is not None,
        "modalities": request.modalities not in ((), ("text",)),
    }
    for name, is_set in unsaid.items():
        if is_set:
            loss.setting(name)
