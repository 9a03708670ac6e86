"""Cohere's embedding requests: https://docs.cohere.com/reference/embed, cohere-python 7.3 (2026-11-25)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, TypeVar

import msgspec

from waypost.core.asked import Asked
from waypost.core.embed import EmbedInput, EmbedRequest, Purpose, TokenIds, Truncate
from waypost.core.loss import Loss
from waypost.core.request import Media, Opaque, Text
from waypost.dialects import taking
from waypost.dialects.embedding import not_shown, text_of
from waypost.dialects.taking import (
    INTEGER,
    ITEMS,
    TEXT,
    TEXTS,
    Json,
    object_or_none,
    put,
    text_or_none,
)
from waypost.errors import InvalidRequest, Unrepresentable

NAME: Final = "cohere_embed"
Part = Text | Media | TokenIds | Opaque
V = TypeVar("V")

_PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        "search_query": "search_query",
        "search_document": "search_document",
        "classification": "classification",
        "clustering": "clustering",
    }
)
#: Purposes that Cohere has no word for, with the one that is nearest.
_NEAREST: Mapping[Purpose, str] = MappingProxyType(
    {
        "similarity": "search_document",
        "code_query": "search_query",
        "question_answering": "search_query",
        "fact_verification": "search_query",
    }
)
#: What Cohere has to be told, where the client did not say: of texts, and of pictures alone.
UNSAID, PICTURES = "search_document", "image"
_CUTS: Mapping[str, Truncate] = MappingProxyType({"NONE": "none", "START": "start", "END": "end"})
_GIVEN = ("texts", "images", "inputs")
#: Types of vectors that the core carries.
_CARRIED = frozenset(("float", "base64"))


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME


def wanted_types(asked: Asked) -> list[str]:
    """The types of vectors that a client wants."""
    fields = Taking({"embedding_types": asked.fields.get("embedding_types", msgspec.Raw(b"null"))})
    return fields.take("embedding_types", TEXTS) or ["float"]


def parse_request(asked: Asked) -> EmbedRequest:
    """Raises InvalidRequest, and Unrepresentable for vectors of small integers or bits."""
    fields = Taking(asked.fields)
    fields.rest.pop("model")
    types = wanted_types(asked)
    fields.take("embedding_types", TEXTS)
    for name in types:
        if name not in _CARRIED:
            raise Unrepresentable(
                f"Embeddings of the type {name[:32]!r} are only to be had from Cohere's own API. Ask for `float` or "
                "`base64`.",
                param="embedding_types",
            )
    inputs = _parse_inputs(fields)
    purpose, cut = _take(fields, "input_type", _PURPOSES), _take(fields, "truncate", _CUTS)
    fields.take_constant("input_type", PICTURES)
    return EmbedRequest(
        asked.model,
        inputs,
        dimensions=fields.take("output_dimension", INTEGER),
        encoding="base64" if types == ["base64"] else "float",
        purpose=purpose,
        truncate=cut,
        extras=fields.extras(),
    )


def _take(fields: Taking, name: str, words: Mapping[str, V]) -> V | None:
    word = fields.take(name, TEXT)
    value = words.get(word or "")
    if word is not None and value is None:
        fields.rest[name] = msgspec.Raw(msgspec.json.encode(word))
    return value


def _parse_inputs(fields: Taking) -> tuple[EmbedInput, ...]:
    given = {name: items for name in _GIVEN if (items := fields.take_items(name))}
    if len(given) != 1:
        raise InvalidRequest(
            "One of `texts`, `images` and `inputs` has to have something in it, and only one of them.",
            param=next(iter(given), "texts"),
        )
    name, items = given.popitem()
    return tuple(EmbedInput(_parse_item(name, raw, f"{name}[{i}]")) for i, raw in enumerate(items))


def _parse_item(name: str, raw: msgspec.Raw, where: str) -> tuple[Part, ...]:
    if name == "inputs":
        content = (object_or_none(raw) or {}).get("content", msgspec.Raw(b"[]"))
        parts = tuple(_parse_part(part) for part in _items(content))
        if not parts:
            raise InvalidRequest(f"`{where}.content` has to be an array of parts.", param=where)
        return parts
    text = text_or_none(raw)
    if text is None:
        raise InvalidRequest(f"`{where}` has to be a string.", param=where)
    return (Text(text) if name == "texts" else _picture(text),)


def _items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return ITEMS.decode(raw)
    except ValueError:
        return []


def _parse_part(raw: msgspec.Raw) -> Part:
    fields = Taking(object_or_none(raw) or {})
    if fields.take_constant("type", "text"):
        text = fields.take("text", TEXT)
        if text is not None and not fields.rest:
            return Text(text)
    elif fields.take_constant("type", "image_url"):
        inner = Taking(fields.take_object("image_url") or {})
        url = inner.take("url", TEXT)
        if url is not None and not fields.rest and not inner.rest:
            return _picture(url)
    return Opaque(NAME, raw)


def _picture(url: str) -> Media:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Media("image", data=data, mime=head[5:-7] or None)
    return Media("image", url=url)


def render_body(request: EmbedRequest, loss: Loss, cuts: Mapping[Truncate, str] | None = None) -> Json:
    """The request without its model. `cuts`: the target's words for `truncate`, where they are others. Always floats:
    what Cohere means by base64 it does not say. Raises Unrepresentable."""
    if request.user is not None:
        loss.setting("user")
    inputs = [_render_input(item, number, loss) for number, item in enumerate(request.inputs)]
    cut = request.truncate
    words = cuts or _CUT_WORDS
    return put(
        _put_inputs(inputs),
        input_type=_input_type(request, inputs, loss),
        embedding_types=["float"],
        output_dimension=request.dimensions,
        truncate=None if cut is None else words[cut],
    )


_CUT_WORDS: Mapping[Truncate, str] = MappingProxyType({cut: word for word, cut in _CUTS.items()})


def _input_type(request: EmbedRequest, inputs: list[list[Json]], loss: Loss) -> str:
    purpose = request.purpose
    if purpose is None:
        pictures = all(part["type"] == "image_url" for parts in inputs for part in parts)
        return PICTURES if pictures else UNSAID
    if purpose in _NEAREST:
        loss.setting("purpose")
        return _NEAREST[purpose]
    return purpose


def _put_inputs(inputs: list[list[Json]]) -> Json:
    """`texts` where all are such, which every model takes; then `images`; then `inputs`."""
    kinds = {part["type"] if len(parts) == 1 else "" for parts in inputs for part in parts}
    if kinds == {"text"}:
        return {"texts": [parts[0]["text"] for parts in inputs]}
    if kinds == {"image_url"}:
        return {"images": [_url(parts[0]) for parts in inputs]}
    return {"inputs": [{"content": parts} for parts in inputs]}


def _url(part: Json) -> object:
    url = part["image_url"]
    return url["url"] if isinstance(url, dict) else url


def _render_input(item: EmbedInput, number: int, loss: Loss) -> list[Json]:
    if all(isinstance(part, Text) for part in item.parts):  # as one text, which older models take too
        return [{"type": "text", "text": text_of(item, number, loss)}]
    parts = [shown for part in item.parts if (shown := _render_part(part)) is not None]
    if len(parts) < len(item.parts):
        if not parts:
            raise not_shown(number)
        loss.content("input", not_shown(number).message)
    return parts


def _render_part(part: Part) -> Json | None:
    """None for what Cohere can not be shown: token ids, files, and pictures that are not in the request itself."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not isinstance(part, Media) or part.kind != "image" or part.data is None:
        return None
    return {
        "type": "image_url",
        "image_url": {"url": f"data:{part.mime or 'image/png'};base64,{part.data}"},
    }
