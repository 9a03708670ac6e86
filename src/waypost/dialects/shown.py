"""The status that a client is shown for an error, where its dialect has one that others have not."""

from __future__ import annotations

from waypost.dialects.dialect import Dialect
from waypost.errors import GatewayError, Overcrowded

_ANTHROPIC = "anthropic"
#: https://platform.claude.com/docs/en/api/errors (2026-11-25): `overloaded_error`, and a class of its own in the SDKs.
_OVERLOADED = 529


def shown_status(error: GatewayError, dialect: Dialect) -> int:
    """`error.status`; for an overloaded provider 529 to clients of Anthropic's dialects."""
    if isinstance(error, Overcrowded) and dialect.family.startswith(_ANTHROPIC):
        return _OVERLOADED
    return error.status
