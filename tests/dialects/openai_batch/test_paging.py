from __future__ import annotations

import pytest

from waypost.core.file import Page
from waypost.dialects.openai_batch.paging import read_page
from waypost.errors import InvalidRequest


def test_what_is_not_said_is_as_usual() -> None:
    assert read_page(b"", "k1", usual=20, most=100) == Page(20, "", True, "k1", None)


def test_what_is_said() -> None:
    query = b"limit=3&after=file-1&order=asc&purpose=batch"
    assert read_page(query, None, usual=20, most=100) == Page(3, "file-1", False, None, "batch")


@pytest.mark.parametrize(
    ("query", "param"),
    [(b"limit=0", "limit"), (b"limit=101", "limit"), (b"limit=x", "limit"), (b"order=up", "order")],
)
def test_what_can_not_be(query: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_page(query, "k1", usual=20, most=100)
    assert refused.value.param == param
