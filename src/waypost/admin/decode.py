"""Bodies, queries and conditions of a request, read strictly: what is not known is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from waypost.errors import InvalidRequest, UnsupportedMediaType

T = TypeVar("T")

BODY_BYTES_MAX: Final = 1024 * 1024
LIMIT: Final = 50
LIMIT_MOST: Final = 200
#: As the document says it.
CURSOR_MOST: Final = 2000
CURSOR: Final = r"^[^\x00-\x1f\x7f]*$"

_CURSOR = re.compile(rf"[^\x00-\x1f\x7f]{{0,{CURSOR_MOST}}}")
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>[^`]{0,200})`")
_TAG = re.compile(r'(?:W/)?"(?P<tag>[^"]*)"')
_KINDS: Final = (b"application/json", b"application/merge-patch+json")


def decode(body: bytes, kind: type[T]) -> T:
    """A body of this type. Raises InvalidRequest with the place of the first fault."""
    if not body:
        raise InvalidRequest("This path takes a JSON body, and none came.")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise fault_of(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("The body is not JSON.") from None


def convert(values: dict[str, Any], kind: type[T]) -> T:
    """A value of this type, from fields that are values already. Raises as `decode`."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise fault_of(str(error)) from None


def fault_of(told: str) -> InvalidRequest:
    """What msgspec says of a value, as an error with its place. It quotes names of fields and types, never values."""
    match = _PLACE.match(told)
    what, path = (match["what"], match["path"] or "") if match else ("It is not valid", "")
    named = _FIELD.search(what)
    if named is not None:
        path = f"{path}.{named['name']}" if path else named["name"]
    return InvalidRequest(f"{what[:300]}.", param=path[:300] or "$")


def check_media(headers: Mapping[bytes, bytes], patch: bool) -> None:
    """Whether a body is said to be JSON. Raises UnsupportedMediaType."""
    kind, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
    if kind.strip() not in _KINDS[: 2 if patch else 1]:
        raise UnsupportedMediaType("The body has to be JSON: send `content-type: application/json`.")
    if parameters.strip() not in (b"", b"charset=utf-8", b'charset="utf-8"'):
        raise UnsupportedMediaType("JSON is UTF-8 here: leave the charset out, or say `charset=utf-8`.")


def read_query(query: bytes, known: frozenset[str]) -> dict[str, str]:
    """The parameters of a query. Raises InvalidRequest for one that is not known or that comes twice."""
    said: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20,
            errors="strict",
        )  # fmt: skip
    except ValueError:
        raise InvalidRequest("The query can not be read.") from None
    for name, value in pairs:
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            raise InvalidRequest(f"There is no such parameter here. Known: {told}.", param=name[:100])
        if name in said:
            raise InvalidRequest("It came twice. Send it once.", param=name)
        said[name] = value
    return said


class Page(msgspec.Struct, frozen=True):
    """Which page of a list is wanted."""

    limit: int = LIMIT
    after: str = ""


def page_of(said: Mapping[str, str]) -> Page:
    """The page that a query names. Raises InvalidRequest."""
    limit, after = said.get("limit", str(LIMIT)), said.get("after", "")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= LIMIT_MOST):
        raise InvalidRequest(f"It has to be a number from 1 to {LIMIT_MOST}.", param="limit")
    if _CURSOR.fullmatch(after) is None:
        raise InvalidRequest("It has to be what `next` said.", param="after")
    return Page(int(limit), after)


def tags_of(header: bytes | None) -> frozenset[str] | None:
    """The entity tags of `If-Match` or `If-None-Match`; `*` stands for any. None: there is no such header. What is no
    tag matches nothing.

    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1 (2026-11-26)."""
    if header is None:
        return None
    text = header.decode("latin-1").strip()
    return frozenset("*") if text == "*" else frozenset(_TAG.findall(text))
