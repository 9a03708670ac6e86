from pathlib import Path

import pytest

from waypost.app.options import Options


def test_alone_with_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING", "here")
    options = Options(Path("data"))
    assert options.part is None
    assert options.environ["SOMETHING"] == "here"
