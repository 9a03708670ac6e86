"""What becomes of every field of Google's request types on the way to another dialect: one row each.

The fields are those of google-genai 3.6.1 (`types.py`, 2026-11-25), by the type that has them.
"""

from __future__ import annotations

from typing import Any

import msgspec

PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
VIDEO = {"inlineData": {"mimeType": "video/mp4", "data": "AA=="}}
CALL = {"functionCall": {"id": "c", "name": "f", "args": {}}}
#: Fates. `SAME`: only within the dialect, for the reason that stands in the row.
CARRIED, NAMED, REFUSED, SAME = "carried", "named", "refused", "same"


class Row(msgspec.Struct, frozen=True):
    """One field. `body`: a request with it. `told`: how it is named when dropped, or its `param` when refused."""

    owner: str
    field: str
    fate: str
    body: dict[str, Any] = {}
    told: str = ""
    why: str = ""


def top(field: str, value: Any, fate: str, told: str = "") -> Row:
    return Row("Request", field, fate, {"contents": [text("hi")], field: value}, told or field)


def config(field: str, value: Any, fate: str, **beside: Any) -> Row:
    body = {"contents": [text("hi")], "generationConfig": {field: value, **beside}}
    return Row("GenerationConfig", field, fate, body, f"generationConfig.{field}")


def thinking(field: str, value: Any, fate: str) -> Row:
    body = {"contents": [text("hi")], "generationConfig": {"thinkingConfig": {field: value}}}
    return Row("ThinkingConfig", field, fate, body, f"generationConfig.thinkingConfig.{field}")


