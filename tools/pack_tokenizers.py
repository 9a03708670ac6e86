"""Pack OpenAI's public tokenizers into `src/waypost/catalog/*.ranks.xz`.

Usage: python -m tools.pack_tokenizers --litellm-wheel WHEEL [--out FOLDER] [--check]

The merge ranks come from the `litellm` wheel that the catalogue is compiled from too (download it without installing:
`pip download --no-deps litellm==1.106.2`; never 1.107.0), which carries them under the names of tiktoken's cache. Their
SHA-256 has to be the one that tiktoken publishes, so it does not matter who carries them. The expressions that cut
texts are those of the installed `tiktoken`. The output is the same byte for byte for the same inputs.
"""

from __future__ import annotations

import argparse
import base64
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

from tiktoken_ext import openai_public

from waypost.catalog.tokenizers import Ranks, pack_ranks
from waypost.core.encoding import Encoding

OUT = Path(__file__).parents[1] / "src/waypost/catalog"
ENCODINGS: tuple[Encoding, ...] = ("o200k_base", "cl100k_base")
#: Where the wheel has a file that tiktoken would fetch: named by the SHA-1 of its address.
FILES = {
    "o200k_base": "litellm/litellm_core_utils/tokenizers/fb374d419588a4632f3f557e76b4b70aebbca790",
    "cl100k_base": "litellm/litellm_core_utils/tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
}


def main(argv: list[str]) -> int:
    """Pack and write. Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--litellm-wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    options = parser.parse_args(argv)
    changed = False
    with zipfile.ZipFile(options.litellm_wheel) as wheel:
        for encoding in ENCODINGS:
            blob = pack_ranks(read_ranks(encoding, wheel.read(FILES[encoding])))
            path = options.out / f"{encoding}.ranks.xz"
            changed |= not path.exists() or path.read_bytes() != blob
            print(f"{path.name}: {len(blob)} bytes")
            if not options.check:
                path.write_bytes(blob)
    return int(options.check and changed)


def read_ranks(encoding: Encoding, text: bytes) -> Ranks:
    """A tokenizer from its published file: a token in base64 and its rank, a line each. Raises ValueError for a file
    that is not the published one."""
    asked: dict[str, str] = {}

    def ours(address: str, expected_hash: str) -> dict[bytes, int]:
        asked[address] = expected_hash
        return {}

    with patch.object(openai_public, "load_tiktoken_bpe", ours):
        pattern = str(getattr(openai_public, encoding)()["pat_str"])
    if sha256(text).hexdigest() not in asked.values():
        raise ValueError(f"this is not the file that tiktoken names for {encoding}")
    return Ranks(pattern, parse_ranks(text))


def parse_ranks(text: bytes) -> tuple[bytes, ...]:
    """Tokens in the order of their ranks. Raises ValueError for ranks with a gap."""
    pairs = [line.split() for line in text.splitlines() if line]
    if [int(rank) for _, rank in pairs] != list(range(len(pairs))):
        raise ValueError("the ranks have to be 0, 1, 2 … without a gap")
    return tuple(base64.b64decode(token) for token, _ in pairs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
