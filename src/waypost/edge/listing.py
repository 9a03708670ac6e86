"""One row of the list of models."""

from __future__ import annotations

import msgspec

from waypost.errors import ModelNotFound


class _Listed(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[msgspec.Raw] = []
    models: list[msgspec.Raw] = []


def pick(listing: bytes, model: str) -> bytes:
    """One row of the model list. Raises ModelNotFound."""
    listed = msgspec.json.decode(listing, type=_Listing)
    for row in (*listed.data, *listed.models):
        if msgspec.json.decode(row, type=_Listed).id == model:
            return bytes(row)
    raise ModelNotFound(f"There is no model {model[:200]!r}. GET /v1/models lists what this key can use.")
