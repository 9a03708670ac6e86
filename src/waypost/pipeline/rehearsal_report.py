"""The report of an outage rehearsal: the same numbers live, as JSON and as a page for people."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Literal

import msgspec

from waypost.pipeline.rehearsal import Drill
from waypost.pipeline.rehearsal_tally import Counts, Numbers, Seen, Spread, Tally
from waypost.upstream.drill import Fault

State = Literal["running", "ending", "ended"]
End = Literal["time", "stopped", "shutdown"]


class Order(msgspec.Struct, frozen=True):
    """What was rehearsed, in the words of who asked for it."""

    providers: tuple[str, ...]
    models: tuple[str, ...]
    region: str | None
    key: str | None
    """The key's name."""
    route: str | None
    share: float
    fault: Fault
    for_s: float


class Report(msgspec.Struct, frozen=True):
    """A rehearsal at one moment. Written to the disk once it has ended."""

    id: str
    object: str
    state: State
    """`ending`: nothing is broken any more, and exchanges that were part of it are still under way."""
    end: End | None
    order: Order
    started_at: str
    left_s: float
    """Until it ends by itself."""
    numbers: Numbers
    before: Spread | None
    """Total times of answered requests of the same kind in the hour before; None when the log has none."""
    in_flight: int
    lost: int
    """Exchanges that are gone without having been settled."""
    recent: tuple[Seen, ...] = ()


def report(
    drill: Drill,
    order: Order,
    at: float,
    now: float,
    before: Spread | None,
    end: End | None,
    others: Collection[Counts] = (),
) -> Report:
    """How it stands. `at`: Unix time of its start; `now`: monotonic seconds; `others`: what other workers counted."""
    over = end is not None or drill.over(now)
    in_flight = drill.in_flight + sum(each.in_flight for each in others)
    state: State = "running" if not over else "ending" if end is None or in_flight else "ended"
    tally = drill.tally
    if others:
        tally = Tally()
        for counts in sorted((drill.counts(), *others), key=_newest):
            tally.add_counts(counts)
    return Report(
        id=drill.drill_id,
        object="drill",
        state=state,
        end=end,
        order=order,
        started_at=datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z"),
        left_s=0.0 if over else round(drill.ends - now, 3),
        numbers=tally.numbers(),
        before=before,
        in_flight=in_flight,
        lost=drill.lost + sum(each.lost for each in others),
        recent=tuple(tally.recent),
    )


def _newest(counts: Counts) -> str:
    """The id of its newest exchange: ids are in the order of time."""
    return counts.recent[-1].id if counts.recent else ""


def tell_fault(fault: Fault) -> str:
    """A fault in words."""
    words = {
        "refuse": "no connection",
        "timeout": "no answer at all",
        "stall": f"silence after {fault.after} events",
        "cut": f"broken off after {fault.after} events",
        "garbage": "a proxy's page in place of an answer",
        "slow": f"a proper answer {fault.delay_s:g} s late",
    }
    return words.get(fault.kind, f"status {fault.kind}")


def tell_traffic(order: Order) -> str:
    """Whose requests are part of it, in words."""
    parts = [f"key {order.key}"] if order.key else []
    parts += [f"route {order.route}"] if order.route else []
    whose = " on ".join(parts) or "every key"
    return whose if order.share >= 1 else f"{order.share:.0%} of {whose}"


def lines(report: Report) -> list[tuple[str, str]]:
    """The numbers with their names, in the order people read them."""
    n = report.numbers
    errors = ", ".join(f"{code} × {count}" for code, count in sorted(n.errors.items())) or "none"
    return [
        ("requests", str(n.requests)),
        ("answered", f"{n.answered} ({_share(n.answered, n.requests)})"),
        ("… after a failover", str(n.failed_over)),
        ("… without a broken attempt", str(n.steered)),
        ("failed", str(n.failed)),
        ("cut in the middle", str(n.cut)),
        ("refused, no target left", str(n.refused)),
        ("clients that left", str(n.disconnected)),
        ("errors that clients saw", errors),
        ("attempts", f"{n.attempts}, of which {n.broken} broken"),
        ("added by failover", _spread(n.added)),
        ("time to first token", _spread(n.first_token)),
        ("total time", _spread(n.total)),
        ("total time before", "not known" if report.before is None else _spread(report.before)),
        ("cost", f"${n.cost_usd}"),
        ("lost", str(report.lost)),
    ]


def render_markdown(report: Report) -> str:
    """The report as a page."""
    order = report.order
    ends = {"time": "by itself", "stopped": "because it was stopped", "shutdown": "with the gateway"}
    targets = ", ".join(order.providers) + (f" ({', '.join(order.models)})" if order.models else "")
    rows = "\n".join(f"| {name} | {value} |" for name, value in lines(report))
    return (
        f"# Outage rehearsal {report.id}\n\n"
        f"- Broken: {targets}{f' in {order.region}' if order.region else ''}: {tell_fault(order.fault)}\n"
        f"- For: {tell_traffic(order)}\n"
        f"- From: {report.started_at}, for {order.for_s:g} s at most; ended {ends.get(report.end or '', 'not yet')}\n\n"
        f"| | |\n|---|---|\n{rows}\n"
    )


def _share(part: int, whole: int) -> str:
    return "–" if not whole else f"{part / whole:.2%}"


def _spread(times: Spread) -> str:
    if times.p50_ms is None or times.p95_ms is None:
        return "–"
    return f"p50 {times.p50_ms:,.0f} ms, p95 {times.p95_ms:,.0f} ms ({times.count})"
