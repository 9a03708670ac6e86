from __future__ import annotations

from pathlib import Path

from cli.command_line import documents, run
from waypost.core.facts import ModelFacts
from waypost.stores.sql.discovered import DiscoveredModels
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.schema import prepare

CONFIG = """
providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1}]
models:
  - name: fast
    targets: [{provider: lab, model: qwen3, priority: 2}, {provider: lab, model: qwen3-big}]
    prices: {input: 0.25, output: 2.00}
"""


def words(folder: Path) -> tuple[str, ...]:
    (folder / "w.yaml").write_text(CONFIG)
    return ("--config", str(folder / "w.yaml"), "--data", str(folder / "data"))


def test_configured_and_discovered_models_with_prices(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "data")
    prepare(database)
    DiscoveredModels(database).put("lab", {"qwen3": ModelFacts(context=32_768)}, at=1.0)
    database.close()
    fast, listed = documents(run("models", "list", *words(tmp_path), "--json"))
    assert (fast["name"], fast["kind"], listed["name"]) == ("fast", "config", "lab/qwen3")
    targets = fast["targets"]
    assert isinstance(targets, list)
    assert [target["model"] for target in targets] == ["qwen3-big", "qwen3"]
    assert targets[0]["prices"] == {"input": "0.25", "output": "2"}
    assert targets[1]["facts"]["context"] == 32_768
    shown = run("models", "list", "lab/*", *words(tmp_path)).stdout
    assert "lab/qwen3" in shown
    assert "32,768" in shown
    assert "unknown" in shown
    assert "fast" not in shown


def test_show_explains_one_model(tmp_path: Path) -> None:
    shown = run("models", "show", "fast", *words(tmp_path)).stdout
    assert "$0.25 in, $2 out per million tokens" in shown
    assert shown.index("lab/qwen3-big") < shown.index("priority 2")
    (view,) = documents(run("models", "show", "lab/any", *words(tmp_path), "--json"))
    assert view["kind"] == "direct"
    missing = run("models", "show", "nope", *words(tmp_path))
    assert (missing.exit_code, "There is no model 'nope'" in missing.stderr) == (1, True)


def test_a_route_is_shown_as_a_tree(tmp_path: Path) -> None:
    routes = (
        "routes: [{name: r, weighted: [{target: lab/a, weight: 3}, {route: s}]}, {name: s, target: lab/b}]\n"
    )
    (tmp_path / "r.yaml").write_text(CONFIG + routes)
    known = ("--config", str(tmp_path / "r.yaml"), "--data", str(tmp_path / "data"))
    shown = run("models", "show", "policy/r", *known).stdout
    assert "route/r  route\n  weighted\n    3: lab/a\n    1: lab/b\n" in shown
    (view,) = documents(run("models", "show", "route/r", *known, "--json"))
    assert view["order"] == ["weighted", "  3: lab/a", "  1: lab/b"]
    assert "lab/a, lab/b" in run("models", "list", "route/r", *known).stdout


def test_without_anything(tmp_path: Path) -> None:
    done = run("models", "list", "--data", str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, "No models.\n")


def test_the_catalogue_knows_prices_of_a_provider_found_by_its_key(tmp_path: Path) -> None:
    (view,) = documents(
        run(
            "models",
            "show",
            "openai/gpt-4o-mini",
            "--json",
            "--data",
            str(tmp_path),
            OPENAI_API_KEY="sk-abcdefgh",
        )
    )
    targets = view["targets"]
    assert isinstance(targets, list)
    assert targets[0]["prices"] == {"input": "0.15", "output": "0.6"}


def test_show_tells_the_markup(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(CONFIG.replace("    prices", "    markup: 10%\n    prices"))
    known = ("--config", str(tmp_path / "m.yaml"), "--data", str(tmp_path / "data"))
    shown = run("models", "show", "fast", *known).stdout
    assert "$0.275 in, $2.2 out per million tokens" in shown
    assert "mark-up   10%, on $0.25 in and $2 out" in shown
    (view,) = documents(run("models", "show", "fast", *known, "--json"))
    targets = view["targets"]
    assert isinstance(targets, list)
    assert (targets[0]["markup"], targets[0]["prices"]) == ("10%", {"input": "0.275", "output": "2.2"})


def test_what_is_not_priced_by_tokens(tmp_path: Path) -> None:
    prices = "{audio_per_minute: 0.006, per_image: 0.04, images: {hd/1024x1792: 0.12}}"
    (tmp_path / "u.yaml").write_text(
        CONFIG.replace("{input: 0.25, output: 2.00}", prices + "\n    markup: 10%")
    )
    known = ("--config", str(tmp_path / "u.yaml"), "--data", str(tmp_path / "data"))
    shown = run("models", "show", "fast", *known).stdout
    for told in (
        "$0.0066 per minute of sound",
        "$0.044 per image",
        "$0.132 per image of hd/1024x1792",
        "10%, in",
    ):
        assert told in shown
    (view,) = documents(run("models", "show", "fast", *known, "--json"))
    assert view["targets"][0]["prices"] == {  # type: ignore[index]
        "audio_per_minute": "0.0066",
        "per_image": "0.044",
        "images": {"hd/1024x1792": "0.132"},
    }
    assert "$0.0066 per minute of sound" in run("models", "list", "fast", *known).stdout
