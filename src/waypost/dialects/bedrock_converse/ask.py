"""A Converse request, read as far as admission, routing and metering need. The model and whether it streams are in
the path: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11-25)."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from waypost.core.asked import Asked, Onward, PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.bedrock_converse.estimate import input_tokens
from waypost.dialects.fields import Fields, parse_body, parse_nested, read_integer, read_string, render_fields
from waypost.dialects.json_limits import JsonLimits
from waypost.errors import InvalidRequest

MAX_TOKENS = 1_000_000_000
_MODEL_CAP = 2048

#: Fields that a rule or the meter reads, by their spelling in lower case.
_GOVERNED = {
    name.casefold(): name
    for name in (
        "messages", "system", "toolConfig", "inferenceConfig", "outputConfig", "promptVariables", "requestMetadata",
        "additionalModelRequestFields", "serviceTier", "performanceConfig", "guardrailConfig",
    )
}  # fmt: skip
#: Of those, the ones that are read further, with what is read in them.
_INNER = {
    "inferenceConfig": {"maxtokens": "maxTokens"},
    "serviceTier": {"type": "type"},
}
#: What the model is shown.
_SHOWN = (
    "messages",
    "system",
    "toolConfig",
    "outputConfig",
    "promptVariables",
    "additionalModelRequestFields",
)
_NONE_GOVERNED: frozenset[str] = frozenset()
_PROMPT = ":prompt/"
_EMPTY = frozenset((b"null", b"[]"))


def parse_ask(body: bytes, limits: JsonLimits, path: PathAsk) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits, _NONE_GOVERNED)
    _check_spelling(fields, _GOVERNED)
    if "modelId" in fields:
        raise InvalidRequest(
            "`modelId` belongs in the path, /bedrock/model/{modelId}/converse, and not in the body. Leave it out.",
            param="modelId",
        )
    if not path.model or len(path.model) > _MODEL_CAP:
        raise InvalidRequest(
            "The path names no model. Ask at /bedrock/model/{modelId}/converse; GET /v1/models lists models.",
            param="modelId",
        )
    _check_messages(fields, path.model)
    inference, tier = _inner(fields, "inferenceConfig"), _inner(fields, "serviceTier")
    return Asked(
        model=path.model,
        stream=path.stream,
        fields=fields,
        wants_usage=True,
        max_output=read_integer(inference, "maxTokens", 0, MAX_TOKENS),
        input_estimate=sum(input_tokens(bytes(fields[name])) for name in _SHOWN if name in fields),
        tier=read_string(tier, "type"),
    )


def _check_messages(fields: Fields, model: str) -> None:
    raw = fields.get("messages")
    text = b"null" if raw is None else bytes(raw)
    if text[:1] == b"[" and text[1:].lstrip()[:1] != b"]":
        return
    # A prompt of Bedrock's prompt management brings its own messages.
    if _PROMPT not in model or text not in _EMPTY:
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")


def _inner(fields: Fields, name: str) -> Fields:
    """A nested object, rendered anew into `fields` so that repeated keys collapse."""
    raw = fields.get(name)
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        inner = parse_nested(raw)
    except ValueError:
        raise InvalidRequest(f"`{name}` has to be an object.", param=name) from None
    _check_spelling(inner, _INNER[name])
    fields[name] = msgspec.Raw(render_fields(inner))
    return inner


def _check_spelling(fields: Fields, governed: dict[str, str]) -> None:
    """Refuses `InferenceConfig` beside or in place of `inferenceConfig`: a reader that matches names without regard
    to case would read a value that no rule here has seen."""
    for name in fields:
        wanted = governed.get(name.casefold())
        if wanted is not None and wanted != name:
            raise InvalidRequest(f"The field {name[:64]!r} has to be spelt {wanted!r}.", param=name[:64])


def render_onward(asked: Asked, model: str, quirks: Quirks) -> Onward:
    """The body for one target, whose model is in its path: the client's fields as they came, without those that the
    provider refuses."""
    del model
    if not quirks.drop:
        return Onward(render_fields(asked.fields))
    dropped = tuple(name for name in quirks.drop if name in asked.fields)
    return Onward(
        render_fields({name: raw for name, raw in asked.fields.items() if name not in quirks.drop}), dropped
    )


def onward_path(model: str, stream: bool) -> str:
    """See `model_path`."""
    return f"{model_path(model)}/converse{'-stream' if stream else ''}"


def model_path(model: str) -> str:
    """Every character of the id but letters, digits and `-._~` is percent-encoded, as AWS's own clients do. Raises
    InvalidRequest for an id that can not stand in a path."""
    if not model or len(model) > _MODEL_CAP or model in (".", ".."):
        raise InvalidRequest(
            f"The model id {model[:64]!r} can not stand in a path. Correct it in the route's target.",
            param="model",
        )
    return f"/model/{quote(model, safe='')}"
