"""`/v1/batches` on the wire: https://developers.openai.com/api/reference/resources/batches, by the types of the
official Python SDK 3.52.0 (`openai.types.batch`, `batch_create_params`, 2026-11-26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from waypost.core.batch import Batch, Counts
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.dialect import Dialect
from waypost.dialects.openai_batch.files import check_expiry
from waypost.dialects.openai_batch.paging import Listing
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_completions.codec import COMPLETIONS
from waypost.dialects.openai_embeddings.codec import EMBEDDINGS
from waypost.dialects.openai_responses.codec import RESPONSES
from waypost.errors import InvalidRequest

#: What lines may ask; the last is no endpoint of OpenAI's batches.
ENDPOINTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "/v1/chat/completions": CHAT,
        "/v1/responses": RESPONSES,
        "/v1/completions": COMPLETIONS,
        "/v1/embeddings": EMBEDDINGS,
        "/v1/messages": MESSAGES,
    }
)
_METADATA_MAX: Final = 16
_NAME_MAX: Final = 64
_VALUE_MAX: Final = 512


class _ExpiresAfter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    anchor: str
    seconds: int


class _Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None
    output_expires_after: _ExpiresAfter | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A batch that is asked for."""

    input_file_id: str
    endpoint: str
    window: str
    metadata: dict[str, str] | None
    output_expires_s: int | None


def read_wanted(body: bytes) -> Wanted:
    """Raises InvalidRequest."""
    try:
        said = msgspec.json.decode(body, type=_Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(
            "The body has to be a JSON object with `input_file_id`, `endpoint` and `completion_window`, and may have "
            "`metadata` (texts) and `output_expires_after`."
        ) from None
    if said.endpoint not in ENDPOINTS:
        raise InvalidRequest(f"`endpoint` has to be one of {', '.join(ENDPOINTS)}.", param="endpoint")
    _check_metadata(said.metadata or {})
    expires_s = None
    if said.output_expires_after is not None:
        expires_s = said.output_expires_after.seconds
        check_expiry(said.output_expires_after.anchor, expires_s, "output_expires_after")
    return Wanted(said.input_file_id, said.endpoint, said.completion_window, said.metadata, expires_s)


def _check_metadata(metadata: Mapping[str, str]) -> None:
    fits = all(len(name) <= _NAME_MAX and len(value) <= _VALUE_MAX for name, value in metadata.items())
    if len(metadata) > _METADATA_MAX or not fits:
        raise InvalidRequest(
            f"`metadata` may have {_METADATA_MAX} names of {_NAME_MAX} characters, with values of {_VALUE_MAX}.",
            param="metadata",
        )


class _Fault(msgspec.Struct, frozen=True):
    code: str
    message: str
    param: str | None
    line: int | None


class _Faults(msgspec.Struct, frozen=True):
    data: list[_Fault]
    object: str = "list"


class _Batch(msgspec.Struct, frozen=True):
    id: str
    endpoint: str
    errors: _Faults | None
    input_file_id: str
    completion_window: str
    status: str
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: Counts
    metadata: dict[str, str] | None
    object: str = "batch"


def _shown(batch: Batch) -> _Batch:
    faults = [_Fault(one.code, one.message, one.param, one.line) for one in batch.faults]
    return _Batch(
        id=batch.batch_id,
        endpoint=batch.endpoint,
        errors=_Faults(faults) if faults else None,
        input_file_id=batch.input_file_id,
        completion_window=batch.window,
        status=batch.status,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        created_at=int(batch.created_at),
        in_progress_at=_whole(batch.in_progress_at),
        expires_at=int(batch.expires_at),
        finalizing_at=_whole(batch.finalizing_at),
        completed_at=_whole(batch.completed_at),
        failed_at=_whole(batch.failed_at),
        expired_at=_whole(batch.expired_at),
        cancelling_at=_whole(batch.cancelling_at),
        cancelled_at=_whole(batch.cancelled_at),
        request_counts=Counts(batch.total, batch.completed, batch.failed),
        metadata=batch.metadata,
    )


def _whole(at: float | None) -> int | None:
    return None if at is None else int(at)


def render_batch(batch: Batch) -> bytes:
    """One batch."""
    return msgspec.json.encode(_shown(batch))


def render_batches(batches: Sequence[Batch], more: bool) -> bytes:
    """A page of batches; `more` come behind it."""
    shown = [_shown(batch) for batch in batches]
    return msgspec.json.encode(
        Listing(shown, shown[0].id if shown else None, shown[-1].id if shown else None, more)
    )
