"""The shape of `files` and `batches` in `waypost.yaml`. The text under each field is its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from waypost.config.kinds import Duration, Size
from waypost.config.storage import Storage
from waypost.config.values import parse_duration, parse_size


class FilesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Files that clients upload at `/v1/files`, and the results of batches. They are kept in the data folder."""

    store: bool = True
    """Keep files. `false`: uploads are refused, and so are batches."""
    max_file: Size = "512MiB"
    """Largest file. It is written to the disk as it arrives, so `limits.body` does not apply."""
    max_per_key: Size = "10GiB"
    """What the files of one key may take together; an upload that goes over it is refused. Results of batches count,
    and are never refused, for they are paid for."""
    max_total: Size = "100GiB"
    """The same for all keys together."""
    retention: Duration = "30d"
    """How long files are kept, unless a client asks for less, and how long batches that are over are listed."""


class BatchesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Batches: files full of requests, which the gateway works off by itself at `/v1/batches`."""

    per_batch: Annotated[int, Meta(ge=1, le=10_000)] = 8
    """Lines of one batch under way at once."""
    overall: Annotated[int, Meta(ge=1, le=100_000)] = 32
    """Lines of all batches under way at once."""
    max_lines: Annotated[int, Meta(ge=1, le=1_000_000)] = 50_000
    """Lines in one file."""
    running: Annotated[int, Meta(ge=1, le=1000)] = 16
    """Batches worked off at once; the others wait, and keys take turns."""
    waiting: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    """Batches that may wait. More are answered 503."""


def resolve_storage(files: FilesConfig, batches: BatchesConfig) -> Storage:
    """The figures that the gateway works by."""
    return Storage(
        keeps=files.store,
        file_max_bytes=parse_size(files.max_file),
        key_max_bytes=parse_size(files.max_per_key),
        total_max_bytes=parse_size(files.max_total),
        retention_s=parse_duration(files.retention),
        per_batch=batches.per_batch,
        overall=batches.overall,
        lines_max=batches.max_lines,
        running_max=batches.running,
        waiting_max=batches.waiting,
    )


def check_files(config: FilesConfig) -> Iterator[tuple[str, str, str]]:
    """What the shape alone does not refuse: field, what is wrong with it, what belongs there."""
    if parse_duration(config.retention) <= 0:
        yield "retention", "files and results would be gone before anybody could read them", "more than 0s"
