"""A Converse request to and from the core: the cross-dialect lane.

Carried: messages, system, text, reasoning with Claude's signature, tool calls and results, media in base64, cache
points, tools, tool choice, JSON schema, sampling, stop texts, output limit, thinking, tier, metadata.

Dropped and named: seed, penalties, log probabilities, user, verbosity, cache key, modalities, several choices,
`json_object`, parallel calls switched off, reasoning that no model here takes back, citations of others. Towards
others: guardrails, prompt variables, latency, projects, unread fields for the model alone. Also what Claude refuses
beside other settings (see `dialects/claude.py`), and a temperature above 1, for which 1 is sent.

Arguments of a call that are no object go in the one argument `INVALID_JSON`; schemas of answers and of strict tools in
the part of the language that grammars know.

Refused: media by link or id, media of the model, other types of files, names of tools that Converse refuses, content
and tools that are built into another provider. Towards others: S3 sources, search results, guarded pictures, system
tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from waypost.core.asked import Asked
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Effort, Extras, ResponseFormat, Sampling
from waypost.dialects.bedrock_converse.additional import (
    Settings,
    Written,
    read_form,
    read_settings,
    settings_of,
    write_form,
)
from waypost.dialects.bedrock_converse.families import Family, barred, family_of, put_top_k, thinking
from waypost.dialects.bedrock_converse.messages import Conversation, parse_messages, parse_system
from waypost.dialects.bedrock_converse.own import NAME, Taking, is_own, own_form
from waypost.dialects.bedrock_converse.parts import Writer
from waypost.dialects.bedrock_converse.tools import parse_choice, parse_tools, render_tools
from waypost.dialects.claude import narrow_schema, without_unsigned
from waypost.dialects.taking import INTEGER, NUMBER, TEXT, TEXTS, Json, object_or_none, object_raw, put
from waypost.errors import Unrepresentable

_EFFORT: msgspec.json.Decoder[Effort] = msgspec.json.Decoder(Effort)
_TEXT_MAP: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])
#: Objects that are read in part.
_NESTED: Final = ("inferenceConfig", "toolConfig", "outputConfig", "additionalModelRequestFields")
_TIERS: Final = frozenset(("priority", "default", "flex", "reserved"))
#: The most that botocore 1.44.8 lets a temperature be.
_MOST_HEAT: Final = 1.0
_ENCODER = msgspec.json.Encoder()
#: The core's names for the top-level fields that a provider may refuse.
_CORE_NAMES: Final[Mapping[str, str]] = {
    "serviceTier": "tier",
    "requestMetadata": "metadata",
    "outputConfig": "response_format",
    "toolConfig": "tools",
}
#: Settings of the core that Converse has no word for, with the values that say nothing.
_UNSAID: Final[Mapping[str, tuple[object, ...]]] = {
    "parallel_tool_calls": (None, True),
    "choices": (1,),
    "user": (None,),
    "top_logprobs": (None,),
    "verbosity": (None, "medium"),
    "cache_key": (None,),
    "modalities": ((), ("text",)),
}
_UNSAID_SAMPLING: Final[Mapping[str, tuple[object, ...]]] = {
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "seed": (None,),
}


def parse_request(asked: Asked) -> ChatRequest:
    """Raises InvalidRequest and Unrepresentable. The model and whether to stream are in the path."""
    taking = Taking(asked.fields)
    items = taking.take_items("messages")
    if not items:
        raise Unrepresentable(
            "A prompt of Bedrock's prompt management can only be asked for at Bedrock. Send `messages`.",
            param="messages",
        )
    nested = {name: taking.take_object(name) for name in _NESTED}
    inference, tools, output, additional = (Taking(fields or {}) for fields in nested.values())
    native = output.take("effort", _EFFORT)
    settings, told, additional.rest = read_settings(additional.rest, native)
    request = ChatRequest(
        model=asked.model,
        messages=(*parse_system(taking), *parse_messages(items)),
        tools=parse_tools(tools),
        tool_choice=parse_choice(tools),
        response_format=_take_format(output),
        sampling=_take_sampling(inference, settings),
        max_output=inference.take("maxTokens", INTEGER),
        effort=settings.effort,
        thinking_budget=settings.budget,
        show_thinking=settings.shown,
        stream=asked.stream,
        wants_usage=True,
        tier=_take_tier(taking),
        metadata=taking.take("requestMetadata", _TEXT_MAP),
    )
    for (name, fields), inner in zip(nested.items(), (inference, tools, output, additional), strict=True):
        if inner.rest or fields == {}:
            taking.rest[name] = object_raw(inner.rest)
    form = write_form(Written(told, native is not None))
    # Also without any: that a request came in this dialect tells that it says what it said.
    return msgspec.structs.replace(request, extras=Extras(NAME, taking.rest, form))


def _take_sampling(inference: Taking, settings: Settings) -> Sampling:
    raw = inference.rest.get("stopSequences")
    stop = inference.take("stopSequences", TEXTS) if raw is not None and bytes(raw) != b"[]" else None
    return Sampling(
        temperature=inference.take("temperature", NUMBER),
        top_p=inference.take("topP", NUMBER),
        top_k=settings.top_k,
        stop=tuple(stop or ()),
    )


def _take_tier(taking: Taking) -> str | None:
    fields = object_or_none(taking.rest.get("serviceTier"))
    if fields is None or fields.keys() != {"type"}:
        return None
    tier = Taking(fields).take("type", TEXT)
    if tier is not None:
        del taking.rest["serviceTier"]
    return tier


def _take_format(output: Taking) -> ResponseFormat | None:
    """`textFormat`, whose schema is a text that holds JSON."""
    outer = Taking(object_or_none(output.rest.get("textFormat")) or {})
    kind = outer.take("type", TEXT)
    structure = outer.take_object("structure") or {}
    inner = Taking(object_or_none(structure.get("jsonSchema")) or {})
    schema = inner.take("schema", TEXT)
    if kind != "json_schema" or schema is None or outer.rest or len(structure) != 1:
        return None
    try:
        msgspec.json.decode(schema)
    except (ValueError, RecursionError):
        return None
    name, description = inner.take("name", TEXT), inner.take("description", TEXT)
    if inner.rest:
        return None
    del output.rest["textFormat"]
    return ResponseFormat("json_schema", name, description, msgspec.Raw(schema.encode()))


def render_request(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """The body for a target, whose model decides how it is told to think. Raises Unrepresentable."""
    family = family_of(request.model)
    if not is_own(request.extras):
        request = without_unsigned(request, loss)
    _name_unsaid(request, loss)
    conversation = Conversation(Writer(loss, family, own=is_own(request.extras)), loss)
    for number, message in enumerate(request.messages):
        conversation.add(message, number)
    conversation.close()
    out: Json = {"messages": conversation.messages}
    if conversation.system:
        out["system"] = conversation.system
    own = request.extras.fields if is_own(request.extras) and request.extras is not None else {}
    additional, refused, native = _additional(request, family, loss)
    nested: dict[str, Json] = {
        "inferenceConfig": _inference(request, refused, loss),
        "toolConfig": render_tools(request, loss),
        "outputConfig": _output(request, loss) | ({"effort": request.effort} if native else {}),
        "additionalModelRequestFields": additional,
    }
    for name, fields in nested.items():
        left = object_or_none(own.get(name))
        if fields or left is not None:
            out[name] = {**(left or {}), **fields}
    put(out, serviceTier=_tier(request, loss), requestMetadata=request.metadata)
    for name, raw in own.items():
        out.setdefault(name, raw)
    _drop(out, quirks, loss)
    return _ENCODER.encode(out)


def _name_unsaid(request: ChatRequest, loss: Loss) -> None:
    for name, silent in _UNSAID.items():
        if getattr(request, name) not in silent:
            loss.setting(name)
    for name, silent in _UNSAID_SAMPLING.items():
        if getattr(request.sampling, name) not in silent:
            loss.setting(name)


def _additional(request: ChatRequest, family: Family, loss: Loss) -> tuple[Json, tuple[str, ...], bool]:
    """Fields for the model alone, the settings that these bar, and whether `outputConfig` says the effort."""
    written = read_form(own_form(request.extras))
    if written != Written():
        native = request.effort if written.effort else None
        if read_settings(written.fields, native)[0] == settings_of(request):
            return dict(written.fields), (), written.effort
    thought = thinking(request, family, loss)
    out: Json = {}
    top_k = request.sampling.top_k
    refused = barred(request, family, thought)
    if top_k is not None and ("top_k" in refused or not put_top_k(out, top_k, family)):
        loss.setting("top_k")
    return {**out, **thought.fields}, refused, False


def _stop(request: ChatRequest, loss: Loss) -> tuple[str, ...]:
    stop = request.sampling.stop
    if family_of(request.model).signs and not is_own(request.extras):
        stop = tuple(text for text in stop if text.strip())
    if len(stop) != len(request.sampling.stop):
        loss.setting("stop")  # Claude refuses those of white space only
    return stop


def _inference(request: ChatRequest, refused: tuple[str, ...], loss: Loss) -> Json:
    sampling = request.sampling
    said = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    for name in refused:
        if said.get(name) is not None:
            loss.setting(name)
            said[name] = None
    heat = said["temperature"]
    if heat is not None and heat > _MOST_HEAT:
        loss.setting("temperature")
        said["temperature"] = _MOST_HEAT
    return put(
        {},
        maxTokens=request.max_output,
        temperature=said["temperature"],
        topP=said["top_p"],
        stopSequences=_stop(request, loss) or None,
    )


def _output(request: ChatRequest, loss: Loss) -> Json:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind == "json_object" or wanted.schema is None:
        loss.setting("response_format")
        return {}
    if wanted.strict is False:
        loss.setting("response_format.strict")
    shape = wanted.schema if is_own(request.extras) else narrow_schema(wanted.schema)
    schema = put({"schema": bytes(shape).decode()}, name=wanted.name, description=wanted.description)
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _tier(request: ChatRequest, loss: Loss) -> Json | None:
    if request.tier is None or request.tier == "auto":
        return None
    if request.tier not in _TIERS:
        loss.setting("tier")
        return None
    return {"type": request.tier}


def _drop(out: Json, quirks: Quirks, loss: Loss) -> None:
    for name in quirks.drop:
        if out.pop(name, None) is not None:
            loss.setting(_CORE_NAMES.get(name, name))
