"""Each rule of the tree finds what it forbids and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools import check_tree
from tools.check_tree import (
    check_locks,
    check_marks,
    check_mirror,
    check_names,
    check_sizes,
    has_code,
    mirror_of,
)

MARK = "TO" + "DO"


def lay(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return root


def function_of(lines: int) -> str:
    return "def long() -> None:\n" + "    print()\n" * (lines - 1)


@pytest.mark.parametrize(("folder", "file_max", "function_max"), [("src", 400, 60), ("tests", 600, 80)])
def test_a_file_and_a_function_may_be_as_long_as_the_limit(
    tmp_path: Path, folder: str, file_max: int, function_max: int
) -> None:
    lay(tmp_path, {f"{folder}/a.py": "#\n" * file_max, f"{folder}/b.py": function_of(function_max)})
    assert list(check_sizes(tmp_path)) == []


@pytest.mark.parametrize(("folder", "file_max", "function_max"), [("src", 400, 60), ("tests", 600, 80)])
def test_one_line_more_is_a_breach(tmp_path: Path, folder: str, file_max: int, function_max: int) -> None:
    lay(tmp_path, {f"{folder}/a.py": "#\n" * (file_max + 1), f"{folder}/b.py": function_of(function_max + 1)})
    assert [breach.path for breach in check_sizes(tmp_path)] == [f"{folder}/a.py", f"{folder}/b.py"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/waypost/utils.py", ""),
        ("src/waypost/url_helpers.py", ""),
        ("src/waypost/common/__init__.py", ""),
        ("src/waypost/a.py", "class KeyManager: ..."),
        ("src/waypost/a.py", "class BaseStore: ..."),
        ("src/waypost/a.py", "class HTTPHandler: ..."),
    ],
)
def test_a_banned_name_is_found(tmp_path: Path, path: str, text: str) -> None:
    assert len(list(check_names(lay(tmp_path, {path: text})))) == 1


@pytest.mark.parametrize(
    "text", ["class Database: ...", "class Baseline: ...", "base = 1", "class Servicing: ..."]
)
def test_a_word_that_only_begins_like_a_banned_one_is_fine(tmp_path: Path, text: str) -> None:
    assert list(check_names(lay(tmp_path, {"src/waypost/a.py": text}))) == []


def test_a_module_of_shapes_has_no_code_and_one_with_a_branch_has() -> None:
    shapes = 'class A(Protocol):\n    x: int\n    def f(self) -> int:\n        """Doc."""\n        ...\n'
    assert not has_code(ast.parse(shapes))
    assert has_code(ast.parse("def f(x):\n    return x\n"))


def test_the_mirror_of_a_module() -> None:
    assert mirror_of("src/waypost/upstream/pool.py") == "tests/upstream/test_pool.py"
    assert mirror_of("src/waypost/errors.py") == "tests/test_errors.py"
    assert mirror_of("src/waypost/providers/__init__.py") == "tests/providers/test_init.py"


def test_a_module_with_code_needs_its_test_file(tmp_path: Path) -> None:
    lay(
        tmp_path, {"src/waypost/a/b.py": "def f():\n    return 1\n", "src/waypost/a/shape.py": "x: int = 1\n"}
    )
    assert [breach.path for breach in check_mirror(tmp_path, {})] == ["src/waypost/a/b.py"]
    lay(tmp_path, {"tests/a/test_b.py": ""})
    assert list(check_mirror(tmp_path, {})) == []


def test_a_test_file_may_name_an_aspect_of_its_module(tmp_path: Path) -> None:
    lay(tmp_path, {"src/waypost/a/b.py": "def f():\n    return 1\n", "tests/a/test_b_when_slow.py": ""})
    assert list(check_mirror(tmp_path, {})) == []
    lay(tmp_path, {"src/waypost/a/bc.py": "def f():\n    return 1\n"})
    assert [breach.path for breach in check_mirror(tmp_path, {})] == ["src/waypost/a/bc.py"]


def test_a_migration_may_be_long_and_needs_no_mirror(tmp_path: Path) -> None:
    lay(tmp_path, {"src/waypost/stores/sql/migrations/versions/r0001.py": function_of(61)})
    assert list(check_sizes(tmp_path)) == []
    assert list(check_mirror(tmp_path, {})) == []


def test_an_exclusion_from_the_mirror_fails_when_it_is_stale(tmp_path: Path) -> None:
    lay(tmp_path, {"src/waypost/b.py": "def f():\n    return 1\n"})
    assert list(check_mirror(tmp_path, {"src/waypost/b.py": "why"})) == []
    lay(tmp_path, {"tests/test_b.py": ""})
    assert "which has tests/test_b.py now" in str(next(check_mirror(tmp_path, {"src/waypost/b.py": "why"})))
    assert "has no code now" in str(next(check_mirror(tmp_path, {"src/waypost/gone.py": "why"})))


def test_a_mark_for_later_is_found_with_its_line(tmp_path: Path) -> None:
    lay(
        tmp_path, {"src/a.py": f"x = 1\n# {MARK}: more\n", "docs/a.md": "todos are fine, and so is MARKXXX\n"}
    )
    assert [(breach.path, breach.line) for breach in check_marks(tmp_path)] == [("src/a.py", 2)]


def test_a_missing_list_and_a_host_in_the_node_lock_are_found(tmp_path: Path) -> None:
    lay(tmp_path, {"tests/sdk/package-lock.json": '{"resolved": "somewhere"}'})
    paths = [breach.path for breach in check_locks(tmp_path)]
    assert paths == [
        *("requirements/runtime.txt", "requirements/build.txt"),
        *("requirements/local-model.txt", "requirements/node.txt", "requirements/dev.txt"),
        "requirements/clients.txt",
        "tests/sdk/package-lock.json",
    ]


def test_the_lists_of_this_tree_are_good() -> None:
    assert list(check_locks(check_tree.ROOT)) == []
