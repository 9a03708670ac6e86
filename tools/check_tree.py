"""The rules of the tree that no other tool checks: `python -m tools.check_tree` prints each breach and exits 1.

Sizes of files and functions, banned names, one test file per module with code, no unfinished-work marks, no
host names in lock files. Each rule is a function from the tree's root to the breaches it found.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import lock

ROOT = Path(__file__).resolve().parent.parent

#: Per folder: the most lines of a file and of a function.
SIZES = {"src": (400, 60), "tools": (400, 60), "bench": (400, 60), "tests": (600, 80)}

#: Words that say nothing of what a thing is; the glossary in docs/concepts.md has the words to use.
BANNED = frozenset(
    {
        "base",
        "common",
        "handler",
        "helper",
        "helpers",
        "manager",
        "misc",
        "processor",
        "service",
        "util",
        "utils",
    }
)

#: Migrations are lists of statements that never change again; the stores' contract tests run all of them.
MIGRATIONS = "src/waypost/stores/sql/migrations/"

#: Modules with code that have no test file of their own, each with the reason. An entry that no longer applies
#: is itself a breach, so the table can only shrink to what is true.
UNMIRRORED: dict[str, str] = {}

_MARK = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MARKED_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".js", ".mjs", ".ts", ".tsx", ".css"}


@dataclass(frozen=True)
class Breach:
    """One broken rule: where, and what to do about it."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Source:
    """One Python file, read and parsed once. `path` is relative to the root, with slashes."""

    path: str
    text: str
    tree: ast.Module


def sources(root: Path, *folders: str) -> Iterator[Source]:
    """Every Python file below the folders, in order. Raises SyntaxError for one that does not parse."""
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            if "node_modules" in file.parts or "__pycache__" in file.parts:
                continue
            path = file.relative_to(root).as_posix()
            text = file.read_text("utf-8")
            yield Source(path, text, ast.parse(text, path))


def check_sizes(root: Path) -> Iterator[Breach]:
    """Files and functions are short enough to be read at once."""
    for folder, (file_max, function_max) in SIZES.items():
        for source in sources(root, folder):
            length = source.text.count("\n")
            if length > file_max:
                yield Breach(source.path, 1, f"{length} lines; {file_max} are allowed: split it by idea")
            if source.path.startswith(MIGRATIONS):
                continue
            for node in ast.walk(source.tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or node.lineno) - node.lineno + 1
                    if lines > function_max:
                        told = f"{node.name} has {lines} lines; {function_max} are allowed: name its steps"
                        yield Breach(source.path, node.lineno, told)


def check_names(root: Path) -> Iterator[Breach]:
    """Modules, packages and classes are named for what they are."""
    for source in sources(root, "src", "tools", "bench"):
        for part in Path(source.path).with_suffix("").parts[1:]:
            for word in part.lower().split("_"):
                if word in BANNED:
                    yield Breach(source.path, 1, f"{word!r} is banned as a name: say what the module holds")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                words = {word.lower() for word in _WORD.findall(node.name)}
                for word in sorted(words & BANNED):
                    told = f"class {node.name}: {word!r} is banned as a name: say what it is"
                    yield Breach(source.path, node.lineno, told)


def has_code(tree: ast.Module) -> bool:
    """Whether a module does anything: a function of more than a docstring, `...`, `pass` or a mere `raise`."""
    return any(
        not isinstance(statement, ast.Pass | ast.Raise)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
    )


def mirror_of(path: str) -> str:
    """Where a module's tests are: `a/b.py` in `tests/a/test_b.py`, a package's own code in `test_init.py`.

    Further files may be named after it: `test_b_under_load.py`.
    """
    module = Path(path).relative_to("src/waypost")
    stem = "init" if module.stem == "__init__" else module.stem
    return (Path("tests") / module.parent / f"test_{stem}.py").as_posix()


def has_mirror(root: Path, path: str) -> bool:
    """Whether a module has a test file of its own."""
    mirror = root / mirror_of(path)
    return mirror.is_file() or any(mirror.parent.glob(f"{mirror.stem}_*.py"))


def check_mirror(root: Path, unmirrored: dict[str, str] = UNMIRRORED) -> Iterator[Breach]:
    """Every module with code has its test file where everybody looks for it."""
    with_code = {
        source.path
        for source in sources(root, "src")
        if has_code(source.tree) and not source.path.startswith(MIGRATIONS)
    }
    for path in sorted(with_code - unmirrored.keys()):
        if not has_mirror(root, path):
            yield Breach(path, 1, f"has no {mirror_of(path)}")
    for path in sorted(unmirrored):
        if path not in with_code:
            yield Breach(
                "tools/check_tree.py", 1, f"UNMIRRORED names {path}, which is gone or has no code now"
            )
        elif has_mirror(root, path):
            yield Breach(
                "tools/check_tree.py", 1, f"UNMIRRORED names {path}, which has {mirror_of(path)} now"
            )


def check_marks(root: Path) -> Iterator[Breach]:
    """Nothing is left for later in the code: what is missing is an issue."""
    for folder in ("src", "tools", "bench", "tests", "docs", "console", "deploy"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in _MARKED_SUFFIXES or "node_modules" in file.parts:
                continue
            for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
                if found := _MARK.search(line):
                    path = file.relative_to(root).as_posix()
                    yield Breach(
                        path, number, f"{found.group()}: finish it, or file an issue and drop the mark"
                    )


def check_locks(root: Path) -> Iterator[Breach]:
    """Lock files pin and hash everything, and name no host: they must install from any index."""
    for name in lock.LISTS:
        path = f"requirements/{name}.txt"
        file = root / path
        if not file.is_file():
            yield Breach(path, 1, "is missing: make lock")
            continue
        for fault in lock.faults(file.read_text("utf-8")):
            yield Breach(path, 1, f"{fault}: make lock")
    for file in sorted(root.glob("**/package-lock.json")):
        path = file.relative_to(root).as_posix()
        if "node_modules" not in file.parts and '"resolved"' in file.read_text("utf-8"):
            told = "names a host: npm install --package-lock-only --omit-lockfile-registry-resolved"
            yield Breach(path, 1, told)


RULES: tuple[Callable[[Path], Iterator[Breach]], ...] = (
    check_sizes,
    check_names,
    check_mirror,
    check_marks,
    check_locks,
)


def main() -> int:
    """Check the tree this file is in."""
    breaches = [breach for rule in RULES for breach in rule(ROOT)]
    for breach in breaches:
        print(breach)
    print(f"{len(breaches)} breaches of the tree's rules" if breaches else "The tree keeps its rules.")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
