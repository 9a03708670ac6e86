"""The shape of `responses` and `idempotency` in `waypost.yaml`: what is kept of answers. The text under each field is
its documentation."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from waypost.config.kinds import Duration, Size


class ResponsesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Answers of `/v1/responses` that clients ask to keep (`store`, which is on unless a client says otherwise), so
    that they can fetch them, go on from them by `previous_response_id`, or have them made in the background."""

    store: bool = True
    """Keep them, with the input that led to them. `false`: nothing is kept, and going on from an answer is refused."""
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    """How long they are kept."""


class IdempotencyConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What becomes of requests with an `idempotency-key` header. Those under way at the same time share one answer in
    any case."""

    store: bool = True
    """Keep complete answers, so that a request that comes again gets the same one without being asked of a provider
    again. Content is kept by this even where `log.content` is off: a client wishes it by sending the header."""
    retention: Duration = "24h"
    """How long they are kept."""
    max_body: Size = "1MiB"
    """Largest answer that is kept."""
    max_total: Size = "1GiB"
    """What all of them together may take; those that expire first are forgotten."""
