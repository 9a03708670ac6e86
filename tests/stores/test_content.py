from __future__ import annotations

import os
from pathlib import Path

import pytest

from waypost.errors import StoreUnavailable
from waypost.stores.content import ContentFolder


def opened(folder: Path) -> ContentFolder:
    content = ContentFolder(folder)
    content.prepare()
    return content


def test_content_is_in_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    content = opened(tmp_path)
    incoming = content.receive("n1")
    incoming.write(b"one ")
    incoming.write(b"two")
    assert not content.place("file-abcd").exists()
    incoming.keep("file-abcd")
    incoming.drop()

    assert incoming.size == 7
    assert content.place("file-abcd") == tmp_path / "files" / "ab" / "file-abcd"
    assert content.read("file-abcd", 0, 100) == b"one two"
    assert content.read("file-abcd", 4, 2) == b"tw"
    assert content.read("file-abcd", 7, 2) == b""
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    content = opened(tmp_path)
    content.receive("n1").keep("file-abcd")

    assert content.read("file-abcd", 0, 10) == b""


def test_what_was_arriving_is_gone_after_a_drop_or_a_start(tmp_path: Path) -> None:
    content = opened(tmp_path)
    dropped, left = content.receive("n1"), content.receive("n2")
    dropped.write(b"x")
    left.write(b"x")
    dropped.drop()
    assert [file.name for file in (tmp_path / "files" / "incoming").iterdir()] == ["n2"]
    opened(tmp_path)
    assert list((tmp_path / "files" / "incoming").iterdir()) == []
    left.drop()


def test_results_become_a_file_once(tmp_path: Path) -> None:
    content = opened(tmp_path)
    work = content.work("batch_1.out")
    work.write_bytes(b"{}\n")

    assert content.adopt(work, "file-abcd") == 3
    assert content.adopt(work, "file-abcd") == 3, "a second time changes nothing"
    assert content.read("file-abcd", 0, 9) == b"{}\n"
    assert content.adopt(content.work("batch_2.out"), "file-ffff") is None
    content.work("batch_3.out").touch()
    assert content.adopt(content.work("batch_3.out"), "file-eeee") is None
    assert list(content.worked()) == []


def test_what_is_older_is_found_and_deleted(tmp_path: Path) -> None:
    content = opened(tmp_path)
    content.receive("n1").keep("file-abcd")
    arriving = content.receive("n2")
    arriving.write(b"arriving")
    made = content.place("file-abcd").stat().st_ctime

    assert list(content.older(made)) == []
    assert list(content.older(made + 1)) == ["file-abcd"]
    content.delete("file-abcd")
    content.delete("file-abcd")
    assert list(content.older(made + 1)) == []
    arriving.drop()


def test_a_disk_that_fails_is_told_of(tmp_path: Path) -> None:
    content = opened(tmp_path)
    with pytest.raises(StoreUnavailable, match="can not be read or written"):
        content.read("file-none", 0, 1)
    os.mkdir(tmp_path / "files" / "incoming" / "n1")
    with pytest.raises(StoreUnavailable):
        content.receive("n1").write(b"x")
    content.work("batch_1.out").write_bytes(b"{}\n")
    (tmp_path / "files" / "ab").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        content.adopt(content.work("batch_1.out"), "file-abcd")
