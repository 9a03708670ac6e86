"""The real clock and the real randomness: the only place they are taken from."""

from __future__ import annotations

import time


class SystemClock:
    """`ports.Clock`. Straight to the C functions: they are asked several times per request."""

    wall = staticmethod(time.time)  # noqa: TID251 - this is the clock that is injected everywhere else
    monotonic = staticmethod(time.monotonic)
