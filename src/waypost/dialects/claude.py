"""What Claude takes, wherever it is served: Anthropic's own interface and Bedrock's refuse the same combinations.

Thinking beside other settings: https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
and .../adaptive-thinking. `temperature` and `top_p` together, refused from Opus 4.1 on: the error is quoted in
https://github.com/SalesforceAIResearch/MCP-Universe/issues/49; all of them, from 4.7 on:
https://openrouter.ai/docs/guides/evaluate-and-optimize/model-migrations/claude-4-7. Schemas that answers are held to:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations and the conversion of
anthropic 2.14.0, `lib/_parse/_transform.py` (all 2026-11-25). Reasoning goes back signed, or is refused: the same SDK's
`types/thinking_block_param.py`, https://github.com/BerriAI/litellm/pull/31654 (2026-11-26).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Maker, Message, Part, Sampling, Thinking, ToolCall
from waypost.dialects.taking import Json

MAKER: Maker = "anthropic-claude-v1"
#: The numbers stand before the name (`claude-3-7-sonnet-20250219`) or after it (`claude-opus-4-6`).
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)")
_NEWEST = (99, 0)
_ONE_OF_TWO = (4, 1)
_STEADY = (4, 7)
_LEAST_TOP_P = 0.95
#: Formats of texts that its grammar knows.
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
#: Keywords that it refuses in the schema of an answer or of a strict tool.
_REFUSED = frozenset(
    (
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
        "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties",
        "patternProperties", "propertyNames", "if", "then", "else", "not", "dependentRequired", "dependentSchemas",
        "unevaluatedProperties", "unevaluatedItems",
    )
)  # fmt: skip
#: Keywords of which it knows some values.
_KNOWN: dict[str, tuple[object, ...]] = {"format": _FORMATS, "minItems": (0, 1)}
_MANY = ("anyOf", "oneOf", "allOf")
_NAMED = ("properties", "$defs", "definitions")


def version(model: str) -> tuple[int, int]:
    """(0, 0) for a model that is no Claude; the newest for a Claude without a number."""
    found = _VERSION.search(model.lower())
    if found is not None:
        return int(found[1]), int(found[2] or 0)
    return _NEWEST if "claude" in model.lower() else (0, 0)


def takes_sampling(model: str) -> bool:
    """It takes `temperature`, `top_p` and `top_k`."""
    return version(model) < _STEADY


def without_unsigned(request: ChatRequest, loss: Loss) -> ChatRequest:
    """The request without reasoning that bears Claude's name and not its signature, as what broke off before it was
    signed, or what servers of Anthropic's format say that sign nothing: Claude refuses it. Other makers' models at such
    servers take it back. `loss` is told."""
    if version(request.model) == (0, 0):
        return request
    messages = tuple(_signed_only(message, number, loss) for number, message in enumerate(request.messages))
    return msgspec.structs.replace(request, messages=messages)


def _signed_only(message: Message, number: int, loss: Loss) -> Message:
    if not any(_is_unsigned(part) for part in message.parts):
        return message
    loss.setting(f"messages[{number}].thinking")
    return msgspec.structs.replace(
        message, parts=tuple(part for part in message.parts if not _is_unsigned(part))
    )


def _is_unsigned(part: Part) -> bool:
    return isinstance(part, Thinking) and part.maker == MAKER and not part.signature


def may_think(request: ChatRequest, *, by_budget: bool) -> bool:
    """Whether thinking may be asked for. It is refused where a tool has to be called; and with a budget, where the
    model's turn under way does not begin with its own reasoning: another model's calls, or words put in its mouth."""
    choice = request.tool_choice
    if choice is not None and choice.mode in ("required", "one") and request.tools:
        return False
    if not by_budget:
        return True
    number, last = next(
        (
            (number, message)
            for number, message in reversed(tuple(enumerate(request.messages)))
            if message.role == "assistant"
        ),
        (-1, None),
    )
    if last is None:
        return True
    under_way = number == len(request.messages) - 1 or any(isinstance(part, ToolCall) for part in last.parts)
    first = last.parts[0] if last.parts else None
    return not under_way or (isinstance(first, Thinking) and first.maker == MAKER)


def refused_sampling(sampling: Sampling, model: str, *, thinks: bool) -> Iterator[str]:
    """The settings that are refused beside thinking, or beside each other, and are not what they are by default. The
    temperature goes before `top_p`. The newest models refuse them all."""
    heat, top_p = sampling.temperature, sampling.top_p
    if not takes_sampling(model):
        said = {"temperature": heat, "top_p": top_p, "top_k": sampling.top_k}
        yield from (
            name for name, value in said.items() if value is not None and (name == "top_k" or value != 1)
        )
    elif thinks:
        if heat is not None and heat != 1:
            yield "temperature"
        if sampling.top_k is not None:
            yield "top_k"
        if top_p is not None and top_p < _LEAST_TOP_P:
            yield "top_p"
    elif heat is not None and top_p is not None and top_p != 1 and version(model) >= _ONE_OF_TWO:
        yield "top_p"


def narrow_schema(raw: msgspec.Raw) -> msgspec.Raw:
    """A JSON Schema in the part of the language that Claude's grammars know. Objects are closed, which it demands; what
    it does not know becomes a part of the description, for the model to read. What is no schema stays as it is."""
    try:
        document = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return raw
    if not isinstance(document, dict):
        return raw
    return msgspec.Raw(msgspec.json.encode(_narrow(document)))


def _narrow(schema: object) -> object:
    if not isinstance(schema, dict):
        return schema
    out: Json = {}
    told: Json = {}
    for name, value in schema.items():
        known = name not in _REFUSED and (name not in _KNOWN or value in _KNOWN[name])
        (out if known else told)[name] = _inside(name, value) if known else value
    if "oneOf" in out and "anyOf" not in out:
        out["anyOf"] = out.pop("oneOf")
    if _is_object(out):
        if out.get("additionalProperties", False) is not False:
            told["additionalProperties"] = out["additionalProperties"]
        out["additionalProperties"] = False
    if told:
        words = ", ".join(f"{name}: {msgspec.json.encode(value).decode()}" for name, value in told.items())
        said = out.get("description")
        out["description"] = f"{said}\n\n({words})" if isinstance(said, str) and said else f"({words})"
    return out


def _inside(name: str, value: object) -> object:
    """The value of a keyword, with the schemas in it made narrow."""
    if name == "items":
        return _narrow(value)
    if name in _MANY and isinstance(value, list):
        return [_narrow(each) for each in value]
    if name in _NAMED and isinstance(value, dict):
        return {key: _narrow(each) for key, each in value.items()}
    return value


def _is_object(schema: Json) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema
