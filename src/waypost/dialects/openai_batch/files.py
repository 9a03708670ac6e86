"""`/v1/files` on the wire: https://developers.openai.com/api/reference/resources/files, by the types of the official
Python SDK 3.52.0 (`openai.types.file_object`, 2026-11-26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from waypost.core.file import StoredFile
from waypost.dialects.openai_batch.paging import Listing
from waypost.errors import InvalidRequest

#: `openai.types.file_purpose`.
PURPOSES: Final = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
#: Of the files that batches leave.
RESULTS: Final = "batch_output"
_LEAST_S: Final = 3600
_MOST_S: Final = 2_592_000


class FileObject(msgspec.Struct, frozen=True):
    """A file."""

    id: str
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    object: str = "file"
    status: str = "processed"
    status_details: None = None


class _Deleted(msgspec.Struct, frozen=True):
    id: str
    object: str = "file"
    deleted: bool = True


def _shown(file: StoredFile) -> FileObject:
    return FileObject(
        id=file.file_id,
        bytes=file.size,
        created_at=int(file.created_at),
        expires_at=None if file.expires_at is None else int(file.expires_at),
        filename=file.filename,
        purpose=file.purpose,
    )


def render_file(file: StoredFile) -> bytes:
    """One file."""
    return msgspec.json.encode(_shown(file))


def render_files(files: Sequence[StoredFile], more: bool) -> bytes:
    """A page of files; `more` come behind it."""
    shown = [_shown(file) for file in files]
    return msgspec.json.encode(
        Listing(shown, shown[0].id if shown else None, shown[-1].id if shown else None, more)
    )


def render_file_deleted(file_id: str) -> bytes:
    """What a deletion is answered with."""
    return msgspec.json.encode(_Deleted(file_id))


class Described(msgspec.Struct, frozen=True):
    """What an upload says of its file."""

    purpose: str
    filename: str
    expires_s: int | None


def read_described(fields: Mapping[str, str], filename: str | None) -> Described:
    """The form's other fields. Raises InvalidRequest."""
    if filename is None:
        raise InvalidRequest(
            "The form has no file. Send it as the field `file`, with a file name.", param="file"
        )
    purpose = fields.get("purpose")
    if purpose not in PURPOSES:
        raise InvalidRequest(f"`purpose` has to be one of {', '.join(PURPOSES)}.", param="purpose")
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    expires_s = None
    if anchor is not None or seconds is not None:
        expires_s = int(seconds) if seconds is not None and seconds.isdigit() and len(seconds) < 10 else 0
        check_expiry(anchor, expires_s, "expires_after")
    return Described(purpose, filename[:255] or "file", expires_s)


def check_expiry(anchor: str | None, seconds: int, name: str) -> None:
    """`openai.types.file_create_params.ExpiresAfter`. Raises InvalidRequest."""
    if anchor != "created_at" or not _LEAST_S <= seconds <= _MOST_S:
        raise InvalidRequest(
            f"`{name}` has to have the anchor `created_at` and {_LEAST_S} to {_MOST_S} seconds.", param=name
        )
