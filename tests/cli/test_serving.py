from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli.command_line import run
from waypost.cli import serving
from waypost.cli.serving import Order, read_order
from waypost.errors import ConfigError

OPTIONS = (
    "--host",
    "--port",
    "--workers",
    "--drain-delay",
    "--data",
    "--config",
    "--json",
    "--por",
    "-h",
    "--x",
)
VALUES = ("", "0.0.0.0", "0", "80", "65535", "65536", "-1", "+1", " 1", "1_0", "٣", "1.5", "2", "10m", "5s", "x", "-x",
          "--", "--json", "a=b", "3=")  # fmt: skip
WORDS = st.lists(
    st.sampled_from(OPTIONS)
    | st.sampled_from(VALUES)
    | st.tuples(st.sampled_from(OPTIONS), st.sampled_from(VALUES)).map("=".join),
    max_size=5,
)
PAIRS = st.lists(st.tuples(st.sampled_from(OPTIONS), st.sampled_from(VALUES)), max_size=3).map(
    lambda pairs: [word for pair in pairs for word in pair]
)
ENVIRON = st.dictionaries(
    st.sampled_from(("WAYPOST_HOST", "WAYPOST_PORT", "WAYPOST_WORKERS", "WAYPOST_DRAIN_DELAY", "WAYPOST_DATA",
                     "WAYPOST_CONFIG", "WAYPOST_JSON")),
    st.sampled_from((*VALUES, "1", "true", "no")), max_size=2,
)  # fmt: skip


@settings(deadline=None)
@given(WORDS | PAIRS, ENVIRON)
@example(["--port", "80", "--json", "--port=81", "--config", "a.yaml", "--data=d", "--workers", "2"], {})
def test_what_is_read_in_short_is_what_the_library_reads(words: list[str], environ: dict[str, str]) -> None:
    """And nothing that the library refuses is taken."""
    short = read_order(["serve", *words], environ)
    asked: list[Order] = []

    def serve(order: Order) -> int:
        asked.append(order)
        return 7

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "serve_gateway", serve)
        done = run("serve", *words, **environ)
    assert (done.exit_code == 7) == bool(asked)
    if short is not None:
        assert asked == [short]


def test_plain_options_are_read_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_order(["serve"], {}) == Order()
    words = [
        "serve",
        "--port",
        "0",
        "--data=x",
        "--drain-delay",
        "5s",
        "--json",
        "--workers",
        "2",
        "--host",
        "::",
    ]
    assert read_order(words, {"WAYPOST_PORT": "9", "WAYPOST_CONFIG": "w.yaml"}) == Order(
        host="::", port=0, workers=2, drain_delay_s=5.0, data=Path("x"), config=Path("w.yaml"), as_json=True
    )
    (tmp_path / "waypost.yaml").touch()
    assert read_order(["serve"], {}) == Order(config=Path("waypost.yaml"))


@pytest.mark.parametrize(
    "words", [[], ["keys"], ["serve", "--help"], ["serve", "x"], ["serve", "--port"], ["--json"]]
)
def test_everything_else_is_left_to_the_library(words: list[str]) -> None:
    assert read_order(words, {}) is None


def test_an_error_is_told_as_by_any_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert serving.ended_by(ConfigError("The folder is taken.")) == 1
    assert "✗ The folder is taken." in capsys.readouterr().err
