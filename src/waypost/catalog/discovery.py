"""Read a provider's model list. Pure: who fetches it, and when, is decided elsewhere.

Shapes read: OpenAI's and Anthropic's `{"data": [{"id": …}]}` (https://platform.openai.com/docs/api-reference/models/list,
https://platform.claude.com/docs/en/api/models/list), a bare list (Together, the GitHub Models catalogue, and with
`model_id` ElevenLabs, https://elevenlabs.io/docs/api-reference/models/list),
`{"models": [{"name" | "id": …}]}` (Ollama, https://docs.cohere.com/reference/list-models,
https://ai.google.dev/api/models), Bedrock's `modelSummaries`, Cloudflare's `result` and Databricks' `endpoints`. The
fields are those of the vendors' own client libraries (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from waypost.core.facts import ModelFacts
from waypost.errors import Garbled

BODY_MAX = 16 * 1024 * 1024
MODELS_MAX = 5000
ID_MAX = 256
#: More tokens than this is a mistake of the list, not a context size.
TOKENS_MAX = 1_000_000_000

#: Where the entries are, and which of their fields is what a request names.
_LISTS: dict[str, tuple[str, ...]] = {
    "data": ("id", "name", "model"),
    "models": ("id", "name", "model"),
    "modelSummaries": ("modelId",),
    "result": ("name",),
    "endpoints": ("name",),
}
_BARE = ("id", "model_id", "name", "model")

_CONTEXT = (
    "context_length", "context_window", "max_model_len", "max_context_length", "max_input_tokens",
    "inputTokenLimit", "n_ctx",
)  # fmt: skip
_MAX_OUTPUT = (
    "max_completion_tokens", "max_output_tokens", "max_output_length", "outputTokenLimit",
)  # fmt: skip
_DIGITS = re.compile(r"[0-9]{1,10}")
_MODALITIES = ("text", "image", "audio", "video", "file")
_MODES = {
    "chat": "chat", "language": "chat", "text-generation": "chat", "embedding": "embedding",
    "embeddings": "embedding", "rerank": "rerank", "moderation": "moderation", "image": "image_generation",
    "transcribe": "audio_transcription", "audio": "audio_speech",
    # Gemini's methods, Cohere's endpoints, Bedrock's outputs, Cloudflare's and Databricks' tasks.
    "generatecontent": "chat", "embedcontent": "embedding", "embed": "embedding", "text": "chat",
    "text generation": "chat", "text embeddings": "embedding", "text-to-image": "image_generation",
    "automatic speech recognition": "audio_transcription", "llm/v1/chat": "chat",
    "llm/v1/embeddings": "embedding",
}  # fmt: skip
_MODE_FIELDS = ("type", "supportedGenerationMethods", "endpoints", "outputModalities", "task")
_PARAMETERS = {
    "tools": "tools", "structured_outputs": "json_schema", "reasoning": "reasoning",
    "function_calling": "tools", "vision": "vision", "supports_tools": "tools",
    "image_input": "vision", "thinking": "reasoning",
}  # fmt: skip


class ListedModel(msgspec.Struct, frozen=True):
    """A model as its provider lists it."""

    id: str
    """As the provider wants it in a request; a leading `models/` is left out."""
    facts: ModelFacts = ModelFacts()


def parse_models(body: bytes) -> tuple[ListedModel, ...]:
    """The models of a list, in its order, each id once. Entries without a usable id are passed over.

    Raises Garbled when the body is too large, is not JSON, or holds no list of models.
    """
    if len(body) > BODY_MAX:
        raise Garbled(f"The model list is larger than {BODY_MAX} bytes.")
    try:
        document: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Garbled("The model list is not JSON.") from None
    found = _entries(document)
    if found is None:
        raise Garbled("The answer is JSON, but not a list of models.")
    entries, names = found
    listed: dict[str, ListedModel] = {}
    for entry in entries:
        model = _identity(entry, names)
        if model is not None and model not in listed:
            listed[model] = ListedModel(model, _facts(entry) if isinstance(entry, dict) else ModelFacts())
            if len(listed) >= MODELS_MAX:
                break
    if entries and not listed:
        raise Garbled("No entry of the model list has a name.")
    return tuple(listed.values())


def _entries(document: object) -> tuple[list[object], tuple[str, ...]] | None:
    """The entries, and the fields that may name them."""
    if isinstance(document, dict):
        for key, names in _LISTS.items():
            if isinstance(document.get(key), list):
                return document[key], names
    return (document, _BARE) if isinstance(document, list) else None


def _identity(entry: object, names: Sequence[str]) -> str | None:
    if isinstance(entry, dict):
        if entry.get("lifecycle") == "retired":
            return None  # Anthropic lists them for the record; a request that names one fails
        given = [entry.get(key) for key in names]
        entry = next((name for name in given if isinstance(name, str) and name), None)
    if not isinstance(entry, str):
        return None
    model = entry.removeprefix("models/")
    usable = 0 < len(model) <= ID_MAX and model.isprintable() and not any(c.isspace() for c in model)
    return model if usable else None


def _facts(entry: Mapping[str, object]) -> ModelFacts:
    places: list[Mapping[str, object]] = [entry]
    for key in ("top_provider", "limits", "meta", "architecture", "metadata"):
        nested = entry.get(key)
        if isinstance(nested, dict):
            places.append(nested)
    properties = entry.get("properties")
    if isinstance(properties, list):
        places.append(_properties(properties))
    largest = _first_count(places, _MAX_OUTPUT)
    if largest is None and "max_input_tokens" in entry:
        largest = _first_count(
            places, ("max_tokens",)
        )  # Anthropic's name of it; with others it is the context
    return ModelFacts(
        context=_first_count(places, _CONTEXT),
        max_output=largest,
        modalities=_modalities(places),
        features=_features(entry),
        mode=_mode(entry),
    )


def _properties(properties: Sequence[object]) -> Mapping[str, object]:
    """Cloudflare's `[{"property_id": "context_window", "value": "24000"}]` as a mapping, digits as numbers."""
    found: dict[str, object] = {}
    for each in properties:
        if isinstance(each, dict) and isinstance(each.get("property_id"), str):
            value = each.get("value")
            found[each["property_id"]] = (
                int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
            )
    return found


