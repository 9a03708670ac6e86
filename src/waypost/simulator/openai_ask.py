"""OpenAI requests, parsed: chat completions, completions, embeddings.

Field names and meanings: https://platform.openai.com/docs/api-reference (2026-11-21).

Prompt tokens are counted by this rule, so that a test can predict them:

- chat: every whitespace-separated word of every text and refusal part, 3 per message, 85 per image, 25 per input audio
  (these are audio tokens), 100 per file, 5 per assistant tool call plus the words of its arguments, 10 per tool;
- completions and embeddings: the words of each text, or the length of each token array.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.counting import PER_AUDIO, PER_CALL, PER_FILE, PER_IMAGE, PER_MESSAGE, PER_TOOL

MAX_CHOICES = 128
MAX_INPUTS = 2048

T = TypeVar("T")
Object = dict[str, object]


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class _CalledFunction(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class _Call(msgspec.Struct):
    function: _CalledFunction | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[Object] | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Function(msgspec.Struct):
    name: str
    parameters: Object | None = None


class _Tool(msgspec.Struct):
    function: _Function | None = None


class _JsonSchema(msgspec.Struct):
    schema: Object | None = None


class _ResponseFormat(msgspec.Struct):
    type: str
    json_schema: _JsonSchema | None = None


class _Request(msgspec.Struct):
    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    service_tier: str | None = None
    simulate: Object | None = None


class _Chat(_Request, kw_only=True):
    messages: list[_Message]
    max_completion_tokens: int | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | Object | None = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class _Completions(_Request, kw_only=True):
    prompt: str | list[str | int | list[int]] | None = None
    logprobs: int | None = None


class _Embeddings(msgspec.Struct):
    model: str
    input: str | list[str | int | list[int]]
    encoding_format: str | None = None
    dimensions: int | None = None
    simulate: Object | None = None


_CHAT = msgspec.json.Decoder(_Chat)
_COMPLETIONS = msgspec.json.Decoder(_Completions)
_EMBEDDINGS = msgspec.json.Decoder(_Embeddings)


def parse_chat(body: bytes) -> Ask:
    """Raises Refused."""
    ask = _decoded(_CHAT, body)
    if not ask.messages:
        raise Refused(
            400, "Invalid 'messages': expected at least one message.", code="empty_array", param="messages"
        )
    count, audio = _count_messages(ask.messages)
    tools = tuple(Tool(t.function.name, t.function.parameters or {}) for t in ask.tools or () if t.function)
    options = ask.stream_options or _StreamOptions()
    return Ask(
        operation="chat",
        model=ask.model,
        prompt_tokens=count + PER_TOOL * len(tools),
        stream=ask.stream is True,
        wants_usage=options.include_usage is True,
        obfuscate=options.include_obfuscation is not False,
        choices=_choices(ask.n),
        max_output=_limit(ask.max_completion_tokens, ask.max_tokens),
        audio_input=audio,
        last_text=_last_user_text(ask.messages),
        tools=tools,
        tool_choice=_tool_choice(ask.tool_choice),
        parallel=ask.parallel_tool_calls is not False,
        schema=_schema(ask.response_format),
        top_logprobs=(ask.top_logprobs or 0) if ask.logprobs else None,
        tier=_tier(ask.service_tier),
        simulate=ask.simulate or {},
    )


def parse_completions(body: bytes) -> Ask:
    """Raises Refused. Every prompt of a list gets `n` choices."""
    ask = _decoded(_COMPLETIONS, body)
    inputs = _inputs(ask.prompt if ask.prompt is not None else "")
    options = ask.stream_options or _StreamOptions()
    return Ask(
        operation="completions",
        model=ask.model,
        prompt_tokens=sum(count for _, count in inputs),
        stream=ask.stream is True,
        wants_usage=options.include_usage is True,
        obfuscate=False,
        choices=_choices(_choices(ask.n) * len(inputs)),
        max_output=_limit(ask.max_tokens),
        last_text=inputs[-1][0].decode(),
        top_logprobs=ask.logprobs,
        tier=_tier(ask.service_tier),
        simulate=ask.simulate or {},
    )


def parse_embeddings(body: bytes) -> Ask:
    """Raises Refused."""
    ask = _decoded(_EMBEDDINGS, body)
    inputs = _inputs(ask.input)
    if ask.encoding_format not in (None, "float", "base64"):
        raise Refused(400, "Invalid 'encoding_format': use 'float' or 'base64'.", param="encoding_format")
    if ask.dimensions is not None and not 1 <= ask.dimensions <= 8192:
        raise Refused(400, "Invalid 'dimensions': expected 1 to 8192.", param="dimensions")
    return Ask(
        operation="embeddings",
        model=ask.model,
        prompt_tokens=sum(count for _, count in inputs),
        choices=0,
        inputs=tuple(data for data, _ in inputs),
        dimensions=ask.dimensions,
        base64=ask.encoding_format == "base64",
        simulate=ask.simulate or {},
    )


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        text = str(error)
        param = text.partition("`$.")[2].rstrip("`") or _missing_field(text)
        code = "missing_required_parameter" if "missing" in text else "invalid_type"
        raise Refused(400, f"Invalid request: {text}.", code=code, param=param) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "We could not parse the JSON body of your request.") from None


def _missing_field(text: str) -> str | None:
    return text.partition("missing required field `")[2].rstrip("`") or None


def _choices(n: int | None) -> int:
    if n is not None and not 1 <= n <= MAX_CHOICES:
        raise Refused(400, f"Invalid 'n': expected 1 to {MAX_CHOICES}.", code="invalid_value", param="n")
    return n or 1


def _limit(*limits: int | None) -> int | None:
    limit = next((value for value in limits if value is not None), None)
    if limit is not None and limit < 1:
        raise Refused(
            400,
            "Invalid 'max_tokens': expected at least 1.",
            code="integer_below_min_value",
            param="max_tokens",
        )
    return limit


def _tier(asked: str | None) -> str:
    return "default" if asked in (None, "auto") else str(asked)


def _tool_choice(choice: str | Object | None) -> str:
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        return f"={name}"
    return choice or "auto"


def _schema(form: _ResponseFormat | None) -> Object | None:
    if form is None or form.type == "text":
        return None
    return (form.json_schema.schema if form.json_schema else None) or {}


def _count_messages(messages: list[_Message]) -> tuple[int, int]:
    total = audio = 0
    for message in messages:
        total += PER_MESSAGE + len((message.refusal or "").split())
        if isinstance(message.content, str):
            total += len(message.content.split())
        else:
            for part in message.content or ():
                count, sound = _count_part(part)
                total += count
                audio += sound
        for call in message.tool_calls or ():
            total += PER_CALL + len(call.function.arguments.split() if call.function else ())
    return total, audio


def _count_part(part: Object) -> tuple[int, int]:
    """Tokens of a content part, and how many of them are audio."""
    match part.get("type"):
        case "image_url":
            return PER_IMAGE, 0
        case "input_audio":
            return PER_AUDIO, PER_AUDIO
        case "file":
            return PER_FILE, 0
        case _:
            text = part.get("text", part.get("refusal"))
            return (len(text.split()), 0) if isinstance(text, str) else (0, 0)


def _last_user_text(messages: list[_Message]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            if isinstance(message.content, str):
                return message.content
            texts = [part.get("text") for part in message.content or ()]
            return " ".join([text for text in texts if isinstance(text, str)])
    return ""


def _inputs(given: str | list[str | int | list[int]]) -> list[tuple[bytes, int]]:
    """Each input as canonical bytes (text, or its numbers with spaces between) and its tokens."""
    if isinstance(given, str):
        return [(given.encode(), len(given.split()))]
    if not given:
        raise Refused(400, "Invalid input: expected at least one.", code="empty_array", param="input")
    numbers = [item for item in given if isinstance(item, int)]
    if len(given) - len(numbers) > MAX_INPUTS:
        raise Refused(
            400,
            f"Invalid input: expected at most {MAX_INPUTS}.",
            code="array_above_max_length",
            param="input",
        )
    if numbers:
        return [(_numbers(numbers), len(numbers))]
    return [
        (item.encode(), len(item.split())) if isinstance(item, str) else (_numbers(item), len(item))
        for item in given
        if not isinstance(item, int)
    ]


def _numbers(tokens: list[int]) -> bytes:
    return " ".join([str(token) for token in tokens]).encode()
