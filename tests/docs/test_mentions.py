"""Whatever a person can set, see or run is documented, and what is documented exists."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator

import msgspec
import pytest
import typer

from docs.pages import DOCS, REFERENCE, ROOT
from waypost import errors
from waypost.cli.main import app
from waypost.config.schema import Config
from waypost.providers.registry import all_providers
from waypost.simulator.faults import FAULTS
from waypost.simulator.models import MODELS
from waypost.telemetry.metrics import METRICS


def missing(names: Iterator[str] | set[str] | list[str], text: str) -> list[str]:
    """The names that the text does not have as a word of its own."""
    return sorted({name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)})


def commands(group: object, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command of the command line with its path. Typer's classes are Click's by shape."""
    for name, command in group.commands.items():  # type: ignore[attr-defined] # a Click group
        path = (*before, name)
        if hasattr(command, "commands"):
            yield from commands(command, path)
        else:
            yield path, command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_in_the_reference(path: tuple[str, ...]) -> None:
    text = (REFERENCE / "cli.md").read_text("utf-8")
    assert f"waypost {' '.join(path)}" in text
    options = [name for option in COMMANDS[path].params for name in option.opts if name.startswith("--")]  # type: ignore[attr-defined]
    assert missing(options, text) == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help  # type: ignore[attr-defined]
    assert [option.name for option in command.params if not getattr(option, "help", None)] == []  # type: ignore[attr-defined]


def test_commands_in_the_pages_exist() -> None:
    text = "\n".join(page.read_text("utf-8") for page in [*DOCS.glob("*.md"), ROOT / "README.md"])
    known = {" ".join(path) for path in COMMANDS} | {path[0] for path in COMMANDS}
    told = set(re.findall(r"(?:`|\.venv/bin/)waypost ([a-z]+(?: [a-z]+)?)", text))
    assert {words for words in told if words not in known and words.split()[0] not in known} == set()


def test_every_error_is_in_the_reference() -> None:
    found = {
        one.code
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.GatewayError)
    }
    assert missing(found, (REFERENCE / "errors.md").read_text("utf-8")) == []


def test_error_codes_in_the_life_of_a_request_exist() -> None:
    found = {
        one.code
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.GatewayError)
    }
    text = (DOCS / "life-of-a-request.md").read_text("utf-8")
    cells = "".join(line.rpartition(" | ")[2] for line in text.splitlines() if re.match(r"\| \d+ \|", line))
    assert set(re.findall(r"`([a-z_]+)`", cells)) <= found


def fields(shape: type) -> Iterator[str]:
    """Every field of the configuration; a node of a route is in itself."""
    seen, waiting = {shape}, [shape]
    while waiting:
        info = msgspec.inspect.type_info(waiting.pop())
        assert isinstance(info, msgspec.inspect.StructType)
        for field in info.fields:
            yield field.encode_name
            new = set(inner_structs(field.type)) - seen
            seen |= new
            waiting += new


def inner_structs(info: object) -> Iterator[type]:
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
    elif isinstance(info, msgspec.inspect.UnionType):
        for one in info.types:
            yield from inner_structs(one)
    elif isinstance(info, msgspec.inspect.ListType):
        yield from inner_structs(info.item_type)
    elif isinstance(info, msgspec.inspect.Metadata):
        yield from inner_structs(info.type)


def test_every_field_of_the_configuration_is_in_the_reference() -> None:
    found = set(fields(Config))
    assert {"providers", "on_disconnect", "cache_write_1h", "retention_days"} <= found
    assert missing(found, (REFERENCE / "config.md").read_text("utf-8")) == []


def test_every_metric_is_in_the_reference_and_no_other() -> None:
    text = (REFERENCE / "metrics.md").read_text("utf-8")
    assert missing(set(METRICS), text) == []
    assert set(re.findall(r"waypost_[a-z_]+", text)) <= set(METRICS)


def test_every_preset_is_on_the_page_of_providers_with_its_variables() -> None:
    text = (DOCS / "providers.md").read_text("utf-8")
    for spec in all_providers():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{spec.name}` |")), "")
        assert missing({*spec.env, *map(str, spec.local_ports)}, row) == [], spec.name


def test_the_simulators_models_and_faults_are_those_on_its_page() -> None:
    text = (DOCS / "simulator.md").read_text("utf-8")
    assert missing(set(MODELS), text) == []
    assert {fault for fault in re.findall(r"`fault-([a-z0-9-]+)", text) if fault not in FAULTS} == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *(one for group in project["dependency-groups"].values() for one in group),
    ]
    names = {re.match(r"[A-Za-z0-9_-]+", one).group().lower() for one in wanted}  # type: ignore[union-attr]
    assert missing(names, (DOCS / "dependencies.md").read_text("utf-8")) == []
