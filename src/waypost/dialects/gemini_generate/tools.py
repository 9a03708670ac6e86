"""Functions, built-in tools, and which of them has to be called.

https://ai.google.dev/api/caching#Tool, #FunctionCallingConfig and
https://ai.google.dev/gemini-api/docs/function-calling (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from waypost.core.request import ChatRequest, Opaque, Tool, ToolChoice
from waypost.dialects import naming
from waypost.dialects.gemini_generate.own import NAME, Taking, keep, own_words, with_extras
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.gemini_generate.schema import GOOGLE, from_json_schema, to_json_schema
from waypost.dialects.taking import RAW, TEXT, TEXTS, Json, object_or_none, object_raw

#: Where an `Opaque` belongs, and the mark of a function that begins another element of `tools`.
TOOLS, _NEXT = "tools", "next"
_DECLARED = "functionDeclarations"
_MODES: Mapping[str, Literal["auto", "none", "required"]] = MappingProxyType(
    {"AUTO": "auto", "NONE": "none", "ANY": "required", "VALIDATED": "auto"}
)
#: Modes in which arguments are held to their schema.
_HELD = ("ANY", "VALIDATED")
_WORDS = MappingProxyType({"auto": "AUTO", "none": "NONE", "required": "ANY", "one": "ANY"})


def take_tools(taking: Taking) -> tuple[Tool | Opaque, ...]:
    """Each function by itself; every built-in tool is `Opaque`."""
    tools: list[Tool | Opaque] = []
    for item in taking.take_items("tools"):
        fields = object_or_none(item)
        element = Taking(fields or {})
        declared = element.take_items(_DECLARED)
        for number, declaration in enumerate(declared):
            mark = _NEXT if not number and any(isinstance(tool, Tool) for tool in tools) else ""
            tools.append(_parse_function(declaration, mark))
        if fields is None or element.rest or not declared:
            tools.append(Opaque(NAME, item if not declared else object_raw(element.rest), TOOLS))
    return tuple(tools)


def _parse_function(raw: msgspec.Raw, mark: str) -> Tool | Opaque:
    taking = Taking(object_or_none(raw) or {})
    name = taking.take("name", TEXT)
    if name is None:
        return Opaque(NAME, object_raw({_DECLARED: msgspec.Raw(b"[%b]" % bytes(raw))}), TOOLS)
    description = taking.take("description", TEXT)
    parameters, marks = taking.take("parametersJsonSchema", RAW), ""
    if parameters is None:
        own = taking.rest.get("parameters")
        found = None if own is None else to_json_schema(own)
        if found is not None:
            parameters, marks = found
            del taking.rest["parameters"]
    return Tool(name, description, parameters, extras=keep(taking, mark, marks))


def render_tools(request: ChatRequest, rendering: Rendering) -> list[Json | msgspec.Raw]:
    """Functions together in one element, built-in tools each in its own."""
    held = _mode(request, rendering) in _HELD
    out: list[Json | msgspec.Raw] = []
    functions: list[Json] | None = None
    for number, tool in enumerate(request.tools):
        where = f"tools[{number}]"
        if isinstance(tool, Tool):
            if not rendering.native and not naming.GOOGLE.takes(tool.name, where, rendering.loss):
                continue
            if functions is None or _NEXT in own_words(tool.extras):
                functions = []
                out.append({_DECLARED: functions})
            functions.append(_render_function(tool, where, rendering, held=held))
        elif tool.dialect == NAME:
            out.append(tool.data)
        else:
            rendering.loss.content(
                where, f"{where} is built into another provider, and Google has no form for it. Leave it out."
            )
    return out


def _render_function(tool: Tool, where: str, rendering: Rendering, *, held: bool) -> Json:
    words = own_words(tool.extras)
    out: Json = {"name": tool.name}
    if tool.description is not None:
        out["description"] = tool.description
    if tool.parameters is not None and GOOGLE in words:
        out["parameters"] = from_json_schema(tool.parameters, words)
    elif tool.parameters is not None:
        out["parametersJsonSchema"] = tool.parameters
    if tool.strict and not held:
        rendering.loss.setting(f"{where}.strict")
    if tool.cache is not None:
        rendering.loss.setting("cache_control")
    return with_extras(out, tool.extras)


def _mode(request: ChatRequest, rendering: Rendering) -> str | None:
    """VALIDATED, where the model knows it, for functions that another dialect calls strict: arguments are held to their
    schema, and no call is forced."""
    mode = None if request.tool_choice is None else _WORDS[request.tool_choice.mode]
    functions = [tool for tool in request.tools if isinstance(tool, Tool)]
    if mode not in (None, "AUTO") or not functions or not all(tool.strict for tool in functions):
        return mode
    known = rendering.traits.modern or rendering.traits.budget is not None
    return "VALIDATED" if known else mode


def take_choice(taking: Taking) -> ToolChoice | None:
    """What the core can say of `toolConfig`, which stays among the extras if there is more in it."""
    config = Taking(object_or_none(taking.rest.get("toolConfig")) or {})
    calling = Taking(config.take_object("functionCallingConfig") or {})
    word = calling.take("mode", TEXT) or ""
    mode = _MODES.get(word)
    if mode is None:
        return None
    names = calling.take("allowedFunctionNames", TEXTS) or []
    choice = ToolChoice("one", names[0]) if mode == "required" and len(names) == 1 else ToolChoice(mode)
    whole = not names or choice.mode == "one"
    if whole and word != "VALIDATED" and not calling.rest and not config.rest:
        del taking.rest["toolConfig"]
    return choice


def render_choice(request: ChatRequest, rendering: Rendering) -> Json | None:
    """The `toolConfig`."""
    choice, mode = request.tool_choice, _mode(request, rendering)
    if mode is None:
        return None
    calling: Json = {"mode": mode}
    if choice is not None and choice.name is not None:
        calling["allowedFunctionNames"] = [choice.name]
    return {"functionCallingConfig": calling}
