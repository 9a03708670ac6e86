"""Tools and the choice among them: https://platform.openai.com/docs/api-reference/responses/create (2026-11-25).

A custom tool takes free text. In other dialects a function with one text argument, `input`, stands for it, and its
calls come back as calls of the custom tool. `allowed_tools` narrows the tools without changing them, for the sake of
the cache: other dialects are given those tools alone, which asks for the same.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Opaque, Tool, ToolChoice
from waypost.dialects import naming
from waypost.dialects.fields import Fields
from waypost.dialects.openai_responses.output import CUSTOM
from waypost.dialects.openai_responses.own import NAME, Form, Taking, is_own, keep, read_form, with_extras
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.taking import FLAG, RAW, TEXT, Json, object_or_none, put, text_or_none

TOOLS = "tools"
#: What a function that stands for a custom tool takes.
CUSTOM_PARAMETERS = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
_MODE: msgspec.json.Decoder[Literal["auto", "none", "required"]] = msgspec.json.Decoder(
    Literal["auto", "none", "required"]
)
#: Fields that tell one tool from another in `allowed_tools`.
_IDENTITY = ("type", "name", "server_label")


def take_tools(taking: Taking) -> tuple[Tool | Opaque, ...]:
    """The tools; an empty array stays."""
    return tuple(_parse_tool(item) for item in taking.take_items(TOOLS))


def _parse_tool(raw: msgspec.Raw) -> Tool | Opaque:
    taking = Taking(object_or_none(raw) or {})
    kind, name = taking.take("type", TEXT), taking.take("name", TEXT)
    if name is not None and kind == "function":
        return Tool(
            name,
            taking.take("description", TEXT),
            taking.take("parameters", RAW),
            taking.take("strict", FLAG),
            # Left out here, `strict` is not what it is where other dialects leave it out.
            taking.extras(str(Form("function"))),
        )
    if name is not None and kind == "custom":
        return Tool(
            name, taking.take("description", TEXT), CUSTOM_PARAMETERS, None, taking.extras(str(Form(CUSTOM)))
        )
    return Opaque(NAME, raw, TOOLS)


def take_choice(taking: Taking, tools: tuple[Tool | Opaque, ...]) -> ToolChoice | None:
    """The choice; a form that the core has no word for stays."""
    raw = taking.rest.get("tool_choice")
    if raw is None:
        return None
    choice: ToolChoice | None = None
    mode = taking.take("tool_choice", _MODE)
    if mode is not None:
        return ToolChoice(mode)
    if text_or_none(raw) is None:
        outer = Taking(object_or_none(raw) or {})
        kind, name = outer.take("type", TEXT), outer.take("name", TEXT)
        # The core's choice is a name alone: which kind is meant is written again by the name.
        known = kind == ("custom" if name in custom_names(tools) else "function")
        if known and name is not None and not outer.rest:
            choice = ToolChoice("one", name)
    if choice is not None:
        del taking.rest["tool_choice"]
    return choice


def take_allowed(taking: Taking) -> Fields:
    """Narrows `tools` to those that are allowed; what was narrowed is returned as it came."""
    outer = Taking(object_or_none(taking.rest.get("tool_choice")) or {})
    if not outer.take_constant("type", "allowed_tools") or TOOLS not in taking.rest:
        return {}
    mode = outer.take("mode", TEXT)
    allowed = {_identity(item) for item in read_items(outer.rest.pop(TOOLS, None))}
    if mode not in ("auto", "required") or outer.rest or not allowed:
        return {}
    kept = keep(taking, TOOLS, "tool_choice")
    tools = [item for item in read_items(kept[TOOLS]) if _identity(item) in allowed]
    taking.rest[TOOLS] = msgspec.Raw(msgspec.json.encode(tools))
    taking.rest["tool_choice"] = msgspec.Raw(msgspec.json.encode(mode))
    return kept


def _identity(raw: msgspec.Raw) -> tuple[str | None, ...]:
    fields = object_or_none(raw) or {}
    return tuple(text_or_none(fields[name]) if name in fields else None for name in _IDENTITY)


def custom_names(tools: tuple[Tool | Opaque, ...]) -> frozenset[str]:
    """Names of the custom tools."""
    return frozenset(
        tool.name for tool in tools if isinstance(tool, Tool) and read_form(tool.extras).words == CUSTOM
    )


def asked_custom_names(fields: Fields) -> frozenset[str]:
    """Names of the custom tools of a request as it came."""
    raw = fields.get(TOOLS)
    if raw is None or b'"custom"' not in bytes(raw):
        return frozenset()
    return custom_names(tuple(_parse_tool(item) for item in read_items(raw)))


def render_tools(
    tools: tuple[Tool | Opaque, ...], loss: Loss, *, own: bool = False
) -> list[Json | msgspec.Raw]:
    """Tools that only another dialect has, or that have a name OpenAI refuses, are handed to `loss`. `own`: the request
    came in this dialect."""
    items: list[Json | msgspec.Raw] = []
    for number, tool in enumerate(tools):
        where = f"tools[{number}]"
        if isinstance(tool, Tool):
            if not own and not naming.OPENAI.takes(tool.name, where, loss):
                continue
            if tool.cache is not None:
                loss.setting(f"{where}.cache")
            items.append(_render_tool(tool))
        elif tool.dialect == NAME:
            items.append(tool.data)
        else:
            loss.content(
                where,
                f"{where} is built into another provider, and the target has no form for it. Leave it out.",
            )
    return items


def _render_tool(tool: Tool) -> Json:
    if read_form(tool.extras).words == CUSTOM:
        out = put({"type": "custom", "name": tool.name}, description=tool.description)
        return with_extras(out, tool.extras)
    # This format makes a function strict, and its schema with it, where nothing is said; others do not.
    strict = tool.strict if tool.strict is not None or is_own(tool.extras) else False
    out = put(
        {"type": "function", "name": tool.name},
        description=tool.description,
        parameters=tool.parameters,
        strict=strict,
    )
    if tool.parameters is None and not is_own(tool.extras):
        out["parameters"] = None
    return with_extras(out, tool.extras)


def render_choice(choice: ToolChoice | None, custom: frozenset[str]) -> object:
    """None when there is none."""
    if choice is None:
        return None
    if choice.mode != "one":
        return choice.mode
    return {"type": "custom" if choice.name in custom else "function", "name": choice.name}
