"""Anthropic's Messages requests, parsed and checked as strictly as Anthropic does where a gateway could go wrong.

Fields: https://docs.claude.com/en/api/messages and the types of anthropic 2.14.0 (2026-11-25). Unknown fields of the
request are refused, as the API does ("Extra inputs are not permitted"); `simulate` alone is ours.
The order of blocks in a tool loop: https://docs.claude.com/en/docs/build-with-claude/extended-thinking (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.counting import (
    PER_CALL,
    PER_FILE,
    PER_IMAGE,
    PER_MESSAGE,
    PER_TOOL,
    Count,
    object_words,
    words,
)
from waypost.simulator.seals import Seals

Object = dict[str, object]
THINKING, REDACTED = "anthropic thinking", "anthropic redacted"
_LEAST_BUDGET = 1024
_TTLS = {"5m": 300, "1h": 3600}
_MUST_THINK = (
    "Expected `thinking` or `redacted_thinking`, but found `{}`. When `thinking` is enabled, a final `assistant` "
    "message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks)."
)


class _Message(msgspec.Struct):
    role: str
    content: str | list[Object]

    @property
    def blocks(self) -> list[Object]:
        return [{"type": "text", "text": self.content}] if isinstance(self.content, str) else self.content


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[_Message]
    model: str = ""
    anthropic_version: str | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    system: str | list[Object] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Object] | None = None
    tool_choice: Object | None = None
    thinking: Object | None = None
    output_config: Object | None = None
    output_format: Object | None = None
    service_tier: str | None = None
    metadata: Object | None = None
    cache_control: Object | None = None
    billing_policy: object = None
    compaction: object = None
    container: object = None
    context_management: object = None
    diagnostics: object = None
    fallback_credit_token: object = None
    fallbacks: object = None
    inference_geo: str | None = None
    mcp_servers: object = None
    speed: str | None = None
    thread: object = None
    user_profile_id: str | None = None
    workspace_id: str | None = None
    simulate: Object | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def parse_messages(body: bytes, seals: Seals, *, model: str = "", counting: bool = False) -> Ask:
    """A request to answer, or with `counting` one that only wants its tokens counted. Raises Refused.

    With a `model` the request came on Vertex AI's path, which names the model; the body then has `anthropic_version`.
    """
    given = _decoded(body)
    _check_place(given, model)
    _check_limits(given, counting)
    thinks = (given.thinking or {}).get("type") in ("enabled", "adaptive", "between_tools")
    _check_messages(given.messages)
    _check_thinking(given, seals)
    count = _count(given)
    choice = given.tool_choice or {}
    forced = choice.get("type")
    return Ask(
        operation="chat",
        model=model or given.model,
        prompt_tokens=count.tokens,
        stream=given.stream is True,
        wants_usage=True,
        max_output=given.max_tokens,
        last_text=count.last_text,
        tools=tuple(_tools(given.tools or [])),
        tool_choice=_tool_choice(forced, choice.get("name")),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        schema=_schema(given),
        tier="standard",
        stop=tuple(given.stop_sequences or ()),
        think=None if given.thinking is None else thinks,
        shown=_shown(given.thinking),
        audible=False,
        marks=tuple(count.marks),
        simulate=given.simulate or {},
    )


def _invalid(message: str) -> Refused:
    return Refused(400, message)


def _decoded(body: bytes) -> _Request:
    try:
        return _REQUEST.decode(body)
    except msgspec.ValidationError as error:
        text = str(error)
        for told, said in (
            ("missing required field `", "Field required"),
            ("unknown field `", "Extra inputs are not permitted"),
        ):
            if told in text:
                place = text.partition(" - at `$")[2].rstrip("`").lstrip(".")
                place = place.replace("[", ".").replace("]", "")
                field = text.partition(told)[2].partition("`")[0]
                raise _invalid(f"{place + '.' if place else ''}{field}: {said}") from None
        raise _invalid(text) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _invalid("The request body is not valid JSON.") from None


def _check_place(given: _Request, model: str) -> None:
    """Vertex AI's requests name their model in the path and the version in the body, all others the other way."""
    if model:
        if given.anthropic_version is None:
            raise _invalid("anthropic_version: Field required")
        if given.model:
            raise _invalid("model: Extra inputs are not permitted")
    elif given.anthropic_version is not None:
        raise _invalid("anthropic_version: Extra inputs are not permitted")
    elif not given.model:
        raise _invalid("model: Field required")


def _check_limits(given: _Request, counting: bool) -> None:
    if given.max_tokens is None:
        if not counting:
            raise _invalid("max_tokens: Field required")
    elif given.max_tokens < 1:
        raise _invalid("max_tokens: must be greater than or equal to 1")
    if not given.messages:
        raise _invalid("messages: at least one message is required")
    if given.temperature is not None and not 0 <= given.temperature <= 1:
        raise _invalid("temperature: range: 0..1")
    thinking = given.thinking or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or budget < _LEAST_BUDGET:
            raise _invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if given.max_tokens is not None and budget >= given.max_tokens:
            raise _invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
        if (given.tool_choice or {}).get("type") in ("any", "tool"):
            raise _invalid("Thinking may not be enabled when tool_choice forces tool use.")
        if given.temperature not in (None, 1):
            raise _invalid("`temperature` may only be set to 1 when thinking is enabled.")


