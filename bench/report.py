"""Medians, ratios and the printed table."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from statistics import median

from bench.usage import busy_s

Figures = Mapping[str, float]

#: Row → its label, digits after the point, and whether the ratio to nginx means something.
ROWS: dict[str, tuple[str, int, bool]] = {
    "requests_per_s_wrk": ("requests/s, wrk", 0, True),
    "requests_per_s": ("requests/s, own generator", 0, True),
    "cpu_us_per_request": ("CPU µs per request, busy", 1, True),
    "cpu_us_per_request_steady": ("CPU µs per request, at the fixed rate", 1, True),
    "p50_us": ("p50 µs at the fixed rate", 0, False),
    "p99_us": ("p99 µs at the fixed rate", 0, False),
    "added_p50_us": ("added p50 µs", 0, True),
    "added_p99_us": ("added p99 µs", 0, True),
    "cpu_us_per_chunk": ("CPU µs per streamed chunk", 1, True),
    "streams_held": ("streams held at once", 0, False),
    "rss_mb": ("memory under load, MB", 1, False),
    "rss_mb_holding": ("memory holding the streams, MB", 1, False),
    "start_s": ("start to ready, s", 2, False),
}


def medians(rounds: Sequence[Figures]) -> dict[str, float]:
    """The median of each figure over the rounds that have it."""
    names = {name: None for figures in rounds for name in figures}
    return {name: median(figures[name] for figures in rounds if name in figures) for name in names}


def with_added(columns: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Each subject's latencies less those of the upstream asked directly, in the same run."""
    direct = columns.get("direct", {})
    told = {}
    for name, figures in columns.items():
        added = {
            f"added_{rank}_us": figures[f"{rank}_us"] - direct[f"{rank}_us"]
            for rank in ("p50", "p99")
            if name != "direct" and f"{rank}_us" in figures and f"{rank}_us" in direct
        }
        told[name] = {**figures, **added}
    return told


def table(columns: Mapping[str, Figures]) -> str:
    """Markdown, one row per measure; the last column is the gateway against nginx in the same run."""
    ratio = {"nginx", "waypost"} <= columns.keys()
    head = ["measure", *columns, *(["waypost ÷ nginx"] if ratio else [])]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row, (label, digits, comparable) in ROWS.items():
        if not any(row in figures for figures in columns.values()):
            continue
        cells = [f"{figures[row]:,.{digits}f}" if row in figures else "" for figures in columns.values()]
        if ratio:
            ours, theirs = columns["waypost"].get(row), columns["nginx"].get(row)
            known = comparable and ours is not None and theirs is not None and theirs > 0
            cells.append(f"{ours / theirs:.2f}" if known and ours is not None and theirs is not None else "")
        lines.append([label, *cells])
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processors": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
    }


def noise(busy_before: tuple[float, float], seconds: float) -> list[str]:
    """Warnings about a machine that was not idle while the bench itself did nothing for `seconds`."""
    busy, stolen = (now - before for now, before in zip(busy_s(), busy_before, strict=True))
    told = []
    if busy / seconds > 0.15:
        told.append(
            f"other processes use {busy / seconds:.2f} processors: the figures are too high by an unknown amount"
        )
    if stolen / seconds > 0.02:
        told.append(f"the host takes {stolen / seconds:.2f} processors away: compare ratios only")
    return told
