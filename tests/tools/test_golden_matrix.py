from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tools import golden_matrix
from tools.golden_matrix import difference, error_of, main, paths, read, rendered, spoken, stale, text_of
from waypost.core.events import Failed
from waypost.errors import Throttled


def test_the_files_are_what_the_codecs_say() -> None:
    assert [str(path) for path in stale()] == [], (
        "run `python -m tools.golden_matrix`, and review what changed"
    )
    assert main(["--check"]) == 0


def test_a_stale_case_is_named_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in golden_matrix.KINDS:
        (tmp_path / kind).mkdir()
    file = tmp_path / "requests" / "plain.json"
    whole = (golden_matrix.FOLDER / "requests" / "plain.json").read_text("utf-8")
    file.write_text(whole.replace('"content": "Hello"', '"content": "Bye"'), "utf-8")
    monkeypatch.setattr(golden_matrix, "FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert "requests/plain.json" in capsys.readouterr().out
    assert main([]) == 0
    assert file.read_text("utf-8") == whole
    assert main(["--check"]) == 0


def test_a_difference_shows_what_changed_and_is_ready_to_paste() -> None:
    shown = difference({"body": {"a": 1}}, {"body": {"a": 2}})
    assert '-  "a": 1' in shown
    assert '+  "a": 2' in shown
    assert shown.endswith('{\n "body": {\n  "a": 2\n }\n}')
    assert '"a": 2' in difference(None, {"body": {"a": 2}})


def test_answers_are_rendered_only_where_clients_ask() -> None:
    asked = {dialect.name for dialect in spoken("responses")}
    assert "openai_chat" in asked
    assert asked <= {dialect.name for dialect in spoken("requests")}
    assert all(dialect.entries for dialect in spoken("streams"))


def test_a_case_is_written_in_one_way() -> None:
    path = paths("streams")[0]
    assert text_of(rendered("streams", path)) == text_of(read(path))


def test_a_failure_is_the_error_of_its_code() -> None:
    error = error_of(Failed("upstream_rate_limited", "slow down"))
    assert isinstance(error, Throttled)
    assert error.message == "slow down"


def test_binary_streams_can_be_read() -> None:
    lines = read(golden_matrix.FOLDER / "streams" / "plain.json").rendered["bedrock_converse"]["lines"]
    assert [line.partition(" ")[0] for line in lines[:2]] == ["messageStart", "contentBlockDelta"]
    assert all(msgspec.json.decode(line.partition(" ")[2]) for line in lines)