def _mode(entry: Mapping[str, object]) -> str | None:
    """What it is for: the first of its words that is known."""
    for field in _MODE_FIELDS:
        value = entry.get(field)
        if isinstance(value, dict):
            value = value.get("name")
        for word in value if isinstance(value, list) else (value,):
            mode = _MODES.get(word.lower()) if isinstance(word, str) else None
            if mode is not None:
                return mode
    return None


def _first_count(places: Iterable[Mapping[str, object]], keys: Sequence[str]) -> int | None:
    for place in places:
        for key in keys:
            value = place.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= TOKENS_MAX:
                return value
    return None


def _modalities(places: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    for place in places:
        for key in ("input_modalities", "supported_input_modalities", "inputModalities"):
            value = place.get(key)
            if isinstance(value, list):
                said = {name.lower() for name in value if isinstance(name, str)}
                return tuple(name for name in _MODALITIES if name in said)
    return ()


def _features(entry: Mapping[str, object]) -> tuple[str, ...]:
    names: set[str] = set()
    for key in ("supported_parameters", "supported_features", "capabilities", "features"):
        value = entry.get(key)
        if isinstance(value, list):
            names.update(name for name in value if isinstance(name, str))
        elif isinstance(value, dict):
            names.update(name for name, on in value.items() if on is True or _supported(on))
    return tuple(sorted({_PARAMETERS[name] for name in names if name in _PARAMETERS}))


def _supported(value: object) -> bool:
    """Anthropic's `{"supported": true}`."""
    return isinstance(value, dict) and value.get("supported") is True
