"""Whether a line that was refused is asked again, and when."""

from __future__ import annotations

from waypost.pipeline.behind import Sink

#: Rate limits, the gateway's own and the provider's; too much to do; nobody there just now.
_PASSING = (429, 503)
#: How often a provider may refuse a line. The gateway's own refusals cost nobody anything and are not counted.
PROVIDER_TRIES_MAX = 5
_FIRST_S = 1.0
_LONGEST_S = 60.0


def wait_before_next(sink: Sink, tries: int) -> float | None:
    """Seconds to wait after the try with this number; None: its answer stands."""
    if sink.status not in _PASSING:
        return None
    said = dict(sink.headers)
    if said.get(b"x-should-retry") == b"false":
        return None
    if said.get(b"x-waypost-attempts", b"0") != b"0" and tries >= PROVIDER_TRIES_MAX:
        return None
    least = min(_FIRST_S * (1 << min(tries - 1, 10)), _LONGEST_S)
    after = said.get(b"retry-after-ms", b"")
    if after.isdigit() and len(after) < 12:
        return max(int(after) / 1000, 0.01) if int(after) else least
    return least