def text(words: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": words}]}


def part(field: str, fate: str, value: dict[str, Any], owner: str = "Part", told: str = "") -> Row:
    role = "model" if value.keys() & {"thought", "thoughtSignature", "functionCall"} else "user"
    contents = [text("hi"), {"role": role, "parts": [value]}, text("on")]
    return Row(owner, field, fate, {"contents": contents}, told or f"messages[1].{field}")


def result(field: str, fate: str, value: Any, told: str = "") -> Row:
    inner = {"id": "c", "name": "f", "response": {"result": "x"}} | {field: value}
    contents = [text("hi"), {"role": "model", "parts": [CALL]}, {"parts": [{"functionResponse": inner}]}]
    return Row("FunctionResponse", field, fate, {"contents": contents}, told or f"messages[2].{field}")


def within(field: str, fate: str, value: dict[str, Any], told: str) -> Row:
    """A part of a tool's result."""
    row = result("parts", fate, [value], told)
    return msgspec.structs.replace(row, owner="FunctionResponsePart", field=field)


def tool(field: str, value: Any, fate: str = REFUSED) -> Row:
    return Row("Tool", field, fate, {"contents": [text("hi")], "tools": [{field: value}]}, "tools[0]")


def function(field: str, value: Any, fate: str) -> Row:
    declared = {"name": "f", field: value}
    body = {"contents": [text("hi")], "tools": [{"functionDeclarations": [declared]}]}
    return Row("FunctionDeclaration", field, fate, body, f"tools[0].{field}")


def calling(owner: str, field: str, fate: str, **value: Any) -> Row:
    tools = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    return Row(
        owner, field, fate, {"contents": [text("hi")], "tools": tools, "toolConfig": value}, "toolConfig"
    )


SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
JSON_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
JSON = {"responseMimeType": "application/json"}

ROWS: tuple[Row, ...] = (
    top("contents", [text("other")], CARRIED),
    top("systemInstruction", {"parts": [{"text": "s"}]}, CARRIED),
    top("tools", [{"functionDeclarations": [{"name": "f"}]}], CARRIED),
    top("toolConfig", {"functionCallingConfig": {"mode": "NONE"}}, CARRIED),
    top("generationConfig", {"temperature": 0.5}, CARRIED),
    top("serviceTier", "flex", CARRIED),
    top("labels", {"team": "a"}, CARRIED),
    top("safetySettings", [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}], NAMED),
    top("cachedContent", "cachedContents/a", REFUSED, "messages[0].content[0]"),
    top("modelArmorConfig", {"promptTemplateName": "a"}, NAMED),
    top("continuationToken", "AA==", NAMED),
    top("generationOutputConfig", {"a": 1}, NAMED),
    top("store", True, NAMED),
    Row("Request", "model", SAME, why="it stands in the path"),
    config("temperature", 0.5, CARRIED),
    config("topP", 0.5, CARRIED),
    config("topK", 5, CARRIED),
    config("candidateCount", 2, CARRIED),
    config("maxOutputTokens", 9, CARRIED),
    config("stopSequences", ["a"], CARRIED),
    config("responseLogprobs", True, CARRIED),
    config("logprobs", 2, CARRIED, responseLogprobs=True),
    config("presencePenalty", 0.5, CARRIED),
    config("frequencyPenalty", 0.5, CARRIED),
    config("seed", 5, CARRIED),
    config("responseMimeType", "application/json", CARRIED),
    config("responseSchema", SCHEMA, CARRIED, **JSON),
    config("responseJsonSchema", JSON_SCHEMA, CARRIED, **JSON),
    config("responseModalities", ["TEXT", "AUDIO"], CARRIED),
    Row("GenerationConfig", "thinkingConfig", CARRIED, thinking("thinkingBudget", 2000, CARRIED).body),
    config("mediaResolution", "MEDIA_RESOLUTION_LOW", NAMED),
    config("speechConfig", {"languageCode": "de"}, NAMED),
    config("imageConfig", {"aspectRatio": "16:9"}, NAMED),
    config("audioTimestamp", True, NAMED),
    config("enableAffectiveDialog", True, NAMED),
    config("enableEnhancedCivicAnswers", True, NAMED),
    config("routingConfig", {"autoMode": {}}, NAMED),
    config("modelSelectionConfig", {"a": 1}, NAMED),
    config("responseFormat", [{"a": 1}], NAMED),
    config("translationConfig", {"a": 1}, NAMED),
    config("audioTranscriptionConfig", {"a": 1}, NAMED),
    thinking("thinkingBudget", 2000, CARRIED),
    thinking("thinkingLevel", "LOW", CARRIED),
    thinking("includeThoughts", True, CARRIED),
    Row("Content", "parts", CARRIED, {"contents": [text("other")]}),
    Row("Content", "role", CARRIED, {"contents": [text("hi"), {"role": "model", "parts": [{"text": "a"}]}]}),
    part("text", CARRIED, {"text": "a"}),
    part("thought", CARRIED, {"text": "a", "thought": True}),
    part("thoughtSignature", CARRIED, {"text": "a", "thoughtSignature": "c2ln"}),
    part("inlineData", CARRIED, PICTURE),
    part("fileData", CARRIED, {"fileData": {"fileUri": "https://e.org/a.png", "mimeType": "image/png"}}),
    part("functionCall", CARRIED, CALL),
    Row("Part", "functionResponse", CARRIED, result("response", CARRIED, {"result": "y"}).body),
    part("mediaResolution", CARRIED, {**PICTURE, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}),
    part("executableCode", REFUSED, {"executableCode": {"code": "1"}}, told="messages[1].content[0]"),
    part("codeExecutionResult", REFUSED, {"codeExecutionResult": {}}, told="messages[1].content[0]"),
    part("toolCall", REFUSED, {"toolCall": {"id": "a"}}, told="messages[1].content[0]"),
    part("toolResponse", REFUSED, {"toolResponse": {"id": "a"}}, told="messages[1].content[0]"),
    part("audioTranscription", REFUSED, {"audioTranscription": {"text": "a"}}, told="messages[1].content[0]"),
    part("videoMetadata", NAMED, {**PICTURE, "videoMetadata": {"fps": 1}}),
    part("partMetadata", NAMED, {"text": "a", "partMetadata": {"a": 1}}),
    part("mediaProcessing", NAMED, {**PICTURE, "mediaProcessing": {"a": 1}}),
    part("speechMetadata", NAMED, {"text": "a", "speechMetadata": {"a": 1}}),
    part("documentMetadata", NAMED, {**PICTURE, "documentMetadata": {"a": 1}}),
    part("spreadsheetMetadata", NAMED, {**PICTURE, "spreadsheetMetadata": {"a": 1}}),
    part("audioMetadata", NAMED, {**PICTURE, "audioMetadata": {"a": 1}}),
    part("data", CARRIED, PICTURE, "Blob"),
    part("mimeType", CARRIED, PICTURE, "Blob"),
    part(
        "displayName",
        CARRIED,
        {"inlineData": {"mimeType": "application/pdf", "data": "AA==", "displayName": "a.pdf"}},
        "Blob",
    ),
    part("fileUri", CARRIED, {"fileData": {"fileUri": "https://e.org/a.png"}}, "FileData"),
    part(
        "mimeType", CARRIED, {"fileData": {"fileUri": "https://e.org/a", "mimeType": "image/png"}}, "FileData"
    ),
    part(
        "displayName",
        CARRIED,
        {"fileData": {"fileUri": "https://e.org/a.png", "displayName": "a"}},
        "FileData",
    ),
    part("id", CARRIED, CALL, "FunctionCall"),
    part("name", CARRIED, CALL, "FunctionCall"),
    part("args", CARRIED, {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}, "FunctionCall"),
    part(
        "partialArgs",
        REFUSED,
        {"functionCall": {"name": "f", "partialArgs": []}},
        "FunctionCall",
        "messages[1].content[0]",
    ),
    part(
        "willContinue",
        REFUSED,
        {"functionCall": {"name": "f", "willContinue": True}},
        "FunctionCall",
        "messages[1].content[0]",
    ),
    result("id", CARRIED, "c"),
    result("name", CARRIED, "f"),
    result("response", CARRIED, {"error": "x"}),
    result("parts", CARRIED, [PICTURE]),
    result("willContinue", NAMED, False),
    result("scheduling", NAMED, "SILENT"),
    within("inlineData", CARRIED, PICTURE, ""),
    within("fileData", CARRIED, {"fileData": {"fileUri": "https://e.org/a.png"}}, ""),
    within("mediaResolution", CARRIED, {**PICTURE, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}, ""),
    within("videoMetadata", NAMED, {**PICTURE, "videoMetadata": {"fps": 1}}, "messages[2].videoMetadata"),
    within("mediaProcessing", NAMED, {**PICTURE, "mediaProcessing": {}}, "messages[2].mediaProcessing"),
    within("documentMetadata", NAMED, {**PICTURE, "documentMetadata": {}}, "messages[2].documentMetadata"),
    within(
        "spreadsheetMetadata",
        NAMED,
        {**PICTURE, "spreadsheetMetadata": {}},
        "messages[2].spreadsheetMetadata",
    ),
    within("audioMetadata", NAMED, {**PICTURE, "audioMetadata": {}}, "messages[2].audioMetadata"),
    tool("functionDeclarations", [{"name": "f"}], CARRIED),
    tool("googleSearch", {}),
    tool("googleSearchRetrieval", {}),
    tool("urlContext", {}),
    tool("codeExecution", {}),
    tool("googleMaps", {}),
    tool("fileSearch", {"fileSearchStoreNames": ["a"]}),
    tool("computerUse", {"environment": "ENVIRONMENT_BROWSER"}),
    tool("retrieval", {}),
    tool("enterpriseWebSearch", {}),
    tool("parallelAiSearch", {}),
    tool("exaAiSearch", {}),
    tool("mcpServers", [{"name": "a"}]),
    function("name", "g", CARRIED),
    function("description", "F", CARRIED),
    function("parameters", SCHEMA, CARRIED),
    function("parametersJsonSchema", JSON_SCHEMA, CARRIED),
    function("response", SCHEMA, NAMED),
    function("responseJsonSchema", JSON_SCHEMA, NAMED),
    function("behavior", "NON_BLOCKING", NAMED),
    calling("ToolConfig", "functionCallingConfig", CARRIED, functionCallingConfig={"mode": "ANY"}),
    calling("ToolConfig", "retrievalConfig", NAMED, retrievalConfig={"languageCode": "de"}),
    calling("ToolConfig", "includeServerSideToolInvocations", NAMED, includeServerSideToolInvocations=True),
    calling("FunctionCallingConfig", "mode", CARRIED, functionCallingConfig={"mode": "NONE"}),
    calling(
        "FunctionCallingConfig",
        "allowedFunctionNames",
        CARRIED,
        functionCallingConfig={"mode": "ANY", "allowedFunctionNames": ["f"]},
    ),
    calling(
        "FunctionCallingConfig",
        "streamFunctionCallArguments",
        NAMED,
        functionCallingConfig={"mode": "AUTO", "streamFunctionCallArguments": True},
    ),
)
