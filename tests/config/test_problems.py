from __future__ import annotations

from waypost.config.problems import (
    ConfigProblem,
    did_you_mean,
    problems_of,
    render_path,
    render_problem,
)
from waypost.errors import ConfigError, ConfigInvalid


def test_paths() -> None:
    assert render_path(("models", 0, "targets", 1, "provider")) == "models[0].targets[1].provider"
    assert render_path(()) == ""


def test_rendering() -> None:
    full = ConfigProblem("f.yaml", 3, 5, "a.b", "it is wrong", "a number", "Write 1.")
    assert render_problem(full) == "f.yaml:3:5: a.b: it is wrong\n  expected: a number\n  hint: Write 1."
    assert str(full) == render_problem(full)
    bare = ConfigProblem("f.yaml", None, None, "", "there is no such file")
    assert render_problem(bare) == "f.yaml: there is no such file"


def test_hints_only_for_what_is_close() -> None:
    assert did_you_mean("opnai", ["groq", "openai"]) == "Did you mean 'openai'?"
    assert did_you_mean("zzz", ["groq", "openai"]) is None


def test_problems_of_any_config_error() -> None:
    problem = ConfigProblem("f.yaml", 1, 1, "", "m")
    assert problems_of(ConfigInvalid("x", [problem])) == (problem,)
    (made,) = problems_of(ConfigError("The folder is locked.", param="data"))
    assert (made.path, made.message) == ("data", "The folder is locked.")
