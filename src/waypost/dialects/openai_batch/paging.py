"""Lists in pages: `after`, `limit`, `order`. `openai.pagination` of the official Python SDK 3.52.0 (2026-11-26)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec

from waypost.core.file import Page
from waypost.errors import InvalidRequest

_ORDERS = {"asc": False, "desc": True}


class Listing(msgspec.Struct, frozen=True):
    """A page."""

    data: Sequence[msgspec.Struct]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: str = "list"


def read_page(query: bytes, key_id: str | None, *, usual: int, most: int) -> Page:
    """Which page a query asks for; without `limit` it has `usual` rows. Raises InvalidRequest."""
    asked = dict(parse_qsl(query.decode("latin-1")))
    limit = asked.get("limit", str(usual))
    if not limit.isdigit() or len(limit) > 6 or not 1 <= int(limit) <= most:
        raise InvalidRequest(f"`limit` has to be a whole number from 1 to {most}.", param="limit")
    newest_first = _ORDERS.get(asked.get("order", "desc"))
    if newest_first is None:
        raise InvalidRequest("`order` has to be asc or desc.", param="order")
    return Page(int(limit), asked.get("after", ""), newest_first, key_id, asked.get("purpose"))
