from __future__ import annotations

from pathlib import Path

from cli.command_line import documents, run


def test_findings_for_people_and_scripts(tmp_path: Path) -> None:
    words = ("doctor", "--data", str(tmp_path / "none"), "--url", "http://127.0.0.1:9")
    shown = run(*words)
    assert shown.exit_code == 0
    assert "✓ python" in shown.stdout
    assert "→ waypost serve" in shown.stdout
    (view,) = documents(run(*words, "--json"))
    assert view["ok"] is True


def test_a_wrong_configuration_fails_the_doctor(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("nope: 1\n")
    done = run("doctor", "--data", str(tmp_path), "--config", str(file), "--url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "✗ configuration" in done.stdout
    assert f"→ waypost check {file}" in done.stdout
