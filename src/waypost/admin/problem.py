"""Errors as RFC 9457 says them: `application/problem+json` (https://www.rfc-editor.org/rfc/rfc9457, 2026-11-26)."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from waypost.errors import GatewayError
from waypost.ports.control import Said

TYPE: Final = (b"content-type", b"application/problem+json")

_TITLES: Final = {
    400: "The request is not what this path takes",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Another method is wanted",
    408: "Too slow",
    409: "In conflict with what is there",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Another content type is wanted",
    422: "A rule is broken",
    429: "Too many tries",
    503: "Not available now",
}


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    """Its path in the body, such as `teams[0].role`; of a parameter, its name."""
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, and what to do."""

    type: str
    """`urn:waypost:error:` and the error's code."""
    title: str
    """The kind of problem."""
    status: int
    """The HTTP status, again."""
    detail: str
    """What happened, and what to do next."""
    instance: str
    """The path that was asked for."""
    request_id: str
    """What the gateway's log has it under."""
    errors: tuple[Fault, ...] = ()
    """Fields that are at fault."""


def said(error: GatewayError, path: str, request_id: str) -> Said:
    """The answer that tells of an error."""
    faults = () if error.param is None else (Fault(error.param, error.message),)
    title = _TITLES.get(error.status, "The gateway failed")
    told = f"urn:waypost:error:{error.code}"
    problem = Problem(told, title, error.status, error.message, path, request_id, faults)
    headers = [TYPE]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="waypost"'))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_s))))
    return Said(error.status, tuple(headers), msgspec.json.encode(problem))
