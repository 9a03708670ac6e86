"""OpenAI's Responses requests, parsed and checked as strictly as OpenAI does where a gateway could go wrong.

Fields: https://platform.openai.com/docs/api-reference/responses/create and the types of openai 3.57.0 (2026-11-25).
What is not known is refused ("Unknown parameter"); `simulate` alone is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.counting import PER_AUDIO, PER_CALL, PER_FILE, PER_IMAGE, PER_MESSAGE, PER_TOOL, words
from waypost.simulator.seals import Seals

Object = dict[str, object]
REASONING = "responses reasoning"
ENCRYPTED = "reasoning.encrypted_content"
_LEAST_OUTPUT = 16
#: Item types that a call's result has, by the type of the call.
_RESULTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
_PREFIXES = {"function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}
_PARTS = {
    "assistant": ("output_text", "refusal"),
    "user": ("input_text", "input_image", "input_file", "input_audio"),
    "system": ("input_text", "input_image", "input_file"),
    "developer": ("input_text", "input_image", "input_file"),
}


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str | list[Object] = []
    instructions: str | None = None
    stream: bool | None = None
    stream_options: Object | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    tools: list[Object] | None = None
    tool_choice: str | Object | None = None
    parallel_tool_calls: bool | None = None
    text: Object | None = None
    reasoning: Object | None = None
    include: list[str] | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    background: bool | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    truncation: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: Object | None = None
    max_tool_calls: int | None = None
    conversation: object = None
    prompt: object = None
    moderation: object = None
    context_management: object = None
    simulate: Object | None = None


_REQUEST = msgspec.json.Decoder(_Request)

#: What came before a response, by its id: its input and its output items. None when there is none.
History = Callable[[str], "list[Object] | None"]


def parse_response(body: bytes, seals: Seals, history: History, known: Callable[[str], bool]) -> Ask:
    """`history` finds earlier responses, `known` says whether an item's id is stored. Raises Refused."""
    given = _decoded(body)
    own = _items(given.input)
    items = [*_before(given, history), *own]
    if not items:
        raise _invalid("Missing required parameter: 'input'.", "missing_required_parameter", "input")
    if given.max_output_tokens is not None and given.max_output_tokens < _LEAST_OUTPUT:
        raise _invalid(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
            "integer_below_min_value",
            "max_output_tokens",
        )
    _check_items(items, seals, known)
    tools = tuple(_tools(given.tools or []))
    tokens, audio = _count(given.instructions, items)
    reasoning = given.reasoning or {}
    summary = reasoning.get("summary") or reasoning.get("generate_summary")
    return Ask(
        operation="chat",
        model=given.model,
        prompt_tokens=tokens + PER_TOOL * len(tools),
        stream=given.stream is True,
        wants_usage=True,
        obfuscate=(given.stream_options or {}).get("include_obfuscation") is not False,
        max_output=given.max_output_tokens,
        audio_input=audio,
        last_text=_last_text(items),
        tools=tools,
        tool_choice=_tool_choice(given.tool_choice),
        parallel=given.parallel_tool_calls is not False,
        schema=_schema(given.text),
        tier="default" if given.service_tier in (None, "auto") else str(given.service_tier),
        think=_think(reasoning.get("effort")),
        shown=True if summary else None,
        audible=False,
        echo={
            "told": _told(given),
            "items": items,
            "summary": bool(summary),
            "encrypt": ENCRYPTED in (given.include or ()),
            "store": given.store is not False,
            "background": given.background is True,
            "custom": [tool.name for tool in tools if tool.free],
        },
        simulate=given.simulate or {},
    )


def _invalid(message: str, code: str | None = None, param: str | None = None) -> Refused:
    return Refused(400, message, code=code, param=param)


def _decoded(body: bytes) -> _Request:
    try:
        return _REQUEST.decode(body)
    except msgspec.ValidationError as error:
        text = str(error)
        for found, said, code in (
            ("unknown field `", "Unknown parameter: '{}'.", "unknown_parameter"),
            ("missing required field `", "Missing required parameter: '{}'.", "missing_required_parameter"),
        ):
            if found in text:
                name = text.partition(found)[2].partition("`")[0]
                raise _invalid(said.format(name), code, name) from None
        param = text.partition("`$.")[2].rstrip("`") or None
        raise _invalid(f"Invalid type: {text}.", "invalid_type", param) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _invalid("We could not parse the JSON body of your request.") from None


def _items(given: str | list[Object]) -> list[Object]:
    if isinstance(given, str):
        text: list[Object] = [{"type": "input_text", "text": given}]
        return [{"type": "message", "role": "user", "content": text}] if given else []
    return [{"type": "message", **item} if "type" not in item else item for item in given]


def _before(given: _Request, history: History) -> list[Object]:
    if given.previous_response_id is None:
        return []
    found = history(given.previous_response_id)
    if found is None:
        raise _invalid(
            f"Previous response with id '{given.previous_response_id}' not found.",
            "previous_response_not_found",
            "previous_response_id",
        )
    return found


# --- items --------------------------------------------------------------------------------------------------------


def _check_items(items: list[Object], seals: Seals, known: Callable[[str], bool]) -> None:
    """Calls and results belong together, ids have their prefix, and reasoning is ours and unchanged."""
    calls: dict[str, str] = {}
    for place, item in enumerate(items):
        kind = str(item.get("type"))
        prefix, given = _PREFIXES.get(kind), item.get("id")
        if prefix and isinstance(given, str) and not given.startswith(prefix):
            raise _invalid(
                f"Invalid 'input[{place}].id': '{given}'. Expected an ID that begins with '{prefix}'.",
                "invalid_value",
                f"input[{place}].id",
            )
        if kind == "message":
            _check_message(item, place)
        elif kind == "reasoning":
            _check_reasoning(item, seals, known)
        elif kind in _RESULTS.values():
            calls[str(item.get("call_id"))] = kind
        elif kind in _RESULTS and calls.pop(str(item.get("call_id")), None) != _RESULTS[kind]:
            raise _invalid(
                f"No tool call found for function call output with call_id {item.get('call_id')}.",
                None,
                "input",
            )
    if calls:
        raise _invalid(f"No tool output found for function call {next(iter(calls))}.", None, "input")


