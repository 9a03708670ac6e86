"""A chat request to and from the core: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import (
    ChatRequest,
    Effort,
    Message,
    Opaque,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from waypost.dialects.fields import Fields, parse_body
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai_chat.messages import parse_message, render_message
from waypost.dialects.openai_chat.own import NAME, Taking, own_form, with_extras
from waypost.dialects.taking import FLAG, INTEGER, ITEMS, NUMBER, TEXT, Json, object_or_none, text_or_none
from waypost.errors import InvalidRequest, Unrepresentable

_EFFORT: msgspec.json.Decoder[Effort] = msgspec.json.Decoder(Effort)
_TEXTS: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])
_RAW = msgspec.json.Decoder(msgspec.Raw)
_STOP_TEXT = "stop_text"
_OLD_LIMIT = "max_tokens"
_NEW_LIMIT = "max_completion_tokens"
_ENCODER = msgspec.json.Encoder()
_PLAIN = Quirks()


def parse_request(body: bytes) -> ChatRequest:
    """Raises TooLarge, and as `parse_fields`."""
    return parse_fields(parse_body(body))


def parse_fields(fields: Fields) -> ChatRequest:
    """Raises InvalidRequest, and Unrepresentable for a message of a role the core does not know."""
    taking = Taking(fields)
    model = read_model(taking.rest)
    del taking.rest["model"]
    messages = _parse_messages(taking)
    forms: list[str] = []
    stop = _take_stop(taking, forms)
    stream = _take_true(taking, "stream")
    sampling = Sampling(
        temperature=taking.take("temperature", NUMBER),
        top_p=taking.take("top_p", NUMBER),
        top_k=taking.take("top_k", INTEGER),
        frequency_penalty=taking.take("frequency_penalty", NUMBER),
        presence_penalty=taking.take("presence_penalty", NUMBER),
        seed=taking.take("seed", INTEGER),
        stop=stop,
    )
    return ChatRequest(
        model=model,
        messages=messages,
        tools=_take_tools(taking),
        tool_choice=_take_choice(taking),
        parallel_tool_calls=taking.take("parallel_tool_calls", FLAG),
        response_format=_take_format(taking),
        sampling=sampling,
        max_output=_take_limit(taking, forms),
        effort=taking.take("reasoning_effort", _EFFORT),
        choices=_take_choices(taking),
        stream=stream,
        wants_usage=_take_wants_usage(taking),
        user=taking.take("user", TEXT),
        extras=taking.extras(" ".join(forms)),
    )


def _parse_messages(taking: Taking) -> tuple[Message, ...]:
    items = taking.take("messages", ITEMS)
    if not items:
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")
    return tuple(parse_message(item, f"messages[{number}]") for number, item in enumerate(items))


def _take_true(taking: Taking, name: str) -> bool:
    raw = taking.rest.get(name)
    if raw is None or bytes(raw) != b"true":
        return False
    del taking.rest[name]
    return True


def _take_stop(taking: Taking, forms: list[str]) -> tuple[str, ...]:
    single = taking.take("stop", TEXT)
    if single is not None:
        forms.append(_STOP_TEXT)
        return (single,)
    raw = taking.rest.get("stop")
    if raw is None or not bytes(raw).strip(b"[] \t\r\n"):
        return ()
    texts = taking.take("stop", _TEXTS)
    return tuple(texts) if texts else ()


def _take_limit(taking: Taking, forms: list[str]) -> int | None:
    limit = taking.take(_NEW_LIMIT, INTEGER)
    if limit is None:
        limit = taking.take(_OLD_LIMIT, INTEGER)
        if limit is not None:
            forms.append(_OLD_LIMIT)
    return limit


def _take_choices(taking: Taking) -> int:
    raw = taking.rest.get("n")
    if raw is None or bytes(raw) == b"1":  # written out, it stays among the extras and is rendered from there
        return 1
    count = taking.take("n", INTEGER)
    return 1 if count is None else count


def _take_wants_usage(taking: Taking) -> bool:
    raw = taking.rest.get("stream_options")
    options = object_or_none(raw) if raw is not None else None
    if not options or bytes(options.get("include_usage", msgspec.Raw(b""))) != b"true":
        return False
    if len(options) == 1:
        del taking.rest["stream_options"]
    return True


def _take_tools(taking: Taking) -> tuple[Tool | Opaque, ...]:
    raw = taking.rest.get("tools")
    try:
        items = ITEMS.decode(raw) if raw is not None else []
    except ValueError:
        items = []
    if items:
        del taking.rest["tools"]
    return tuple(_parse_tool(item) for item in items)


def _parse_tool(raw: msgspec.Raw) -> Tool | Opaque:
    fields = object_or_none(raw)
    if fields is not None:
        outer = Taking(fields)
        function = outer.take_object("function")
        if outer.take_constant("type", "function") and function is not None and not outer.rest:
            inner = Taking(function)
            name = inner.take("name", TEXT)
            if name is not None:
                return Tool(
                    name,
                    inner.take("description", TEXT),
                    inner.take("parameters", _RAW),
                    inner.take("strict", FLAG),
                    inner.extras(),
                )
    return Opaque(NAME, raw, "tools")


def _take_choice(taking: Taking) -> ToolChoice | None:
    raw = taking.rest.get("tool_choice")
    if raw is None:
        return None
    choice: ToolChoice | None = None
    match text_or_none(raw):
        case ("auto" | "none" | "required") as mode:
            choice = ToolChoice(mode)
        case _:
            fields = object_or_none(raw) or {}
            outer = Taking(fields)
            inner = Taking(outer.take_object("function") or {})
            name = inner.take("name", TEXT)
            if (
                outer.take_constant("type", "function")
                and name is not None
                and not inner.rest
                and not outer.rest
            ):
                choice = ToolChoice("one", name)
    if choice is not None:
        del taking.rest["tool_choice"]
    return choice


def _take_format(taking: Taking) -> ResponseFormat | None:
    raw = taking.rest.get("response_format")
    outer = Taking((object_or_none(raw) if raw is not None else None) or {})
    kind = outer.take("type", TEXT)
    found: ResponseFormat | None = None
    if kind in ("text", "json_object") and not outer.rest:
        found = ResponseFormat("text" if kind == "text" else "json_object")
    elif kind == "json_schema":
        fields = outer.take_object("json_schema")
        if fields is not None and not outer.rest:
            inner = Taking(fields)
            found = ResponseFormat(
                "json_schema",
                inner.take("name", TEXT),
                inner.take("description", TEXT),
                inner.take("schema", _RAW),
                inner.take("strict", FLAG),
                inner.extras(),
            )
    if found is not None:
        del taking.rest["response_format"]
    return found


def render_request(request: ChatRequest, quirks: Quirks = _PLAIN, loss: Loss | None = None) -> bytes:
    """Raises Unrepresentable, naming the part. Fields that only other dialects have are left out."""
    forms = own_form(request.extras).split()
    sampling = request.sampling
    out: Json = {
        "model": request.model,
        "messages": [
            render_message(message, f"messages[{number}]") for number, message in enumerate(request.messages)
        ],
    }
    if request.tools:
        out["tools"] = [_render_tool(tool, f"tools[{number}]") for number, tool in enumerate(request.tools)]
    optional: Json = {
        "tool_choice": _render_choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _render_format(request.response_format),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stop": (sampling.stop[0] if _STOP_TEXT in forms else sampling.stop) if sampling.stop else None,
        _OLD_LIMIT if _OLD_LIMIT in forms else _NEW_LIMIT: request.max_output,
        "reasoning_effort": request.effort,
        "n": request.choices if request.choices != 1 else None,
        "stream": request.stream or None,
        "user": request.user,
    }
    out.update({name: value for name, value in optional.items() if value is not None})
    with_extras(out, request.extras)
    for name in quirks.drop:
        if out.pop(name, None) is not None and loss is not None:
            loss.setting(name)
    if request.wants_usage:
        out.setdefault("stream_options", {"include_usage": True})
    return _ENCODER.encode(out)


def _render_tool(tool: Tool | Opaque, where: str) -> Json | msgspec.Raw:
    if isinstance(tool, Opaque):
        if tool.dialect == NAME:
            return tool.data
        raise Unrepresentable(
            f"{where} is built into another provider, and the target has no form for it. Leave it out.",
            param=where,
        )
    function: Json = {"name": tool.name}
    optional = {"description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    function.update({name: value for name, value in optional.items() if value is not None})
    return {"type": "function", "function": with_extras(function, tool.extras)}


def _render_choice(choice: ToolChoice | None) -> object:
    if choice is None:
        return None
    return choice.mode if choice.mode != "one" else {"type": "function", "function": {"name": choice.name}}


def _render_format(wanted: ResponseFormat | None) -> object:
    if wanted is None:
        return None
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    optional = {
        "name": wanted.name,
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    inner: Json = {name: value for name, value in optional.items() if value is not None}
    return {"type": "json_schema", "json_schema": with_extras(inner, wanted.extras)}
