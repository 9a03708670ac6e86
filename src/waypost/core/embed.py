"""Embeddings as every dialect can say them: what the lane between two embedding dialects carries.

As in `core/request.py`, a part that only one dialect has is an `Opaque`, and a field that is not modelled is kept in
`extras`: each is rendered again only in the dialect it came from.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.request import Extras, Media, Opaque, Text
from waypost.core.usage import Usage

#: What a vector is for. The words are Cohere's `input_type` and, where that has none, Google's `taskType`.
Purpose = Literal[
    "search_query",
    "search_document",
    "classification",
    "clustering",
    "similarity",
    "code_query",
    "question_answering",
    "fact_verification",
]
#: What becomes of an input that is too long: refused, or cut at its start or its end.
Truncate = Literal["none", "start", "end"]


class TokenIds(msgspec.Struct, frozen=True, tag="token_ids"):
    """A text as the ids of its tokens, which only the model's own maker understands."""

    ids: tuple[int, ...]


class EmbedInput(msgspec.Struct, frozen=True):
    """What becomes one vector. Several parts are embedded together."""

    parts: tuple[Text | Media | TokenIds | Opaque, ...]
    extras: Extras | None = None


class EmbedRequest(msgspec.Struct, frozen=True):
    """The whole request. None leaves a setting to the provider."""

    model: str
    inputs: tuple[EmbedInput, ...]
    dimensions: int | None = None
    """How many numbers each vector has."""
    encoding: Literal["float", "base64"] = "float"
    """How the client wants the vectors written."""
    purpose: Purpose | None = None
    user: str | None = None
    """The end user, as the client names them."""
    truncate: Truncate | None = None
    extras: Extras | None = None


class Vector(msgspec.Struct, frozen=True):
    """One embedding in the form it came in, which is one of the two: nothing is rounded on its way through.

    `numbers`: a JSON array of numbers. `floats`: little-endian 32-bit floats.
    """

    numbers: msgspec.Raw | None = None
    floats: bytes | None = None


class EmbedResponse(msgspec.Struct, frozen=True):
    """The whole answer: a vector for each input, in order. None for what the provider did not say."""

    vectors: tuple[Vector, ...]
    usage: Usage | None = None
    model: str | None = None
    response_id: str | None = None
