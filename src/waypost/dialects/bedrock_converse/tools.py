"""`toolConfig`: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
(2026-11-25)."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Opaque, Tool, ToolCall, ToolChoice, ToolResult
from waypost.dialects import naming
from waypost.dialects.bedrock_converse.own import NAME, Taking, is_own, with_extras
from waypost.dialects.bedrock_converse.parts import cache_hint, cache_point
from waypost.dialects.claude import narrow_schema
from waypost.dialects.fields import Fields
from waypost.dialects.taking import FLAG, TEXT, Json, object_or_none, put

_SLOT: Final = "tools"
_MODES: Final = {"auto": "auto", "any": "required"}
_ANYTHING: Final = msgspec.Raw(b'{"type":"object","properties":{}}')


def parse_tools(config: Taking) -> tuple[Tool | Opaque, ...]:
    """A cache point belongs to the tool before it."""
    found: list[Tool | Opaque] = []
    for item in config.take_items("tools"):
        fields = object_or_none(item) or {}
        hint = cache_hint(object_or_none(fields.get("cachePoint"))) if len(fields) == 1 else None
        last = found[-1] if found else None
        if hint is not None and isinstance(last, Tool) and last.cache is None:
            found[-1] = msgspec.structs.replace(last, cache=hint)
        else:
            found.append(_parse_tool(fields) or Opaque(NAME, item, _SLOT))
    return tuple(found)


def _parse_tool(fields: Fields) -> Tool | None:
    inner = object_or_none(fields.get("toolSpec"))
    if inner is None or len(fields) != 1:
        return None
    taking = Taking(inner)
    name, schema = taking.take("name", TEXT), object_or_none(taking.rest.get("inputSchema"))
    if name is None or schema is None or schema.keys() != {"json"}:
        return None
    del taking.rest["inputSchema"]
    return Tool(
        name, taking.take("description", TEXT), schema["json"], taking.take("strict", FLAG), taking.extras()
    )


def parse_choice(config: Taking) -> ToolChoice | None:
    """`auto`, `any` or one tool by its name; anything else stays where it is."""
    fields = object_or_none(config.rest.get("toolChoice"))
    if fields is None or len(fields) != 1:
        return None
    [(kind, value)] = fields.items()
    inner = Taking(object_or_none(value) or {})
    choice: ToolChoice | None = None
    if kind == "tool":
        name = inner.take("name", TEXT)
        choice = ToolChoice("one", name) if name is not None and not inner.rest else None
    elif kind in _MODES and not inner.rest:
        choice = ToolChoice("auto" if kind == "auto" else "required")
    if choice is not None:
        del config.rest["toolChoice"]
    return choice


def render_tools(request: ChatRequest, loss: Loss) -> Json:
    """`toolConfig`, empty where there are no tools to name. Raises Unrepresentable."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "none" and request.tools and not _uses_tools(request):
        return {}  # Converse can not forbid tools; a model that is shown none calls none
    tools: list[Json | msgspec.Raw] = []
    for number, tool in enumerate(request.tools):
        if isinstance(tool, Tool):
            own = is_own(request.extras)
            if not own and not naming.BEDROCK.takes(tool.name, f"tools[{number}]", loss):
                continue
            tools.append(_render_tool(tool, own=own))
            if tool.cache is not None:
                tools.append(cache_point(tool.cache))
        elif tool.dialect == NAME:
            tools.append(tool.data)
        else:
            where = f"tools[{number}]"
            loss.content(
                where,
                f"{where} is built into another provider, and Bedrock Converse has no form for it. Leave it out.",
            )
    if not request.tools and not is_own(request.extras):
        tools.extend(_render_tool(Tool(name), own=False) for name in _called(request))
    out: Json = {"tools": tools} if tools else {}
    if choice is not None and choice.mode != "none" and tools:
        out["toolChoice"] = _render_choice(choice)
    elif choice is not None and (choice.mode not in ("auto", "none") or (choice.mode == "none" and tools)):
        loss.setting("tool_choice")
    return out


def _uses_tools(request: ChatRequest) -> bool:
    """Converse wants the tools named as long as the messages hold calls or results."""
    return any(
        isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts
    )


def _called(request: ChatRequest) -> dict[str, None]:
    """Tools that were called before, of a client that names none any more, as the calls of them are named here."""
    parts = (part for message in request.messages for part in message.parts)
    return {naming.BEDROCK.mended(part.name): None for part in parts if isinstance(part, ToolCall)}


def _render_tool(tool: Tool, *, own: bool) -> Json:
    parameters = tool.parameters
    if parameters is not None and tool.strict and not own:
        parameters = narrow_schema(parameters)
    spec: Json = {"name": tool.name, "inputSchema": {"json": parameters or _ANYTHING}}
    put(spec, description=tool.description or None, strict=tool.strict)
    return {"toolSpec": with_extras(spec, tool.extras)}


def _render_choice(choice: ToolChoice) -> Json:
    if choice.mode == "one":
        return {"tool": {"name": choice.name}}
    return {"any": {}} if choice.mode == "required" else {"auto": {}}
