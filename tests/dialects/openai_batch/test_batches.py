from __future__ import annotations

import msgspec
import pytest
from openai.types import Batch as SdkBatch

from waypost.core.batch import Batch, Fault
from waypost.dialects.openai_batch.batches import Wanted, read_wanted, render_batch, render_batches
from waypost.errors import InvalidRequest

BATCH = Batch(
    batch_id="batch_1",
    key_id="k1",
    endpoint="/v1/responses",
    input_file_id="file-1",
    window="24h",
    created_at=10.9,
    expires_at=99.9,
    exchange_id="wp-1",
)
ASKED = {"input_file_id": "file-1", "endpoint": "/v1/embeddings", "completion_window": "24h"}


def test_a_batch_is_what_the_sdk_expects() -> None:
    ended = msgspec.structs.replace(
        BATCH,
        status="completed",
        total=3,
        completed=2,
        failed=1,
        output_file_id="file-2",
        error_file_id="file-3",
        in_progress_at=11.2,
        finalizing_at=12.2,
        completed_at=13.2,
        metadata={"a": "b"},
    )
    shown = SdkBatch.model_validate_json(render_batch(ended), strict=True)
    assert (shown.id, shown.object, shown.status, shown.endpoint) == (
        "batch_1",
        "batch",
        "completed",
        "/v1/responses",
    )
    assert shown.request_counts is not None
    assert (shown.request_counts.total, shown.request_counts.completed, shown.request_counts.failed) == (
        3,
        2,
        1,
    )
    assert (shown.created_at, shown.in_progress_at, shown.finalizing_at, shown.completed_at) == (
        10,
        11,
        12,
        13,
    )
    assert (shown.output_file_id, shown.error_file_id, shown.metadata) == ("file-2", "file-3", {"a": "b"})
    assert not shown.model_extra, "nothing of what is kept is shown"


def test_faults_name_their_lines() -> None:
    failed = msgspec.structs.replace(
        BATCH, status="failed", faults=(Fault("c", "m", 3, "p"), Fault("d", "n"))
    )
    shown = SdkBatch.model_validate_json(render_batch(failed), strict=True)
    assert shown.errors is not None
    assert [(one.code, one.line, one.param) for one in shown.errors.data or ()] == [
        ("c", 3, "p"),
        ("d", None, None),
    ]


def test_a_page() -> None:
    page = msgspec.json.decode(render_batches([BATCH], more=False))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("batch_1", "batch_1", False)


def test_what_is_asked() -> None:
    more = {"metadata": {"a": "b"}, "output_expires_after": {"anchor": "created_at", "seconds": 7200}}
    assert read_wanted(msgspec.json.encode(ASKED)) == Wanted("file-1", "/v1/embeddings", "24h", None, None)
    assert read_wanted(msgspec.json.encode(ASKED | more)) == Wanted(
        "file-1", "/v1/embeddings", "24h", {"a": "b"}, 7200
    )


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"endpoint": "/v1/videos"}, "endpoint"),
        ({"metadata": {"a": 1}}, None),
        ({"metadata": {"a" * 65: "b"}}, "metadata"),
        ({"metadata": {"a": "b" * 513}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 5}}, "output_expires_after"),
        ({"input_file_id": None}, None),
        ({"unheard_of": 1}, None),
    ],
)
def test_what_is_refused(changes: dict[str, object], param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_wanted(msgspec.json.encode(ASKED | changes))
    assert refused.value.param == param


def test_what_is_no_json() -> None:
    with pytest.raises(InvalidRequest):
        read_wanted(b"\xff{")
