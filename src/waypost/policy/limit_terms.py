"""What a request takes of a limit, what it used of it, and how a refusal is told: the same wherever it is counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from waypost.core.limit import SECONDS, Limit, LimitUnit, Need, Share
from waypost.core.record import Attempt
from waypost.core.rules import Pace
from waypost.core.scope import NARROW, counts_to
from waypost.errors import Oversized, RateLimited

NANO: Final = 1_000_000_000
#: After which a request may be let in where it is not known when another one ends.
CONCURRENT_WAIT_S: Final = 1.0
TOKENS: Final[frozenset[LimitUnit]] = frozenset(("input_tokens", "output_tokens", "tokens"))
_WORDS: Final[dict[LimitUnit, str]] = {
    "requests": "requests",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "tokens": "tokens",
    "concurrent": "requests at once",
}


def window_ns(limit: Limit) -> int:
    """In nanoseconds."""
    return int(SECONDS[limit.per]) * NANO


def share_of(pace: Pace, nodes: int) -> Pace:
    """What one of so many nodes holds of it; never nothing, where there is anything."""
    limit = pace.limit
    fields = {name: getattr(limit, name) for name in limit.__struct_fields__}
    fields["amount"] = max(1, limit.amount // nodes) if limit.amount > 0 else limit.amount
    return msgspec.structs.replace(pace, limit=Share(**fields, whole=limit.amount))


def number_of(pace: Pace, need: Need) -> int:
    """What a request may use of a limit. Raises Oversized when that is more than the whole."""
    unit, amount = pace.limit.unit, pace.limit.amount
    if unit == "requests":
        return 1
    least = 0 if unit == "output_tokens" else need.input_tokens
    number = least if unit == "input_tokens" else least + need.output_tokens
    if number <= amount:
        return number
    whole = _whole(pace.limit)
    if number > whole and (need.stated or least > whole):
        raise Oversized(
            f"{_limit_words(pace)}, and this request may use {number}: it never fits. Send less, set a smaller output "
            "limit, or ask for a higher limit."
        )
    return amount


def used_of(pace: Pace, attempts: Sequence[Attempt]) -> int:
    """What an exchange used of a limit; those of providers and models count what went to them."""
    unit = pace.limit.unit
    if pace.scope in NARROW:
        account = f"{pace.scope}:{pace.counter.rpartition(':')[2]}"
        attempts = [each for each in attempts if counts_to(account, each.provider, each.model)]
        if unit == "requests":
            return min(1, len(attempts))
    elif unit == "requests":
        return 1
    used = 0
    for attempt in attempts:
        usage = attempt.usage
        if usage is None:
            continue
        if unit != "output_tokens":
            used += usage.input
        if unit != "input_tokens":
            used += usage.output
    return used


def refused(pace: Pace, wait_s: float) -> RateLimited:
    """There is no room for so long."""
    return RateLimited(f"{_limit_words(pace)}. Try again in {wait_s:.2f} s.", retry_after_s=wait_s)


def nothing_in(pace: Pace) -> Oversized:
    """There never is any room."""
    return Oversized(f"{_limit_words(pace)}: nothing is let in. Ask for a higher limit.")


def _whole(limit: Limit) -> int:
    return limit.whole if isinstance(limit, Share) else limit.amount


def _limit_words(pace: Pace) -> str:
    limit = pace.limit
    named = "" if limit.name == pace.label else f" {limit.name!r}"
    per = "" if limit.unit == "concurrent" else f" per {limit.per}"
    return f"The limit{named} of {pace.scope} {pace.label!r} is {_whole(limit)} {_WORDS[limit.unit]}{per}"
