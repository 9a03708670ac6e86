"""Read a provider's model list. Pure: who fetches it, and when, is decided elsewhere.

Shapes read: OpenAI's `{"data": [{"id": …}]}` (https://platform.openai.com/docs/api-reference/models/list), a bare
list (Together, the GitHub Models catalogue), and `{"models": [{"name" | "id": …}]}` (Ollama, Cohere, Gemini).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from waypost.core.facts import ModelFacts
from waypost.errors import Garbled

BODY_MAX = 16 * 1024 * 1024
MODELS_MAX = 5000
ID_MAX = 256
#: More tokens than this is a mistake of the list, not a context size.
TOKENS_MAX = 1_000_000_000

_CONTEXT = (
    "context_length", "context_window", "max_model_len", "max_context_length", "max_input_tokens",
    "inputTokenLimit", "n_ctx",
)  # fmt: skip
_MAX_OUTPUT = ("max_completion_tokens", "max_output_tokens", "max_output_length", "outputTokenLimit")
_MODALITIES = ("text", "image", "audio", "video", "file")
_MODES = {
    "chat": "chat", "language": "chat", "text-generation": "chat", "embedding": "embedding",
    "embeddings": "embedding", "rerank": "rerank", "moderation": "moderation", "image": "image_generation",
    "transcribe": "audio_transcription", "audio": "audio_speech",
}  # fmt: skip
_PARAMETERS = {
    "tools": "tools", "structured_outputs": "json_schema", "reasoning": "reasoning",
    "function_calling": "tools", "vision": "vision", "supports_tools": "tools",
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
    entries = _entries(document)
    if entries is None:
        raise Garbled("The answer is JSON, but not a list of models.")
    listed: dict[str, ListedModel] = {}
    for entry in entries:
        model = _identity(entry)
        if model is not None and model not in listed:
            listed[model] = ListedModel(model, _facts(entry) if isinstance(entry, dict) else ModelFacts())
            if len(listed) >= MODELS_MAX:
                break
    if entries and not listed:
        raise Garbled("No entry of the model list has a name.")
    return tuple(listed.values())


def _entries(document: object) -> list[object] | None:
    if isinstance(document, dict):
        for key in ("data", "models"):
            if isinstance(document.get(key), list):
                document = document[key]
                break
    return document if isinstance(document, list) else None


def _identity(entry: object) -> str | None:
    if isinstance(entry, dict):
        names = [entry.get(key) for key in ("id", "name", "model")]
        entry = next((name for name in names if isinstance(name, str) and name), None)
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
    mode = entry.get("type")
    return ModelFacts(
        context=_first_count(places, _CONTEXT),
        max_output=_first_count(places, _MAX_OUTPUT),
        modalities=_modalities(places),
        features=_features(entry),
        mode=_MODES.get(mode) if isinstance(mode, str) else None,
    )


def _first_count(places: Iterable[Mapping[str, object]], keys: Sequence[str]) -> int | None:
    for place in places:
        for key in keys:
            value = place.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= TOKENS_MAX:
                return value
    return None


def _modalities(places: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    for place in places:
        for key in ("input_modalities", "supported_input_modalities"):
            value = place.get(key)
            if isinstance(value, list):
                return tuple(name for name in _MODALITIES if name in value)
    return ()


def _features(entry: Mapping[str, object]) -> tuple[str, ...]:
    names: set[str] = set()
    for key in ("supported_parameters", "supported_features", "capabilities"):
        value = entry.get(key)
        if isinstance(value, list):
            names.update(name for name in value if isinstance(name, str))
        elif isinstance(value, dict):
            names.update(name for name, on in value.items() if on is True)
    return tuple(sorted({_PARAMETERS[name] for name in names if name in _PARAMETERS}))
