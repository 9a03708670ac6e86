"""The name of a node: made at its first start, and kept in its data folder. It tells nodes apart that share a
database."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from waypost.core.keytext import Randomness
from waypost.errors import StoreUnavailable

FILE_NAME: Final = "node"
_NAME: Final = re.compile(r"[0-9a-f]{12}")


def node_of(data: Path, randomness: Randomness = os.urandom) -> str:
    """The name of the node whose data folder this is. Raises StoreUnavailable when it can not be read or kept."""
    path = data / FILE_NAME
    try:
        try:
            return _checked(path.read_text("ascii"), path)
        except FileNotFoundError:
            pass
        made = randomness(6).hex()
        new = path.with_suffix(f".{made}")
        new.write_text(made, "ascii")
        try:
            os.link(new, path)  # whoever comes first has named it
        except FileExistsError:
            pass
        finally:
            new.unlink()
        return _checked(path.read_text("ascii"), path)
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 5) if isinstance(error, OSError) else "it is not text"
        raise StoreUnavailable(f"The node's name in {path} can not be read or kept: {why}.") from None


def _checked(text: str, path: Path) -> str:
    name = text.strip()
    if not _NAME.fullmatch(name):
        raise StoreUnavailable(
            f"{path} does not hold the name of a node. Restore it: the intents files of this folder are kept under it."
        )
    return name
