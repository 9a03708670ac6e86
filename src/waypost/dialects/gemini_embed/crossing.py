"""`gemini_embed` and `gemini_embed_batch` to the core and back: https://ai.google.dev/api/embeddings (2026-11-25).

| of the core | here |
|---|---|
| texts, pictures, files | the parts of a `content` |
| `dimensions`, `purpose` | `outputDimensionality`, `taskType`: also read in `embedContentConfig` |
| `truncate`, `user` | dropped and named |
| token ids; several inputs, where there is no batch | refused |

A `title` and the rest of `embedContentConfig` stay between Google's own. A batch whose requests want different settings
is refused by targets of other dialects, which have one for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from waypost.core.asked import Asked, Reply, Stamp
from waypost.core.embed import EmbedInput, EmbedRequest, EmbedResponse, Purpose, Vector
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.costs import put_cost
from waypost.dialects.embedding import drop_refused, name_lost, single
from waypost.dialects.fields import Fields, parse_nested
from waypost.dialects.gemini.paths import bare_model
from waypost.dialects.gemini.usage import render_counts
from waypost.dialects.gemini_embed.parts import NAME, Taking, parse_parts, render_parts
from waypost.dialects.taking import INTEGER, TEXT, Json, object_raw, put, put_extras
from waypost.dialects.vectors import numbers_of, read_vector
from waypost.errors import Garbled, InvalidRequest, Unrepresentable

BATCH: Final = "gemini_embed_batch"
_CONFIG = "embedContentConfig"
#: https://ai.google.dev/api/embeddings#v1beta.TaskType (2026-11-25)
_TASKS: Mapping[str, Purpose] = MappingProxyType(
    {
        "RETRIEVAL_QUERY": "search_query",
        "RETRIEVAL_DOCUMENT": "search_document",
        "SEMANTIC_SIMILARITY": "similarity",
        "CLASSIFICATION": "classification",
        "CLUSTERING": "clustering",
        "CODE_RETRIEVAL_QUERY": "code_query",
        "QUESTION_ANSWERING": "question_answering",
        "FACT_VERIFICATION": "fact_verification",
    }
)
_WORDS: Mapping[Purpose, str] = MappingProxyType({purpose: task for task, purpose in _TASKS.items()})
_NAMES: Mapping[str, str] = MappingProxyType({"dimensions": "outputDimensionality", "purpose": "taskType"})
_ONE_NAMES: Mapping[str, str] = MappingProxyType({**_NAMES, "input": "content"})
_BATCH_NAMES: Mapping[str, str] = MappingProxyType({**_NAMES, "input": "requests"})
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {"taskType": frozenset((b'"TASK_TYPE_UNSPECIFIED"',)), "title": frozenset((b'""',))}
)


class _Embedding(msgspec.Struct, gc=False):
    values: msgspec.Raw


class _One(msgspec.Struct, gc=False):
    """One of the fields of a request that hold for all inputs in other dialects."""

    purpose: Purpose | None
    dimensions: int | None


_EMBEDDING = msgspec.json.Decoder(_Embedding)
_EMBEDDINGS: msgspec.json.Decoder[list[_Embedding]] = msgspec.json.Decoder(list[_Embedding])


class EmbedCrossing:
    """An `EmbedCodec`, for one content or for a batch."""

    __slots__ = ("_parse_reply", "dialect", "many")

    def __init__(self, parse_reply: Callable[[bytes], Reply], *, batch: bool) -> None:
        self.dialect = NAME
        self.many = batch
        self._parse_reply = parse_reply

    @property
    def names(self) -> Mapping[str, str]:
        """Google's camel-case names."""
        return _BATCH_NAMES if self.many else _ONE_NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """An unspecified task, and an empty title."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> EmbedRequest:
        """Raises InvalidRequest, and Unrepresentable for a batch of different settings."""
        whole = Taking(asked.fields)
        whole.rest.pop("model", None)
        if not self.many:
            item, settings = _parse_one(whole, "content")
            return EmbedRequest(
                asked.model, (item,), dimensions=settings.dimensions, purpose=settings.purpose
            )
        found = [
            _parse_one(Taking(parse_nested(raw)), f"requests[{number}].content")
            for number, raw in enumerate(whole.take_items("requests"))
        ]
        first = found[0][1]
        for number, (_, settings) in enumerate(found):
            _check_same(first, settings, number)
        return EmbedRequest(
            asked.model,
            tuple(item for item, _ in found),
            dimensions=first.dimensions,
            purpose=first.purpose,
            extras=whole.extras(),
        )

    def render_request(self, request: EmbedRequest, quirks: Quirks, loss: Loss) -> bytes:
        """Raises Unrepresentable for token ids, and for several inputs where there is no batch."""
        name_lost(request, loss, "truncate", "user")
        if not self.many:
            out = _render_one(request, single(request), 0, loss)
            return msgspec.json.encode(drop_refused(out, quirks, loss))
        model: Json = {"model": f"models/{bare_model(request.model)}"}
        requests = [
            drop_refused(model | _render_one(request, item, number, loss), quirks, loss)
            for number, item in enumerate(request.inputs)
        ]
        return msgspec.json.encode(put_extras({"requests": requests}, request.extras, NAME))

    def parse_response(self, body: bytes) -> EmbedResponse:
        """Raises Garbled, and what the provider reports inside a 200."""
        reply = self._parse_reply(body)
        return EmbedResponse(_read_vectors(reply.fields), usage=reply.usage)

    def render_response(
        self, response: EmbedResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """Raises Garbled where one vector was to come and another number came."""
        made = [{"values": numbers_of(vector)} for vector in response.vectors]
        if not self.many and len(made) != 1:
            raise Garbled(
                f"The provider answered one input with {len(made)} embeddings. Try again, or another model."
            )
        out: Json = {"embeddings": made} if self.many else {"embedding": made[0]}
        if response.usage is not None:
            out["usageMetadata"] = _render_usage(response.usage, cost_nusd)
        return msgspec.json.encode(out)


def _parse_one(fields: Taking, where: str) -> tuple[EmbedInput, _One]:
    fields.rest.pop("model", None)
    content = fields.take_object("content")
    if content is None:
        raise InvalidRequest(f"`{where}` has to be an object.", param=where)
    parts = parse_parts(content, where)
    settings = _One(_take_purpose(fields), fields.take("outputDimensionality", INTEGER))
    config = fields.take_object(_CONFIG)
    if config is not None:
        inner = Taking(config)
        settings.purpose = _take_purpose(inner) or settings.purpose
        settings.dimensions = inner.take("outputDimensionality", INTEGER) or settings.dimensions
        if inner.rest:
            fields.rest[_CONFIG] = object_raw(inner.rest)
    return EmbedInput(parts, fields.extras()), settings


def _take_purpose(fields: Taking) -> Purpose | None:
    word = fields.take("taskType", TEXT)
    purpose = _TASKS.get(word or "")
    if word is not None and purpose is None:
        fields.rest["taskType"] = msgspec.Raw(msgspec.json.encode(word))
    return purpose


def _check_same(first: _One, other: _One, number: int) -> None:
    for name in ("purpose", "dimensions"):
        if getattr(first, name) != getattr(other, name):
            field = _NAMES[name]
            raise Unrepresentable(
                f"The requests of this batch differ in `{field}`, and this model takes one for all. Send a batch for "
                "each.",
                param=f"requests[{number}].{field}",
            )


def _render_one(request: EmbedRequest, item: EmbedInput, number: int, loss: Loss) -> Json:
    out = put(
        {"content": {"parts": render_parts(item, number, loss)}},
        taskType=None if request.purpose is None else _WORDS[request.purpose],
        outputDimensionality=request.dimensions,
    )
    return put_extras(out, item.extras, NAME)


def _read_vectors(fields: Fields) -> tuple[Vector, ...]:
    """`embeddings` of a batch, `embedding` of one."""
    try:
        if "embeddings" in fields:
            found = _EMBEDDINGS.decode(fields["embeddings"])
        else:
            found = [_EMBEDDING.decode(fields["embedding"])]
    except (KeyError, ValueError):
        raise Garbled("The provider's answer has no embeddings. Try again, or another model.") from None
    return tuple(read_vector(each.values) for each in found)


def _render_usage(usage: Usage, cost_nusd: int | None) -> Json:
    out: Json = {**render_counts(usage)}
    if usage.source != "reported":
        out["estimated"] = True
    put_cost(out, cost_nusd)
    return out
