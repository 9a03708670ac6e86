"""`openai_embeddings` to the core and back: https://platform.openai.com/docs/api-reference/embeddings (2026-11-25).

| of the core | here |
|---|---|
| texts, token ids | `input` |
| `dimensions`, `encoding`, `user` | `dimensions`, `encoding_format`, `user` |
| `purpose`, `truncate` | dropped and named |
| pictures and files | refused, beside a text with `on_loss: drop` dropped and named |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec

from waypost.core.asked import Asked, Reply, Stamp
from waypost.core.embed import EmbedInput, EmbedRequest, EmbedResponse, TokenIds, Vector
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import Opaque, Text
from waypost.core.usage import Usage
from waypost.dialects import taking
from waypost.dialects.costs import put_cost
from waypost.dialects.embedding import drop_refused, name_lost, text_of
from waypost.dialects.fields import Fields, loose_string
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, Json, put, put_extras
from waypost.dialects.vectors import base64_of, numbers_of, read_vector
from waypost.errors import Garbled, InvalidRequest

NAME: Final = "openai_embeddings"
_IDS: msgspec.json.Decoder[tuple[int, ...]] = msgspec.json.Decoder(tuple[int, ...])
_BASE64 = b'"base64"'
_NAMES: Mapping[str, str] = MappingProxyType({"encoding": "encoding_format"})
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType({"stream": frozenset((b"false",))})


class _Taking(taking.Taking):
    __slots__ = ()

    dialect: ClassVar[str] = NAME


class _Datum(msgspec.Struct, gc=False):
    embedding: msgspec.Raw
    index: int = 0


_DATA: msgspec.json.Decoder[list[_Datum]] = msgspec.json.Decoder(list[_Datum])


class EmbeddingsCrossing:
    """An `EmbedCodec`."""

    __slots__ = ("_parse_reply", "dialect", "many")

    def __init__(self, parse_reply: Callable[[bytes], Reply]) -> None:
        self.dialect = NAME
        self.many = True
        self._parse_reply = parse_reply

    @property
    def names(self) -> Mapping[str, str]:
        """All but one are the core's own."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """`stream: false`."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> EmbedRequest:
        """Raises InvalidRequest for an `input` of mixed kinds."""
        fields = _Taking(asked.fields)
        inputs = _read_inputs(fields.rest.pop("input"))
        del fields.rest["model"]
        encoding = fields.take("encoding_format", TEXT)
        return EmbedRequest(
            asked.model,
            inputs,
            dimensions=fields.take("dimensions", INTEGER),
            encoding="base64" if encoding == "base64" else "float",
            user=fields.take("user", TEXT),
            extras=fields.extras(),
        )

    def render_request(self, request: EmbedRequest, quirks: Quirks, loss: Loss) -> bytes:
        """Raises Unrepresentable for what is no text. Floats are the default and are not asked for by name: not every
        server of this format knows the word (https://docs.voyageai.com/reference/embeddings-api, 2026-11-25)."""
        name_lost(request, loss, "purpose", "truncate")
        inputs = [_render_input(item, number, loss) for number, item in enumerate(request.inputs)]
        out = put(
            {"model": request.model, "input": inputs},
            dimensions=request.dimensions,
            encoding_format="base64" if request.encoding == "base64" else None,
            user=request.user,
        )
        return msgspec.json.encode(drop_refused(put_extras(out, request.extras, NAME), quirks, loss))

    def parse_response(self, body: bytes) -> EmbedResponse:
        """Raises Garbled, and what the provider reports inside a 200."""
        reply = self._parse_reply(body)
        return EmbedResponse(
            _read_data(reply.fields), usage=reply.usage, model=loose_string(reply.fields.get("model"))
        )

    def render_response(
        self, response: EmbedResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """Vectors in the encoding that was asked for."""
        write = base64_of if bytes(asked.fields.get("encoding_format", b"")) == _BASE64 else numbers_of
        data = [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(response.vectors)
        ]
        out: Json = {"object": "list", "data": data, "model": response.model}
        if response.usage is not None:
            out["usage"] = _render_usage(response.usage, cost_nusd)
        return msgspec.json.encode(out)


def _read_inputs(raw: msgspec.Raw) -> tuple[EmbedInput, ...]:
    first = bytes(raw)[:1]
    try:
        if first == b'"':
            return (EmbedInput((Text(TEXT.decode(raw)),)),)
        items = ITEMS.decode(raw)
        kind = bytes(items[0])[:1]
        if kind == b'"':
            return tuple(EmbedInput((Text(TEXT.decode(item)),)) for item in items)
        if kind == b"[":
            return tuple(EmbedInput((TokenIds(_IDS.decode(item)),)) for item in items)
        if kind == b"{":
            return tuple(EmbedInput((Opaque(NAME, item),)) for item in items)
        return (EmbedInput((TokenIds(_IDS.decode(raw)),)),)
    except ValueError:
        raise InvalidRequest(
            "`input` has to be a text, or a list of texts or of token ids, all of one kind.", param="input"
        ) from None


def _render_input(item: EmbedInput, number: int, loss: Loss) -> object:
    if len(item.parts) == 1:
        part = item.parts[0]
        if isinstance(part, TokenIds):
            return part.ids
        if isinstance(part, Opaque) and part.dialect == NAME:
            return part.data
    return text_of(item, number, loss)


def _read_data(fields: Fields) -> tuple[Vector, ...]:
    try:
        data = _DATA.decode(fields["data"])
    except (KeyError, ValueError):
        raise Garbled(
            "The provider's answer has no list of embeddings. Try again, or another model."
        ) from None
    return tuple(read_vector(each.embedding) for each in sorted(data, key=lambda each: each.index))


def _render_usage(usage: Usage, cost_nusd: int | None) -> Json:
    out: Json = {"prompt_tokens": usage.input, "total_tokens": usage.input}
    if usage.source != "reported":
        out["estimated"] = True
    put_cost(out, cost_nusd)
    return out
