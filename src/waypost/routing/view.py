"""What planning reads of one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from waypost.config.nodes import NO_PREFERENCES, Facets, Preferences
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.decision import Reason
from waypost.core.key import Key
from waypost.dialects.lane import Lane

#: Uniform in [0, 1), injected.
Random = Callable[[], float]


class View(msgspec.Struct, frozen=True):
    """One request, as the planner sees it."""

    asked: Asked
    key: Key
    at: float
    """Unix time in seconds."""
    now: float
    """Monotonic seconds, as the board counts."""
    lanes: Callable[[tuple[Target, ...]], Sequence[Lane | Reason]]
    """The lane each target would be asked through, or why it can not serve this operation."""
    facets: Facets
    """For conditions and sticky draws."""
    preferences: Preferences = NO_PREFERENCES
    features: frozenset[str] = frozenset()
    """What the request uses (`tools`, `vision`, `json_schema`, …): preferred softly, as OpenRouter does, unless
    `require_parameters` makes it a need."""
    reserve_output: int = 4096
    """Output tokens to reckon with where the client sets no limit."""


class Lookup(msgspec.Struct, frozen=True):
    """`Facets` over values that are there already; for tests and tables of cases."""

    values: Mapping[str, object]

    def __getitem__(self, name: str) -> object:
        return self.values[name]
