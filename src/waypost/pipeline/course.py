"""What follows in a plan after a failure, how long an attempt may take, and what the client is told at the end."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import msgspec

from waypost.config.nodes import Overlay
from waypost.core.asked import Asked
from waypost.core.origin import Deadlines
from waypost.errors import AllDown, GatewayError, Retry, TimedOut, Unavailable, UpstreamError
from waypost.pipeline.exchange import LiveExchange
from waypost.routing.board import Board
from waypost.routing.planned import Candidate, Plan
from waypost.routing.requested.overlay import apply
from waypost.routing.retry import has_room, step, worst


def may_hedge(asked: Asked | None, left: list[Candidate]) -> bool:
    """Two targets that are asked the same, for an answer that nobody else is to finish. The operator's key is no second
    one for somebody's own credential at the same place, nor the other way round."""
    if len(left) < 2 or asked is None or asked.continues:
        return False
    one, other = left[0].target, left[1].target
    if (one.provider.own or other.provider.own) and one.name == other.name:
        return False
    return left[0].overlay is left[1].overlay is None


class Lost(NamedTuple):
    """A race that nobody won."""

    used: int
    """How many of the candidates were asked, or could not be."""
    failed: list[tuple[Candidate, GatewayError]]
    misshapen: bool = False
    """The last of them answered, in another form than was asked for: asked once more it may do better."""


def behind(lost: Lost, left: list[Candidate]) -> list[Candidate]:
    """The candidates after a race."""
    left = left[lost.used :]
    for candidate, error in lost.failed:
        follows = step(error, 1, 0) if isinstance(error, UpstreamError) else Retry.NEXT
        left = rest(left, candidate, follows, error)
    if lost.misshapen:
        last = lost.failed[-1][0]
        return [last, *left] if last.target.provider.retries else left
    return left


def overlaid(live: LiveExchange, asked: Asked | None, overlay: Overlay) -> Asked | None:
    """The request as this candidate is asked it. Raises InvalidRequest."""
    call = live.call
    return (
        None if asked is None else apply(overlay, asked, call.dialect, live.snapshot.settings.json, call.path)
    )


def rest(left: list[Candidate], failed: Candidate, follows: Retry, error: GatewayError) -> list[Candidate]:
    """The candidates after a failure: where the request was too long only larger models are left, and where the
    provider itself is down its other credentials come last."""
    target = failed.target
    if follows is Retry.LARGER:
        return [each for each in left if has_room(each.target, (target,))]
    if isinstance(error, (Unavailable, TimedOut)):
        name = target.provider.name
        return sorted(left, key=lambda each: each.target.provider.name == name)
    return left


def bounded(deadlines: Deadlines, remaining: float, overlay: Overlay | None) -> Deadlines:
    """The provider's deadlines, within what is left of the exchange's own."""
    limit = None if overlay is None else overlay.timeout_s
    if remaining >= deadlines.total_s and limit is None:
        return deadlines
    first = deadlines.first_byte_s if limit is None else min(limit, deadlines.first_byte_s)
    return msgspec.structs.replace(
        deadlines,
        connect_s=min(deadlines.connect_s, remaining, first),
        first_byte_s=min(first, remaining),
        total_s=min(deadlines.total_s, remaining),
    )


def told(failures: list[GatewayError]) -> GatewayError:
    """What the client is told: how asking failed, or why nobody could be asked."""
    asked = [failure for failure in failures if isinstance(failure, UpstreamError)]
    return worst(asked) if asked else failures[0]


def too_late() -> TimedOut:
    """For when the exchange's deadline leaves no room for another attempt."""
    return TimedOut(
        "The time for this request was over before any target had answered. Ask again, or allow more by "
        "`x-waypost-deadline` or `limits.exchange`.",
        phase="total",
        may_have_billed=False,
    )


def longest_ago(plan: Plan, board: Board, now: float) -> list[Candidate]:
    """Of the candidates whose breakers are open, the one that failed least recently."""
    ejected = [each for each in plan.candidates if board.of(each.target).ejected_until(now) > 0]
    return sorted(ejected, key=lambda each: board.of(each.target).failed_at)[:1]


def all_down(plan: Plan, board: Board, now: float) -> AllDown:
    """For when nobody may be asked: with the seconds until somebody may."""
    known = [] if plan.soonest_s is None else [plan.soonest_s]
    for each in plan.candidates:
        standing = board.of(each.target)
        until = max(standing.ejected_until(now), standing.parked_until(now))
        if until > now:
            known.append(until - now)
    wait = min(known, default=None)
    when = "" if wait is None else f" The first of them is asked again in {ceil(wait)} s."
    return AllDown(
        f"Every target that could serve this is out of order or at its limit just now.{when} Ask again then; "
        "`POST /v1/route/explain` tells why.",
        retry_after_s=wait,
    )