def _check_messages(messages: list[_Message]) -> None:
    """Roles, empty texts, and that each call has its result in the next message."""
    calls: set[str] = set()
    for place, message in enumerate(messages):
        if message.role not in ("user", "assistant", "system"):
            raise _invalid(f"messages.{place}.role: Input should be 'user' or 'assistant'")
        results: set[str] = set()
        for at, block in enumerate(message.blocks):
            where = f"messages.{place}.content.{at}"
            kind = block.get("type")
            if not isinstance(kind, str):
                raise _invalid(f"{where}.type: Field required")
            if kind == "text" and not block.get("text"):
                raise _invalid("messages: text content blocks must be non-empty")
            if kind == "tool_result":
                given = str(block.get("tool_use_id"))
                if given not in calls:
                    raise _invalid(
                        f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {given}. Each `tool_result` "
                        "block must have a corresponding `tool_use` block in the previous message."
                    )
                results.add(given)
        if calls - results:
            raise _invalid(
                f"messages.{place - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(calls - results))}."
            )
        calls = {str(block.get("id")) for block in message.blocks if block.get("type") == "tool_use"}
    if calls:
        raise _invalid(
            f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after."
        )


def _check_thinking(given: _Request, seals: Seals) -> None:
    """Every thinking block is one of ours, unchanged; in a tool loop with thinking enabled it may not be missing."""
    for place, message in enumerate(given.messages):
        for at, block in enumerate(message.blocks):
            where = f"messages.{place}.content.{at}"
            if block.get("type") == "thinking":
                signature, text = block.get("signature"), block.get("thinking")
                if not isinstance(signature, str):
                    raise _invalid(f"{where}.thinking.signature: Field required")
                if not isinstance(text, str) or not seals.holds(THINKING, text, signature):
                    raise _invalid(f"{where}: Invalid `signature` in `thinking` block")
            elif block.get("type") == "redacted_thinking":
                data = block.get("data")
                if not isinstance(data, str) or seals.unwrap(REDACTED, data) is None:
                    raise _invalid(f"{where}: Invalid `data` in `redacted_thinking` block")
    if (given.thinking or {}).get("type") == "enabled":
        _check_loop(given.messages)


def _check_loop(messages: list[_Message]) -> None:
    last = messages[-1]
    if len(messages) < 2 or not any(block.get("type") == "tool_result" for block in last.blocks):
        return
    place = next((i for i in range(len(messages) - 1, -1, -1) if messages[i].role == "assistant"), None)
    if place is None:
        return
    kind = next((block.get("type") for block in messages[place].blocks), None)
    if kind not in ("thinking", "redacted_thinking"):
        raise _invalid(f"messages.{place}.content.0.type: " + _MUST_THINK.format(kind))


# --- what is wanted ---------------------------------------------------------------------------------------------


def _tools(given: list[Object]) -> Iterator[Tool]:
    """The client's tools. Server tools (which have a dated type) are the provider's to call, and it never does."""
    for place, tool in enumerate(given):
        if tool.get("type") not in (None, "custom"):
            continue
        name, schema = tool.get("name"), tool.get("input_schema")
        if not isinstance(name, str) or not isinstance(schema, dict):
            raise _invalid(f"tools.{place}.custom.input_schema: Field required")
        yield Tool(name, schema)


def _tool_choice(kind: object, name: object) -> str:
    return {"any": "required", "none": "none", "tool": f"={name}"}.get(str(kind), "auto")


def _schema(given: _Request) -> Object | None:
    form = (given.output_config or {}).get("format") or given.output_format
    if form is None:
        return None
    schema = form.get("schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    if not isinstance(schema, dict):
        raise _invalid("output_config.format.schema: Field required")
    return schema


def _shown(thinking: Object | None) -> bool | None:
    if thinking is None or thinking.get("type") == "disabled":
        return None
    return thinking.get("display") != "omitted"


# --- tokens -----------------------------------------------------------------------------------------------------


def _count(given: _Request) -> Count:
    """In the order in which Anthropic caches: tools, system, messages."""
    count = Count()
    for tool in given.tools or ():
        count.add(PER_TOOL, tool)
        _mark(count, tool)
    if given.system:
        count.add(PER_MESSAGE, "system")
        _add_blocks(count, _Message("system", given.system).blocks)
    for message in given.messages:
        count.add(PER_MESSAGE, message.role)
        said = _add_blocks(count, message.blocks)
        if message.role == "user" and said:
            count.last_text = " ".join(said)
    if given.cache_control:
        count.mark(_TTLS.get(str(given.cache_control.get("ttl")), 300))
    return count


def _add_blocks(count: Count, blocks: list[Object]) -> list[str]:
    """Count blocks; their own texts come back."""
    texts = [text for block in blocks if isinstance(text := block.get("text"), str)]
    for block in blocks:
        seen = {key: value for key, value in block.items() if key != "cache_control"}
        count.add(_block_tokens(block), seen)
        _mark(count, block)
    return texts


def _block_tokens(block: Object) -> int:
    match block.get("type"):
        case "image":
            return PER_IMAGE
        case "document":
            return PER_FILE
        case "thinking":
            return words(block.get("thinking"))
        case "redacted_thinking":
            return 0
        case "tool_use" | "server_tool_use":
            return PER_CALL + object_words(block.get("input", {}))
        case "text":
            return words(block.get("text"))
        case _:
            inner = block.get("content")
            if isinstance(inner, list):
                return sum(_block_tokens(part) for part in inner if isinstance(part, dict))
            return words(inner)


def _mark(count: Count, block: Object) -> None:
    control = block.get("cache_control")
    if isinstance(control, dict):
        count.mark(_TTLS.get(str(control.get("ttl")), 300))
