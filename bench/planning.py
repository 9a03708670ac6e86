"""What a plan costs: `python -m bench --plan`. No process and no network: the planner alone, the record included.

The board is the gateway's own, with a dozen answers measured of each target, some under way, and nothing limited; the
ratio is to sorting as many floats in the same run, batch by batch in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from time import thread_time

import msgspec

from waypost.catalog.rows import PriceRow
from waypost.catalog.tariff import build_sheet
from waypost.config.nodes import (
    Balanced,
    Cheapest,
    Fallback,
    Fastest,
    Leaf,
    LeastBusy,
    MaxPrice,
    Need,
    Node,
    Weighted,
    targets_of,
)
from waypost.config.overload_schema import OverloadSettings
from waypost.config.snapshot import Route
from waypost.config.targets import Credential, Provider, Target
from waypost.config.tuning import Resilience
from waypost.core.asked import Asked
from waypost.core.decision import Reason
from waypost.core.facts import ModelFacts
from waypost.core.key import Key
from waypost.core.origin import Origin
from waypost.core.usage import Usage
from waypost.dialects.lane import Lane, Lanes
from waypost.dialects.registry import DIALECTS
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.queue import Waiting
from waypost.routing.health.board import HealthBoard
from waypost.routing.limiter import Limiter
from waypost.routing.plan import Planner
from waypost.routing.view import Lookup, View

SIZES = (1, 5, 50)
_BATCH_S = 0.002
_NOW = 1000.0
_WALL = 1_790_000_000.0


class Figure(msgspec.Struct, frozen=True):
    """CPU time of one plan, undisturbed: the lowest of all batches."""

    route: str
    targets: int
    plan_us: float
    sort_us: float
    """Of sorting as many floats."""

    @property
    def ratio(self) -> float:
        return self.plan_us / self.sort_us


class _Asleep:
    """A timer of a clock that stands still."""

    def cancel(self) -> None:
        """Nothing to stop."""


def _never(_delay: float, _call: Callable[[], object]) -> _Asleep:
    return _Asleep()


def measured_board(targets: Sequence[Target]) -> HealthBoard:
    """A board on which everything is well: each target was asked a dozen times, and has up to three under way."""
    tuning = Resilience()
    limiter = Limiter()
    entrance = Entrance(limiter, Waiting(limiter, lambda: _NOW, _never, OverloadSettings, Random(3).random))
    board = HealthBoard(
        lambda: tuning, Random(2).random, lambda: _WALL, entrance.busy, crowded=entrance.crowded
    )
    for number, target in enumerate(targets):
        wait = 0.2 + number % 7 / 10
        for answer in range(12):
            began = _NOW - 30.0 + answer
            board.try_enter(target, began, 1000)
            board.succeeded(target, began + 1.0, 1000, (), Usage(1000, 100), wait, 1.0)
        for _ in range(number % 4):
            board.try_enter(target, _NOW - 1.0, 1000)
    return board


def targets(count: int) -> tuple[Target, ...]:
    """Priced, with facts, weights and a provider each."""
    facts = ModelFacts(context=128_000, max_output=16_384, features=("tools", "vision", "json_schema"))
    return tuple(
        Target(
            provider=Provider(
                name=f"provider-{number}",
                dialects=("openai_chat",),
                origin=Origin("https", "bench.example", 443),
                path="/v1",
                credential=Credential(b""),
                trains=False,
            ),
            model="model",
            tariff=build_sheet(
                str(number),
                [PriceRow(0, "", None, None, 0, (150_000_000 + number * 1_000_000, 600_000_000))],
            ),
            facts=facts,
            weight=1 + number % 3,
        )
        for number in range(count)
    )


def routes(count: int) -> dict[str, Route]:
    """One of each kind, over the same targets."""
    asked = targets(count)
    leaves: tuple[Node, ...] = tuple(Leaf(target) for target in asked)
    weights = tuple(target.weight for target in asked)
    need = Need(
        features=frozenset(("tools",)),
        no_training=True,
        ignore=("other",),
        max_price=MaxPrice(input=10_000_000_000),
    )
    nodes: dict[str, Node | None] = {
        "priority and weight": None,
        "fallback": Fallback(leaves),
        "fallback with a need": Fallback(leaves, need),
        "weighted": Weighted(leaves, weights),
        "weighted, sticky": Weighted(leaves, weights, ("user",), "bench"),
        "least busy": LeastBusy(leaves),
        "fastest": Fastest(leaves),
        "cheapest": Cheapest(leaves),
        "balanced": Balanced(leaves),
    }
    return {
        name: Route("bench", asked if node is None else targets_of(node), node=node)
        for name, node in nodes.items()
    }


def view() -> View:
    lane = Lanes(DIALECTS).find(DIALECTS["openai_chat"], ("openai_chat",))
    assert lane is not None
    lanes: list[Lane | Reason] = [lane] * max(SIZES)
    return View(
        asked=Asked(model="bench", stream=False, fields={}, input_estimate=1000),
        key=Key(key_id="k", name="bench", digest=bytes(32), hint="", created_at=0.0),
        at=_WALL,
        now=_NOW,
        lanes=lambda targets: lanes[: len(targets)],
        facets=Lookup({"user": "ann"}),
    )


def measure(rounds: int = 40, sizes: Sequence[int] = SIZES, batch_s: float = _BATCH_S) -> list[Figure]:
    """Every kind of route at every size."""
    random, seen = Random(1), view()
    told = []
    for count in sizes:
        numbers = [random.random() for _ in range(count)]
        for name, route in routes(count).items():
            planner, board = Planner(random.random), measured_board(route.targets)

            def plan(planner: Planner = planner, route: Route = route, board: HealthBoard = board) -> object:
                return planner.plan(route, seen, board)

            def sort(numbers: list[float] = numbers) -> object:
                return sorted(numbers)

            plan_us, sort_us = _lowest((plan, sort), rounds, batch_s)
            told.append(Figure(name, count, plan_us, sort_us))
    return told


def _lowest(calls: Sequence[Callable[[], object]], rounds: int, batch_s: float) -> list[float]:
    """CPU microseconds of a call of each, batches taken in turn."""
    sizes = [_batch(call, batch_s) for call in calls]
    lowest = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, (call, size) in enumerate(zip(calls, sizes, strict=True)):
            lowest[index] = min(lowest[index], _cpu_us(call, size))
    return lowest


def _batch(call: Callable[[], object], batch_s: float) -> int:
    """How many calls take about so long."""
    size = 1
    while size < 1_000_000 and _cpu_us(call, size) * size < batch_s * 1e6:
        size *= 2
    return size


def _cpu_us(call: Callable[[], object], times: int) -> float:
    began = thread_time()
    for _ in range(times):
        call()
    return (thread_time() - began) * 1e6 / times


def table(figures: Sequence[Figure]) -> str:
    """Markdown: a row per kind of route; CPU µs and, in parentheses, how many times a sort of as many floats."""
    sizes = sorted({figure.targets for figure in figures})
    by_place = {(figure.route, figure.targets): figure for figure in figures}
    lines = [
        ["CPU µs per plan (× sorted())", *(f"{size} target{'s' * (size > 1)}" for size in sizes)],
        ["---", *("---:" for _ in sizes)],
    ]
    for route in dict.fromkeys(figure.route for figure in figures):
        cells = [by_place.get((route, size)) for size in sizes]
        lines.append([route, *(f"{cell.plan_us:.1f} ({cell.ratio:.0f}×)" if cell else "" for cell in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
