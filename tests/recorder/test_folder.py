from __future__ import annotations

from pathlib import Path

import pytest

from recorder.taking import answered, asked, scrub, streamed
from waypost.errors import ConfigError
from waypost.recorder.folder import Folder, Leaked, read_folder
from waypost.recorder.known import Known

NOTHING = Known()


def test_names_go_on_from_what_is_there(tmp_path: Path) -> None:
    first = Folder(tmp_path / "new").write(scrub(asked(), answered({})), NOTHING)
    folder = Folder(tmp_path / "new")
    written = [
        folder.write(scrub(asked(), each), NOTHING)
        for each in (streamed(b"data: 1\n\n"), answered({}, status=429))
    ]
    assert [Path(str(each)).name for each in (first, *written)] == [
        "sim-openai_chat-whole-001.json", "sim-openai_chat-stream-002.json", "sim-openai_chat-error_429-003.json"
    ]  # fmt: skip
    assert len(list((tmp_path / "new").iterdir())) == 3
    fixtures, faulty = read_folder(tmp_path)
    assert (len(fixtures), faulty) == (3, {})


def test_a_secret_keeps_the_file_from_being_written(tmp_path: Path) -> None:
    fixture = scrub(asked({"a": "prov-CANARY-0123456789"}), answered({}))
    assert Folder(tmp_path).write(fixture, Known(["prov-CANARY-0123456789"])) == Leaked(("request.body.a",))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_or_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can not be made"):
        Folder(tmp_path / "file" / "x")
    folder = Folder(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ConfigError, match="can not be written"):
        folder.write(scrub(asked(), answered({})), NOTHING)


def test_files_that_are_no_fixtures(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_bytes(b"\xff")
    (tmp_path / "c.txt").write_text("")
    fixtures, faulty = read_folder(tmp_path)
    assert (fixtures, [file.name for file in faulty]) == ({}, ["a.json", "b.json"])
