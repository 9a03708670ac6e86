"""A request to and from the core: the cross-dialect lane. See `crossing.py` for what crosses."""

from __future__ import annotations

import msgspec

from waypost.core.effort import effort_of
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text
from waypost.dialects.fields import Fields
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai_responses.items import parse_items, render_messages
from waypost.dialects.openai_responses.own import NAME, Form, Taking, is_own, read_form
from waypost.dialects.openai_responses.plain import INSTRUCTIONS, STRING, parse_plain
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.openai_responses.settings import (
    ENCRYPTED,
    LOGPROBS,
    own_name,
    render_reasoning_setting,
    render_text,
    take_include,
    take_reasoning,
    take_text,
)
from waypost.dialects.openai_responses.tools import (
    custom_names,
    render_choice,
    render_tools,
    take_allowed,
    take_choice,
    take_tools,
)
from waypost.dialects.taking import FLAG, INTEGER, NUMBER, TEXT, Json, put
from waypost.errors import InvalidRequest

#: OpenAI refuses less: https://github.com/vectorize-io/hindsight/issues/58 (2026-11-25).
_LEAST_OUTPUT = 16
_METADATA = msgspec.json.Decoder(dict[str, str])
_ENCODER = msgspec.json.Encoder()


def parse_fields(fields: Fields) -> ChatRequest:
    """Raises InvalidRequest, with `param`."""
    request = parse_plain(fields)
    return parse_any(fields) if request is None else request


def parse_any(fields: Fields) -> ChatRequest:
    """See `parse_fields`."""
    taking = Taking(fields)
    model = read_model(taking.rest)
    del taking.rest["model"]
    kept = take_allowed(taking)
    words: list[str] = []
    messages = _parse_messages(taking, words)
    tools = take_tools(taking)
    effort, shown = take_reasoning(taking, kept)
    wanted, verbosity = take_text(taking, kept)
    logprobs = take_include(taking, kept)
    stream = _take_true(taking, "stream")
    request = ChatRequest(
        model=model,
        messages=tuple(messages),
        tools=tools,
        tool_choice=take_choice(taking, tools),
        parallel_tool_calls=taking.take("parallel_tool_calls", FLAG),
        response_format=wanted,
        sampling=Sampling(temperature=taking.take("temperature", NUMBER), top_p=taking.take("top_p", NUMBER)),
        max_output=taking.take("max_output_tokens", INTEGER),
        effort=effort,
        show_thinking=shown,
        stream=stream,
        wants_usage=stream,
        user=_take_user(taking, kept),
        tier=taking.take("service_tier", TEXT),
        top_logprobs=_take_logprobs(taking, kept, logprobs),
        metadata=_take_metadata(taking),
        verbosity=verbosity,
        cache_key=taking.take("prompt_cache_key", TEXT),
    )
    _forget_rendered(kept, request)
    extras = Extras(NAME, taking.rest, str(Form(" ".join(["own", *words]), kept)))
    return msgspec.structs.replace(request, extras=extras)


def _parse_messages(taking: Taking, words: list[str]) -> list[Message]:
    messages: list[Message] = []
    instructions = taking.take(INSTRUCTIONS, TEXT)
    if instructions is not None:
        messages.append(Message("system", (Text(instructions),)))
        words.append(INSTRUCTIONS)
    text = taking.take("input", TEXT)
    if text is not None:
        words.append(STRING)
        return [*messages, Message("user", (Text(text),))]
    raw = taking.rest.pop("input", None)
    if raw is not None and bytes(raw)[:1] not in (b"[", b"n"):
        raise InvalidRequest("`input` has to be a text, or an array of items.", param="input")
    return [*messages, *parse_items(read_items(raw))]


def _take_true(taking: Taking, name: str) -> bool:
    raw = taking.rest.get(name)
    if raw is None or bytes(raw) != b"true":
        return False
    del taking.rest[name]
    return True


def _take_user(taking: Taking, kept: Fields) -> str | None:
    """`user`, or else the identifier that is to replace it."""
    user = taking.take("user", TEXT)
    if user is None and taking.rest.get("safety_identifier") is not None:
        raw = taking.rest["safety_identifier"]
        user = taking.take("safety_identifier", TEXT)
        if user is not None:
            kept["safety_identifier"] = raw
    return user


