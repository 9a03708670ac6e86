"""Gemini's requests, parsed and checked as strictly as Google does where a gateway could go wrong.

Fields: https://ai.google.dev/api/generate-content, /api/caching#Schema, /api/embeddings, /api/tokens and the types of
google-genai 3.6.1 (2026-11-25). Names may be in camelCase or snake_case, as in every Google API; unknown ones are
refused. Thought signatures: https://ai.google.dev/gemini-api/docs/thought-signatures (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.counting import (
    PER_AUDIO,
    PER_CALL,
    PER_FILE,
    PER_IMAGE,
    PER_MESSAGE,
    PER_TOOL,
    Count,
    object_words,
    words,
)
from waypost.simulator.gemini_schema import camel_keys, check_schema, plain_schema
from waypost.simulator.seals import Seals

Object = dict[str, object]
THOUGHT = "gemini thought"
#: What stands for a signature where there can be none.
NO_SIGNATURE = frozenset(("skip_thought_signature_validator", "context_engineering_is_the_way_to_go"))
MAX_CANDIDATES = 8
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode")
_UNSIGNED = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, "
    "and missing thought_signature may lead to degraded model performance. Additional data, function call "
    "`default_api:{}` , position {}."
)

T = TypeVar("T")


class _Config(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: Object | None = None
    response_json_schema: Object | None = None
    _response_json_schema: Object | None = msgspec.field(name="_responseJsonSchema", default=None)
    response_modalities: list[str] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    thinking_config: Object | None = None
    speech_config: object = None
    image_config: object = None
    media_resolution: str | None = None
    enable_enhanced_civic_answers: bool | None = None
    response_format: object = None
    audio_transcription_config: object = None
    translation_config: object = None


class _Request(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    contents: list[Object] | Object | None = None
    model: str | None = None
    system_instruction: Object | None = None
    tools: list[Object] | Object | None = None
    tool_config: Object | None = None
    generation_config: Object | None = None
    safety_settings: list[Object] | None = None
    cached_content: str | None = None
    service_tier: str | None = None
    labels: Object | None = None
    continuation_token: object = None
    store: bool | None = None
    simulate: Object | None = None


class _Count(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    contents: list[Object] | Object | None = None
    generate_content_request: Object | None = None
    model: str | None = None


class _Embed(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    content: Object
    model: str | None = None
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    embed_content_config: Object | None = None
    simulate: Object | None = None


def invalid(message: str) -> Refused:
    """What Google calls INVALID_ARGUMENT."""
    return Refused(400, message)


def parse_generate(model: str, body: bytes, seals: Seals, *, stream: bool, sse: bool) -> Ask:
    """Raises Refused."""
    return _ask(model, convert(_object(body), _Request), seals, stream, sse)


def count_tokens(body: bytes, seals: Seals) -> int:
    """What `:countTokens` answers. Raises Refused."""
    given = convert(_object(body), _Count)
    whole = given.generate_content_request
    request = convert(whole, _Request) if whole is not None else _Request(contents=given.contents)
    return _ask("", request, seals, False, True).prompt_tokens


def parse_embed(model: str, body: bytes, *, batch: bool) -> Ask:
    """`:embedContent`, or `:batchEmbedContents` with one request per input. Raises Refused."""
    given = _object(body)
    simulate = given.pop("simulate", None)
    requests = given.get("requests") if batch else [given]
    if not isinstance(requests, list) or not requests:
        raise invalid("* BatchEmbedContentsRequest.requests: at least one is required")
    asked = [convert(request, _Embed) for request in requests]
    texts = [" ".join(_texts(content_parts(request.content, "content"))) for request in asked]
    config = camel_keys(asked[0].embed_content_config or {})
    dimensions = asked[0].output_dimensionality or config.get("outputDimensionality")
    return Ask(
        operation="embeddings",
        model=model,
        prompt_tokens=sum(words(text) for text in texts),
        choices=0,
        inputs=tuple(text.encode() for text in texts),
        dimensions=dimensions if isinstance(dimensions, int) else None,
        echo={"batch": batch},
        simulate=simulate if isinstance(simulate, dict) else {},
    )


def _object(body: bytes) -> Object:
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise invalid("Invalid JSON payload received. Parse error.") from None
    if not isinstance(given, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    return given


def convert(given: object, kind: type[T]) -> T:
    """A message of a known type from an object whose names are in either case. Raises Refused."""
    if not isinstance(given, dict):
        raise invalid("Invalid JSON payload received. A message must be an object.")
    try:
        return msgspec.convert(camel_keys(given), kind)
    except msgspec.ValidationError as error:
        text = str(error)
        name = text.partition("unknown field `")[2].partition("`")[0]
        if name:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            ) from None
        raise invalid(f"Invalid value: {text}") from None


def _ask(model: str, given: _Request, seals: Seals, stream: bool, sse: bool) -> Ask:
    config = convert(given.generation_config or {}, _Config)
    contents = (
        given.contents if isinstance(given.contents, list) else [given.contents] if given.contents else []
    )
    turns = _joined(_turn(content, place) for place, content in enumerate(contents))
    if not turns:
        raise invalid("* GenerateContentRequest.contents: contents is not specified")
    if config.candidate_count is not None and not 1 <= config.candidate_count <= MAX_CANDIDATES:
        raise invalid(f"* GenerateContentRequest.generation_config.candidate_count: 1 to {MAX_CANDIDATES}")
    thinking = camel_keys(config.thinking_config or {})
    think = _think(thinking) if config.thinking_config is not None else None
    check_turns(turns)
    _check_signatures(turns, seals, must=think is True)
    tools = list(_tools(given.tools))
    count = _count(given, turns, len(tools))
    choice, tools = _chosen(given.tool_config, tools)
    return Ask(
        operation="chat",
        model=model,
        prompt_tokens=count.tokens,
        stream=stream,
        wants_usage=True,
        choices=config.candidate_count or 1,
        max_output=config.max_output_tokens,
        audio_input=count.audio,
        last_text=count.last_text,
        tools=tuple(tools),
        tool_choice=choice,
        schema=_schema(config),
        stop=tuple(config.stop_sequences or ()),
        think=think,
        shown=True if thinking.get("includeThoughts") is True else None,
        audible=False,
        echo={"sse": sse},
        simulate=given.simulate or {},
    )


# --- turns ------------------------------------------------------------------------------------------------------

Turn = tuple[str, list[Object]]


def content_parts(content: Object, where: str) -> list[Object]:
    """The parts of a content, their names in camelCase. Raises Refused."""
    parts = camel_keys(content).get("parts")
    if not isinstance(parts, list) or not parts:
        raise invalid(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    made = [camel_keys(part) for part in parts if isinstance(part, dict)]
    for at, part in enumerate(made):
        if not any(name in part for name in _DATA):
            raise invalid(
                f"* GenerateContentRequest.{where}.parts[{at}].data: required oneof field 'data' must have one "
                "initialized field"
            )
    return made


def _turn(content: Object, place: int) -> Turn:
    role = content.get("role", "user")
    if role not in ("user", "model", "function"):
        raise invalid("Please use a valid role: user, model.")
    return str(role), content_parts(content, f"contents[{place}]")


def _joined(turns: Iterable[Turn]) -> list[Turn]:
    """Contents of one role that follow each other are one turn: google-genai's chats send a streamed answer back as
    a content per event (3.6.1, 2026-11-25)."""
    made: list[Turn] = []
    for role, parts in turns:
        if made and made[-1][0] == role:
            made[-1] = role, [*made[-1][1], *parts]
        else:
            made.append((role, parts))
    return made


def check_turns(turns: list[Turn]) -> None:
    """Arguments and results are objects, and every call has its result in the next turn. Raises Refused."""
    calls = 0
    for place, (role, parts) in enumerate(turns):
        results = 0
        for at, part in enumerate(parts):
            for name, field in (("functionCall", "args"), ("functionResponse", "response")):
                told = part.get(name)
                if not isinstance(told, dict):
                    continue
                results += name == "functionResponse"
                if not isinstance(told.get("name"), str):
                    raise invalid(
                        f"* GenerateContentRequest.contents[{place}].parts[{at}].{name}.name: Name cannot be empty."
                    )
                if not isinstance(told.get(field, {}), dict):
                    raise invalid(
                        f"Invalid value at 'contents[{place}].parts[{at}].{name}.{field}' "
                        "(type.googleapis.com/google.protobuf.Struct)"
                    )
        if results != calls and (calls or results):
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        calls = sum("functionCall" in part for part in parts) if role == "model" else 0


def _check_signatures(turns: list[Turn], seals: Seals, *, must: bool) -> None:
    """Signatures are ours and unchanged. With `must`, the first call of each step since the last question has one."""
    newest = max(
        (
            place
            for place, (role, parts) in enumerate(turns)
            if role == "user" and not any("functionResponse" in part for part in parts)
        ),
        default=0,
    )
    for place, (role, parts) in enumerate(turns):
        first = True
        for part in parts:
            signature = part.get("thoughtSignature")
            if signature is not None and not _signed(signature, seals):
                raise invalid("Corrupted thought signature.")
            call = part.get("functionCall")
            if isinstance(call, dict):
                if first and must and signature is None and place > newest and role == "model":
                    raise invalid(_UNSIGNED.format(call.get("name"), place + 1))
                first = False


def _signed(signature: object, seals: Seals) -> bool:
    if not isinstance(signature, str):
        return False
    return signature in NO_SIGNATURE or seals.unwrap(THOUGHT, signature) is not None


# --- what is wanted -----------------------------------------------------------------------------------------------


def _think(thinking: Object) -> bool | None:
    budget = thinking.get("thinkingBudget")
    if budget == 0:
        return False
    asked = budget is not None or "thinkingLevel" in thinking or thinking.get("includeThoughts") is True
    return True if asked else None


def _tools(given: list[Object] | Object | None) -> Iterator[Tool]:
    """The client's functions. Google's own tools (search, code) are never called."""
    for tool in given if isinstance(given, list) else [given] if given else []:
        declared = camel_keys(tool).get("functionDeclarations")
        for function in declared if isinstance(declared, list) else []:
            told = camel_keys(function)
            name, schema = told.get("name"), told.get("parameters")
            if not isinstance(name, str) or not name:
                raise invalid(
                    "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name."
                )
            if isinstance(schema, dict):
                check_schema(schema, f"tools[0].function_declarations[{name}].parameters")
                yield Tool(name, plain_schema(schema))
            else:
                other = told.get("parametersJsonSchema")
                yield Tool(name, other if isinstance(other, dict) else {})


def _chosen(config: Object | None, tools: list[Tool]) -> tuple[str, list[Tool]]:
    calling = camel_keys(config or {}).get("functionCallingConfig")
    told = camel_keys(calling) if isinstance(calling, dict) else {}
    mode = {"ANY": "required", "NONE": "none"}.get(str(told.get("mode", "")).upper(), "auto")
    allowed = told.get("allowedFunctionNames")
    if mode == "required" and isinstance(allowed, list) and allowed:
        tools = [tool for tool in tools if tool.name in allowed]
    return mode, tools


def _schema(config: _Config) -> Object | None:
    if config.response_schema is not None:
        check_schema(config.response_schema, "generation_config.response_schema")
        schema: Object | None = plain_schema(config.response_schema)
    else:
        schema = config.response_json_schema or config._response_json_schema
    if config.response_mime_type != "application/json":
        if schema is not None:
            raise invalid("Function calling or response schema needs response mime type: 'application/json'")
        return None
    return schema or {}


# --- tokens -------------------------------------------------------------------------------------------------------


def _count(given: _Request, turns: list[Turn], tools: int) -> Count:
    count = Count()
    count.tokens = PER_TOOL * tools
    if given.system_instruction:
        _add(count, "system", content_parts(given.system_instruction, "system_instruction"))
    for role, parts in turns:
        _add(count, role, parts)
        if role == "user" and (texts := _texts(parts)):
            count.last_text = " ".join(texts)
    return count


def _texts(parts: list[Object]) -> list[str]:
    return [text for part in parts if isinstance(text := part.get("text"), str)]


def _add(count: Count, role: str, parts: list[Object]) -> None:
    count.add(PER_MESSAGE, role)
    for part in parts:
        tokens, audio = _part_tokens(part)
        count.add(tokens, part)
        count.audio += audio


def _part_tokens(part: Object) -> tuple[int, int]:
    """Tokens of a part, and how many of them are audio."""
    for name in ("inlineData", "fileData"):
        data = part.get(name)
        if isinstance(data, dict):
            kind = str(camel_keys(data).get("mimeType", "")).partition("/")[0]
            if kind == "audio":
                return PER_AUDIO, PER_AUDIO
            return (PER_IMAGE if kind == "image" else PER_FILE), 0
    call, result = part.get("functionCall"), part.get("functionResponse")
    if isinstance(call, dict):
        return PER_CALL + object_words(call.get("args", {})), 0
    if isinstance(result, dict):
        return object_words(result.get("response", {})), 0
    return words(part.get("text")), 0
