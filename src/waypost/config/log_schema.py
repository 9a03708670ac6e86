"""The shape of `log` in `waypost.yaml`. The text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class LogConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is written down."""

    content: bool = False
    """Store the bodies of requests and answers in the request log. A key can say otherwise for itself."""
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    """How long requests stay in the log."""
    audit_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    """How long rows of the audit log are kept. Left out: for ever. Rows are dropped once a day, oldest first; what is
    left can still be verified."""
    format: Literal["auto", "text", "json"] = "auto"
    """Form of the gateway's own log lines. `auto`: text on a terminal, JSON elsewhere."""
