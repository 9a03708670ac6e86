"""How much is tried: all of it in `make test`, a tenth in `make check`, which people wait for. With
`WAYPOST_TESTS=explore`, other examples in each run, to look for counterexamples."""

from __future__ import annotations

import os
from typing import Final

_QUICK: Final = os.environ.get("WAYPOST_TESTS") == "quick"
EXPLORING: Final = os.environ.get("WAYPOST_TESTS") == "explore"
#: A law that is tried less often is hardly tried.
_LEAST: Final = 10


def examples(number: int) -> int:
    """Of a law that is tried with so many."""
    return max(_LEAST, number // 10) if _QUICK else number
