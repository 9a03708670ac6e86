"""Tools, the choice among them, and the shape of the answer, both ways: what a request says beside its messages."""

from __future__ import annotations

import msgspec

from waypost.core.request import Opaque, ResponseFormat, Tool, ToolChoice
from waypost.dialects.fields import Fields
from waypost.dialects.openai_chat.own import NAME, Saying, Taking, with_extras
from waypost.dialects.openai_chat.parts import hint
from waypost.dialects.openai_chat.plain import parse_tools
from waypost.dialects.taking import FLAG, ITEMS, RAW, TEXT, Json, object_or_none, put, text_or_none

#: The ways before `tools` and `tool_choice`: https://platform.openai.com/docs/api-reference/chat/create (2026-11-25).
OLD_TOOLS, OLD_CHOICE = "functions", "function_call"
#: OpenAI wants a name for a schema; other dialects have none.
_SCHEMA_NAME = "response"


def take_tools(taking: Taking, forms: list[str]) -> tuple[Tool | Opaque, ...]:
    """`tools`, or `functions` where there are no tools."""
    plain = parse_tools(taking.rest["tools"]) if "tools" in taking.rest else None
    if plain is not None:
        del taking.rest["tools"]
        return plain
    items = taking.take_items("tools")
    if items:
        return tuple(_parse_tool(item) for item in items)
    raw = taking.rest.get(OLD_TOOLS)
    try:
        items = ITEMS.decode(raw) if raw is not None else []
    except ValueError:
        items = []
    old = [_parse_function(object_or_none(item)) for item in items]
    found = tuple(tool for tool in old if tool is not None)
    if not found or len(found) != len(items):
        return ()
    del taking.rest[OLD_TOOLS]
    forms.append(OLD_TOOLS)
    return found


def _parse_tool(raw: msgspec.Raw) -> Tool | Opaque:
    fields = object_or_none(raw)
    if fields is not None:
        outer = Taking(fields)
        cache = outer.take_cache()
        function = outer.take_object("function")
        if outer.take_constant("type", "function") and not outer.rest:
            tool = _parse_function(function)
            if tool is not None:
                return tool if cache is None else msgspec.structs.replace(tool, cache=cache)
    return Opaque(NAME, raw, "tools")


def _parse_function(fields: Fields | None) -> Tool | None:
    inner = Taking(fields or {})
    name = inner.take("name", TEXT)
    if name is None:
        return None
    return Tool(
        name,
        inner.take("description", TEXT),
        inner.take("parameters", RAW),
        inner.take("strict", FLAG),
        inner.extras(),
    )


def put_tools(out: Json, tools: tuple[Tool | Opaque, ...], old: bool, say: Saying) -> None:
    """Raises Unrepresentable, naming the tool."""
    shown: list[Json | msgspec.Raw] = []
    for number, tool in enumerate(tools):
        if isinstance(tool, Tool):
            function = _function(tool)
            if old:
                shown.append(function)
                continue
            outer: Json = {"type": "function", "function": function}
            hint(outer, tool.cache, say)
            shown.append(outer)
        elif tool.dialect == NAME:
            shown.append(tool.data)
        else:
            say.loss.content(
                f"tools[{number}]",
                f"tools[{number}] is built into another provider, and the target has no form for it. Leave it out.",
            )
    if shown:
        out[OLD_TOOLS if old else "tools"] = shown


def _function(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    put(function, description=tool.description, parameters=tool.parameters, strict=tool.strict)
    return with_extras(function, tool.extras)


def take_choice(taking: Taking, forms: list[str]) -> ToolChoice | None:
    """`tool_choice`, or `function_call` where there is none."""
    raw = taking.rest.get("tool_choice")
    if raw is None:
        return _take_old_choice(taking, forms)
    choice: ToolChoice | None = None
    match text_or_none(raw):
        case ("auto" | "none" | "required") as mode:
            choice = ToolChoice(mode)
        case _:
            outer = Taking(object_or_none(raw) or {})
            inner = Taking(outer.take_object("function") or {})
            name = inner.take("name", TEXT)
            if (
                outer.take_constant("type", "function")
                and name is not None
                and not (inner.rest or outer.rest)
            ):
                choice = ToolChoice("one", name)
    if choice is not None:
        del taking.rest["tool_choice"]
    return choice


def _take_old_choice(taking: Taking, forms: list[str]) -> ToolChoice | None:
    raw = taking.rest.get(OLD_CHOICE)
    if raw is None:
        return None
    choice: ToolChoice | None = None
    match text_or_none(raw):
        case ("auto" | "none") as mode:
            choice = ToolChoice(mode)
        case _:
            inner = Taking(object_or_none(raw) or {})
            name = inner.take("name", TEXT)
            if name is not None and not inner.rest:
                choice = ToolChoice("one", name)
    if choice is not None:
        del taking.rest[OLD_CHOICE]
        forms.append(OLD_CHOICE)
    return choice


def put_choice(out: Json, choice: ToolChoice | None, old: bool) -> None:
    """`old`: as `function_call`."""
    if choice is None:
        return
    if choice.mode != "one":
        out[OLD_CHOICE if old else "tool_choice"] = choice.mode
    elif old:
        out[OLD_CHOICE] = {"name": choice.name}
    else:
        out["tool_choice"] = {"type": "function", "function": {"name": choice.name}}


def take_format(taking: Taking) -> ResponseFormat | None:
    """`response_format` of the three kinds that the core knows."""
    outer = Taking(object_or_none(taking.rest.get("response_format")) or {})
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
                inner.take("schema", RAW),
                inner.take("strict", FLAG),
                inner.extras(),
            )
    if found is not None:
        del taking.rest["response_format"]
    return found


def put_format(out: Json, wanted: ResponseFormat | None) -> None:
    """The answer's shape, where one is wanted."""
    if wanted is None:
        return
    if wanted.kind != "json_schema":
        out["response_format"] = {"type": wanted.kind}
        return
    inner: Json = {"name": wanted.name or _SCHEMA_NAME}
    put(inner, description=wanted.description, schema=wanted.schema, strict=wanted.strict)
    out["response_format"] = {"type": "json_schema", "json_schema": with_extras(inner, wanted.extras)}
