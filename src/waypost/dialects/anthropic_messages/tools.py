"""Tools and the choice of one: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview (2026-11-25)."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Opaque, Tool, ToolChoice
from waypost.dialects import naming
from waypost.dialects.anthropic_messages.own import NAME, Taking, own_form, with_extras
from waypost.dialects.anthropic_messages.plain import CUSTOM, parse_tools
from waypost.dialects.claude import narrow_schema
from waypost.dialects.taking import FLAG, RAW, TEXT, Json, object_or_none, put, put_cache

_TOOLS = "tools"
_SERVERS = "mcp_servers"
_MODES: dict[str, Literal["auto", "required", "one", "none"]] = {
    "auto": "auto",
    "any": "required",
    "tool": "one",
    "none": "none",
}
_WORDS = {mode: word for word, mode in _MODES.items()}
#: A tool without parameters: Anthropic wants the schema all the same.
_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


def take_tools(taking: Taking) -> tuple[Tool | Opaque, ...]:
    """Functions, and as `Opaque` the tools that Anthropic runs or defines itself, MCP servers among them."""
    plain = parse_tools(taking.rest[_TOOLS]) if _TOOLS in taking.rest else None
    if plain is not None:
        del taking.rest[_TOOLS]
        if _SERVERS not in taking.rest:
            return plain
    tools: list[Tool | Opaque] = [*(plain or ()), *[_parse_tool(item) for item in taking.take_items(_TOOLS)]]
    tools.extend(Opaque(NAME, item, _SERVERS) for item in taking.take_items(_SERVERS))
    return tuple(tools)


def _parse_tool(raw: msgspec.Raw) -> Tool | Opaque:
    taking = Taking(object_or_none(raw) or {})
    form = CUSTOM if taking.take_constant("type", CUSTOM) else ""
    name = taking.take("name", TEXT)
    if name is None or bytes(taking.rest.pop("type", msgspec.Raw(b"null"))) != b"null":
        return Opaque(NAME, raw, _TOOLS)
    return Tool(
        name,
        taking.take("description", TEXT),
        taking.take("input_schema", RAW),
        taking.take("strict", FLAG),
        cache=taking.take_cache(),
        extras=taking.extras(form),
    )


def render_tools(
    tools: tuple[Tool | Opaque, ...], loss: Loss, *, own: bool = False
) -> dict[str, list[Json | msgspec.Raw]]:
    """By field. Raises Unrepresentable for a tool that is built into another provider, or has a name that Anthropic
    refuses. `own`: the request came in this dialect."""
    out: dict[str, list[Json | msgspec.Raw]] = {}
    for number, tool in enumerate(tools):
        if isinstance(tool, Tool):
            if own or naming.CLAUDE.takes(tool.name, f"tools[{number}]", loss):
                out.setdefault(_TOOLS, []).append(_render_tool(tool, own=own))
        elif tool.dialect == NAME:
            out.setdefault(tool.slot or _TOOLS, []).append(tool.data)
        else:
            loss.content(
                f"tools[{number}]",
                f"tools[{number}] is built into another provider, and Anthropic's format has no form for it. Leave "
                "it out, or choose another model.",
            )
    return out


def _render_tool(tool: Tool, *, own: bool) -> Json:
    out: Json = {"name": tool.name}
    if own_form(tool.extras) == CUSTOM:
        out["type"] = CUSTOM
    parameters = _NO_PARAMETERS if tool.parameters is None else tool.parameters
    if not own:
        parameters = _as_object(parameters, strict=bool(tool.strict))
    put(out, description=tool.description, input_schema=parameters, strict=tool.strict)
    put_cache(out, tool.cache)
    return with_extras(out, tool.extras)


def _as_object(parameters: msgspec.Raw | Json, *, strict: bool) -> msgspec.Raw | Json:
    """A schema of another dialect: Anthropic wants its type said, and of a strict tool the part its grammars know."""
    if not isinstance(parameters, msgspec.Raw):
        return {**parameters, "additionalProperties": False} if strict else parameters
    fields = object_or_none(parameters)
    if fields is not None and "type" not in fields:
        parameters = msgspec.Raw(msgspec.json.encode({"type": "object", **fields}))
    return narrow_schema(parameters) if strict else parameters


def take_choice(taking: Taking) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several calls at once are wanted. One with fields that are not known stays."""
    fields = object_or_none(taking.rest.get("tool_choice"))
    if not fields:
        return None, None
    inner = Taking(fields)
    mode = _MODES.get(inner.take("type", TEXT) or "")
    name = inner.take("name", TEXT)
    single = inner.take("disable_parallel_tool_use", FLAG)
    if mode is None or inner.rest or (mode == "one") != (name is not None):
        return None, None
    del taking.rest["tool_choice"]
    return ToolChoice(mode, name), None if single is None or mode == "none" else not single


def render_choice(choice: ToolChoice | None, parallel: bool | None) -> Json | None:
    """`parallel` has its place in the choice; with the default choice it makes one."""
    if choice is None and parallel is not False:
        return None
    mode = "auto" if choice is None else choice.mode
    out: Json = {"type": _WORDS[mode]}
    put(out, name=None if choice is None else choice.name)
    if parallel is not None and mode != "none":
        out["disable_parallel_tool_use"] = not parallel
    return out