def _take_logprobs(taking: Taking, kept: Fields, wanted: bool) -> int | None:
    """How many alternatives: asked for by `include`, or by their number alone."""
    raw = taking.rest.get("top_logprobs")
    count = taking.take("top_logprobs", INTEGER)
    if raw is not None and count is not None:
        kept["top_logprobs"] = raw
    return (count or 0) if wanted else count or None


def _take_metadata(taking: Taking) -> dict[str, str] | None:
    found = taking.take("metadata", _METADATA)
    if found == {}:
        taking.rest["metadata"] = msgspec.Raw(b"{}")
        return None
    return found


def _forget_rendered(kept: Fields, request: ChatRequest) -> None:
    """Drops what would be rendered just so without being kept."""
    made = {
        "reasoning": render_reasoning_setting(request.effort, request.show_thinking),
        "text": render_text(request.response_format, request.verbosity),
    }
    for name, value in made.items():
        if name in kept and value is not None and _ENCODER.encode(value) == bytes(kept[name]):
            del kept[name]


def render_request(request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
    """The body for a target. Raises Unrepresentable, unless `loss` takes content too."""
    own = is_own(request.extras)
    form = read_form(request.extras)
    words = form.words.split()
    out: Json = {"model": request.model}
    first = 0
    if INSTRUCTIONS in words:
        [text] = request.messages[0].parts
        out[INSTRUCTIONS] = text.text if isinstance(text, Text) else ""
        first = 1
    items = render_messages(request.messages, first, loss)
    if STRING in words:
        [message] = request.messages[first:]
        out["input"] = next((part.text for part in message.parts if isinstance(part, Text)), "")
    elif items or not own:
        out["input"] = items
    if request.tools:
        out["tools"] = render_tools(request.tools, loss, own=own)
    reasoning = render_reasoning_setting(effort_of(request), request.show_thinking)
    put(
        out,
        tool_choice=render_choice(request.tool_choice, custom_names(request.tools)),
        parallel_tool_calls=request.parallel_tool_calls,
        reasoning=reasoning,
        text=render_text(request.response_format, request.verbosity),
        temperature=request.sampling.temperature,
        top_p=request.sampling.top_p,
        max_output_tokens=request.max_output,
        stream=request.stream or None,
        service_tier=request.tier,
        metadata=request.metadata,
        prompt_cache_key=request.cache_key,
    )
    if "safety_identifier" not in form.kept:
        put(out, user=request.user)
    if not own:
        _put_defaults(out, request, reasoning, loss)
    out.update(form.kept)
    for name, raw in request.extras.fields.items() if own and request.extras is not None else ():
        if own_name(name):
            out.setdefault(name, raw)
    _name_unsayable(request, loss)
    for name in quirks.drop:
        if out.pop(name, None) is not None:
            loss.setting(name)
    return _ENCODER.encode(out)


def _put_defaults(out: Json, request: ChatRequest, reasoning: Json | None, loss: Loss) -> None:
    """Nothing is to be kept at the provider, where the client's own format would not either. So reasoning is asked for
    in the form that can come back; only where it is asked for at all, since models that do not reason refuse that."""
    out["store"] = False
    include: list[str] = []
    if reasoning is not None and reasoning.get("effort") != "none":
        include.append(ENCRYPTED)
    if request.top_logprobs is not None:
        out["top_logprobs"] = request.top_logprobs
        include.append(LOGPROBS)
    if include:
        out["include"] = include
    if request.max_output is not None and request.max_output < _LEAST_OUTPUT:
        loss.setting("max_output")
        out["max_output_tokens"] = _LEAST_OUTPUT


def _name_unsayable(request: ChatRequest, loss: Loss) -> None:
    sampling = request.sampling
    unsayable = {
        "top_k": sampling.top_k is not None,
        "frequency_penalty": bool(sampling.frequency_penalty),
        "presence_penalty": bool(sampling.presence_penalty),
        "seed": sampling.seed is not None,
        "stop": bool(sampling.stop),
        "choices": request.choices != 1,
        "modalities": bool(request.modalities) and request.modalities != ("text",),
    }
    for name, asked in unsayable.items():
        if asked:
            loss.setting(name)
