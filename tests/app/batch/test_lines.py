from __future__ import annotations

from pathlib import Path

import pytest

from app.batch.batch_rig import URL, text
from waypost.app.batch.lines import FAULTS_MAX, UNLIMITED, Limits, check_file, read_at
from waypost.core.batch import Fault
from waypost.dialects.openai_batch.lines import InputLine
from waypost.errors import StoreUnavailable

LIMITS = Limits(lines_max=5, line_max_bytes=200)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "in"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n  \n", b"\r\n"])
def test_lines_are_found_where_they_are(tmp_path: Path, end: bytes) -> None:
    path = written(tmp_path, text("a") + b"\r\n\n" + text("b") + b"\n" + text("ä") + end)
    checked = check_file(path, URL, LIMITS)
    assert checked.faults == ()
    assert list(checked.numbers) == [1, 3, 4]
    assert checked.by_custom_id == {"a": 1, "b": 3, "ä": 4}
    found = [
        read_at(path, number, offset, URL, limits)
        for limits in (LIMITS, UNLIMITED)
        for number, offset in zip(checked.numbers, checked.offsets, strict=True)
    ]
    assert [one.custom_id for one in found if isinstance(one, InputLine)] == ["a", "b", "ä"] * 2
    assert check_file(path, URL, UNLIMITED) == checked


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "empty_file", None),
        (b"\n \n", "empty_file", None),
        (text("a") + b"\nnonsense", "invalid_json_line", 2),
        (text("a") + b"\n" + text("a"), "duplicate_custom_id", 2),
        (text("a", url="/v1/other"), "mismatched_endpoint", 1),
        (b"\n".join(text(str(n)) for n in range(6)), "too_many_lines", 6),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, content: bytes, code: str, line: int | None
) -> None:
    (fault,) = check_file(written(tmp_path, content), URL, LIMITS).faults
    assert (fault.code, fault.line) == (code, line)


@pytest.mark.parametrize("size", [100, 199, 200, 201, 202, 203, 400, 402, 603, 1000])
def test_lines_that_are_too_long_are_passed_over(tmp_path: Path, size: int) -> None:
    base = text("long")
    long = base[:-2] + b" " * (size - len(base)) + base[-2:]
    assert len(long) == size
    checked = check_file(written(tmp_path, long + b"\n" + text("b") + b"\n"), URL, LIMITS)
    assert checked.by_custom_id["b"] == 2
    assert [(one.code, one.line) for one in checked.faults] == ([("line_too_large", 1)] if size > 200 else [])


def test_a_file_full_of_faults_is_not_read_to_its_end(tmp_path: Path) -> None:
    checked = check_file(written(tmp_path, b"x\n" * 1000), URL, LIMITS)
    assert len(checked.faults) == FAULTS_MAX


def test_a_file_that_is_gone_or_another_one(tmp_path: Path) -> None:
    (fault,) = check_file(tmp_path / "none", URL, LIMITS).faults
    assert fault.code == "missing_file"
    with pytest.raises(StoreUnavailable, match="can not be read"):
        read_at(tmp_path / "none", 1, 0, URL, LIMITS)
    assert isinstance(read_at(written(tmp_path, b"x\n"), 1, 0, URL, LIMITS), Fault)
