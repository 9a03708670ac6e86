"""Where a model is asked: in the path, behind it the method.

https://ai.google.dev/api/generate-content (2026-11-25); `publishers/google`: Vertex AI with an API key,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview (2026-11-25).
"""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from waypost.dialects.dialect import Entry
from waypost.errors import InvalidRequest

_HEADS = (
    "/v1beta/models/",
    "/v1/models/",
    "/v1alpha/models/",
    "/v1beta1/publishers/google/models/",
    "/v1/publishers/google/models/",
)


def entries(method: str, *, stream: bool = False) -> tuple[Entry, ...]:
    """The paths of one method."""
    return tuple(Entry(f"{head}{{model}}:{method}", stream, mounted=False) for head in _HEADS)


def bare_model(model: str) -> str:
    """`models/gemini-2.5-pro` as `gemini-2.5-pro`."""
    return model.removeprefix("models/")


def onward_path(model: str, method: str) -> str:
    """`/models/{model}:{method}`. Raises InvalidRequest for an id that can not stand in a path."""
    name = bare_model(model)
    if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
        raise InvalidRequest(
            f"The model id {name[:64]!r} can not stand in a path. Name a model such as `gemini-2.5-flash`.",
            param="model",
        )
    return f"/models/{quote(name, safe='@')}:{method}"


def wants_events(query: bytes) -> bool:
    """Whether a stream is asked for as server-sent events and not as one JSON array: `alt=sse`."""
    return parse_qs(query.decode("latin-1")).get("alt", [""])[-1].lower() == "sse"