def _check_message(item: Object, place: int) -> None:
    role = str(item.get("role"))
    if role not in _PARTS:
        raise _invalid(
            f"Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
            "invalid_value",
            f"input[{place}]",
        )
    content = item.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise _invalid(
            f"Missing required parameter: 'input[{place}].content'.", "missing_required_parameter", "input"
        )
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS[role]:
            supported = ", ".join([f"'{name}'" for name in _PARTS[role]])
            raise _invalid(
                f"Invalid value: '{kind}'. Supported values are: {supported}.",
                "invalid_value",
                f"input[{place}].content[{at}]",
            )


def _check_reasoning(item: Object, seals: Seals, known: Callable[[str], bool]) -> None:
    given, sealed = item.get("id"), item.get("encrypted_content")
    if sealed is None:
        if not isinstance(given, str) or not known(given):
            raise _invalid(
                f"Item with id '{given}' not found. Items are not persisted when `store` is set to false. Try again "
                "with `store` set to true, or remove this item from your input.",
                None,
                "input",
            )
    elif not isinstance(sealed, str) or seals.unwrap(REASONING, sealed) is None:
        shown = f"{sealed[:4]}...{sealed[-4:]}" if isinstance(sealed, str) else "null"
        raise _invalid(f"The encrypted content {shown} could not be verified.", "invalid_encrypted_content")


# --- what is wanted -----------------------------------------------------------------------------------------------


def _tools(given: list[Object]) -> Iterator[Tool]:
    """The client's tools. OpenAI's own (search, code) are never called."""
    for place, tool in enumerate(given):
        if tool.get("type") not in ("function", "custom"):
            continue
        name, schema = tool.get("name"), tool.get("parameters")
        if not isinstance(name, str):
            raise _invalid(
                f"Missing required parameter: 'tools[{place}].name'.",
                "missing_required_parameter",
                f"tools[{place}].name",
            )
        yield Tool(name, schema if isinstance(schema, dict) else {}, free=tool.get("type") == "custom")


def _tool_choice(choice: str | Object | None) -> str:
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            return "required" if choice.get("mode") == "required" else "auto"
        return f"={choice.get('name')}"
    return choice or "auto"


def _schema(text: Object | None) -> Object | None:
    form = (text or {}).get("format")
    if not isinstance(form, dict) or form.get("type") == "text":
        return None
    schema = form.get("schema")
    if form.get("type") == "json_schema" and not isinstance(schema, dict):
        raise _invalid(
            "Missing required parameter: 'text.format.schema'.",
            "missing_required_parameter",
            "text.format.schema",
        )
    return schema if isinstance(schema, dict) else {}


def _think(effort: object) -> bool | None:
    return None if effort is None else effort != "none"


def _told(given: _Request) -> Object:
    """What of the request the response repeats."""
    reasoning = given.reasoning or {}
    return {
        "background": given.background is True,
        "instructions": given.instructions,
        "max_output_tokens": given.max_output_tokens,
        "max_tool_calls": given.max_tool_calls,
        "metadata": given.metadata or {},
        "parallel_tool_calls": given.parallel_tool_calls is not False,
        "previous_response_id": given.previous_response_id,
        "prompt_cache_key": given.prompt_cache_key,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": given.safety_identifier,
        "store": given.store is not False,
        "temperature": 1.0 if given.temperature is None else given.temperature,
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(given.text or {})},
        "tool_choice": given.tool_choice or "auto",
        "tools": given.tools or [],
        "top_logprobs": given.top_logprobs or 0,
        "top_p": 1.0 if given.top_p is None else given.top_p,
        "truncation": given.truncation or "disabled",
        "user": given.user,
    }


# --- tokens -------------------------------------------------------------------------------------------------------


def _count(instructions: str | None, items: list[Object]) -> tuple[int, int]:
    total = PER_MESSAGE + words(instructions) if instructions else 0
    audio = 0
    for item in items:
        match item.get("type"):
            case "message":
                total += PER_MESSAGE
                tokens, sound = _content_tokens(item.get("content"))
                total, audio = total + tokens, audio + sound
            case "function_call" | "custom_tool_call":
                total += PER_CALL + words(item.get("arguments", item.get("input")))
            case "function_call_output" | "custom_tool_call_output":
                total += PER_MESSAGE + _content_tokens(item.get("output"))[0]
            case "reasoning":
                total += _content_tokens(item.get("summary"))[0]
    return total, audio


def _content_tokens(content: object) -> tuple[int, int]:
    """Tokens of a text or a list of parts, and how many of them are audio."""
    if not isinstance(content, list):
        return words(content), 0
    total = audio = 0
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        fixed = {"input_image": PER_IMAGE, "input_file": PER_FILE, "input_audio": PER_AUDIO}.get(str(kind), 0)
        total += fixed or words(part.get("text", part.get("refusal")) if isinstance(part, dict) else None)
        audio += PER_AUDIO if kind == "input_audio" else 0
    return total, audio


def _last_text(items: list[Object]) -> str:
    for item in reversed(items):
        if item.get("type") == "message" and item.get("role") == "user":
            content = item.get("content")
            if isinstance(content, str):
                return content
            texts = [part.get("text") for part in content] if isinstance(content, list) else []
            return " ".join([text for text in texts if isinstance(text, str)])
    return ""
