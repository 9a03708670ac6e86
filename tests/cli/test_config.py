from __future__ import annotations

import signal
from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from waypost.stores.lock import take_lock

GOOD = "providers: [{name: lab, dialect: openai_chat, base_url: http://10.0.0.5:8000/v1}]\n"
BAD = "providers: [{name: lab, preset: opnai}]\nservr: {}\n"


def write(folder: Path, text: str) -> str:
    (folder / "w.yaml").write_text(text)
    return str(folder / "w.yaml")


def test_check_says_valid(tmp_path: Path) -> None:
    done = run("check", write(tmp_path, GOOD))
    assert (done.exit_code, "1 provider(s)" in done.stdout) == (0, True)
    (view,) = documents(run("check", write(tmp_path, GOOD), "--json"))
    assert view["valid"] is True


def test_check_counts_models_and_routes(tmp_path: Path) -> None:
    text = (
        GOOD + "models: [{name: m, targets: [{provider: lab, model: x}]}]\nroutes: [{name: r, target: m}]\n"
    )
    assert "1 provider(s), 1 model(s), 1 route(s)" in run("check", write(tmp_path, text)).stdout


def test_check_says_file_line_path_and_what_was_expected(tmp_path: Path) -> None:
    file = write(tmp_path, BAD)
    done = run("check", file)
    assert done.exit_code == 1
    assert f"{file}:2:1: servr: there is no such setting" in done.stderr
    assert "Did you mean 'server'?" in done.stderr
    (view,) = documents(run("check", file, "--json"))
    assert view["valid"] is False
    assert msgspec.convert(view["problems"], list[dict[str, object]])[0]["path"] == "servr"


def test_check_of_a_missing_file(tmp_path: Path) -> None:
    done = run("check", str(tmp_path / "none.yaml"))
    assert (done.exit_code, "there is no such file" in done.stderr) == (1, True)


def test_check_names_a_secret_that_is_missing_and_accepts_it_when_it_is_there(tmp_path: Path) -> None:
    file = write(tmp_path, "providers: [{name: a, preset: openai, api_key: env:MY_API_KEY}]")
    assert "the environment variable MY_API_KEY is not set" in run("check", file).stderr
    assert run("check", file, MY_API_KEY="sk-something").exit_code == 0


def test_schema_is_json() -> None:
    done = run("schema")
    assert msgspec.json.decode(done.stdout)["title"] == "Waypost configuration"


def test_there_is_a_schema_of_the_file_for_apply() -> None:
    schema = msgspec.json.decode(run("schema", "--org").stdout)
    assert schema["title"] == "Waypost organizations"
    assert schema["$defs"]["BudgetConfig"]["properties"]["limit"]["type"] == ["number", "string"]
    described = [one for each in schema["$defs"].values() for one in each["properties"].values()]
    assert all(one["description"] for one in described)


def test_reload_refuses_a_faulty_file_and_needs_a_gateway(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"), "--config")
    faulty = run("reload", *data, write(tmp_path, BAD))
    assert (faulty.exit_code, "left as it is" in faulty.stderr) == (1, True)
    (view,) = documents(run("reload", *data, write(tmp_path, BAD), "--json"))
    assert view["reloaded"] is False
    assert run("reload", *data, write(tmp_path, GOOD)).exit_code == 3


def test_reload_signals_the_process_that_holds_the_folder(tmp_path: Path) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: heard.append(number))
    lock = take_lock(tmp_path / "data")
    try:
        words = ("reload", "--data", str(tmp_path / "data"), "--config")
        assert run(*words, write(tmp_path, GOOD)).exit_code == 0
        assert heard == [signal.SIGHUP]
        assert run(*words, write(tmp_path, BAD)).exit_code == 1
        assert heard == [signal.SIGHUP]
        assert run(*words, write(tmp_path, BAD), "--force").exit_code == 0
        assert heard == [signal.SIGHUP, signal.SIGHUP]
    finally:
        lock.give_back()
        signal.signal(signal.SIGHUP, before)


def test_the_usual_file_of_the_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no file" in run("check").stdout
    (tmp_path / "waypost.yaml").write_text(BAD)
    assert run("check").exit_code == 1
