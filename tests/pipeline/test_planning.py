"""From a request to a plan, or to the words for why there is none."""

from __future__ import annotations

import msgspec
import pytest

from transcript import CHAT, Stage, completion, error_code, provider, target
from waypost.config.snapshot import Route
from waypost.core.decision import Considered, Decision, Excluded, Reason
from waypost.routing.board import Board
from waypost.routing.planned import Chosen, Plan
from waypost.routing.view import View

A, B = target(provider("a"), priority=1), target(provider("b"), priority=2)


class Fixed:
    """Gives the plan it was made with, and keeps what it was shown."""

    def __init__(self, excluded: tuple[Excluded, ...] = (), soonest_s: float | None = None) -> None:
        self.excluded = excluded
        self.soonest_s = soonest_s
        self.hedge_after_s = None
        self.shadows = ()
        self.views: list[View] = []

    def plan(self, route: Route, view: View, board: Board) -> Plan:
        self.views.append(view)
        if self.excluded:
            return Plan((), Decision(excluded=self.excluded), soonest_s=self.soonest_s)
        (lane,) = view.lanes((B,))
        assert not isinstance(lane, str)
        order = (Considered("b/m1", "price", 0.5),)
        return Plan((Chosen(B, lane, "price", 0.5),), Decision(order))


def planned(fixed: Fixed, **changes: object) -> Stage:
    stage = Stage([completion()], targets=(A, B), **changes)
    stage.pipeline._planning._planner = fixed
    return stage


async def test_the_plan_is_followed_and_kept_with_the_record() -> None:
    stage = planned(Fixed())
    await stage.ask(CHAT)
    assert [attempt.provider for attempt in stage.attempts] == ["b"]
    assert stage.exchange.decision == Decision((Considered("b/m1", "price", 0.5),))


async def test_where_there_is_nothing_to_choose_nothing_is_planned() -> None:
    stage = Stage([completion()], targets=(A,))
    stage.pipeline._planning._planner = fixed = Fixed()
    await stage.ask(CHAT)
    assert fixed.views == []
    assert stage.exchange.decision is None


async def test_where_there_is_nothing_to_choose_the_plan_is_made_once() -> None:
    stage = Stage([completion(), completion()], targets=(A,))
    planning = stage.pipeline._planning
    await stage.ask(CHAT, number=1)
    (kept,) = planning._alone.values()
    await stage.ask(CHAT, number=2)
    assert list(planning._alone.values()) == [kept]
    assert next(iter(planning._alone.values())) is kept


async def test_a_kept_plan_is_not_followed_once_its_target_is_another() -> None:
    stage = Stage({"a": [completion()], "b": [completion()]}, targets=(A,))
    await stage.ask(CHAT, number=1)
    routes = {"fast": Route(name="fast", targets=(B,))}
    stage.snapshot = msgspec.structs.replace(stage.snapshot, routes=routes)
    client = await stage.ask(CHAT, number=2)
    assert client.header(b"x-waypost-provider") == b"b"


@pytest.mark.parametrize(
    ("reasons", "status", "code"),
    [
        (["max_price", "region"], 404, "no_suitable_target"),
        (["operation", "max_price"], 404, "no_suitable_target"),
        (["operation", "operation"], 400, "invalid_request"),
        (["parked", "ejected"], 503, "all_targets_down"),
        (["parked", "max_price"], 503, "all_targets_down"),
    ],
)
async def test_why_no_target_is_asked(reasons: list[Reason], status: int, code: str) -> None:
    excluded = tuple(Excluded(f"t{i}", reason, "said so") for i, reason in enumerate(reasons))
    stage = planned(Fixed(excluded, soonest_s=7.2))
    client = await stage.ask(CHAT)
    assert (client.status, error_code(client.body)) == (status, code)
    assert client.header(b"retry-after") == (b"8" if status == 503 else None)
    if code == "no_suitable_target":
        assert b"t0: said so" in client.body
    assert stage.upstream.sent == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, set()),
        ({"tools": []}, set()),
        ({"tools": None}, set()),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, {"tools"}),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "s", "schema": {"type": "object"}},
                }
            },
            {"json_schema"},
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}],
                    }
                ]
            },
            {"vision"},
        ),
    ],
)
async def test_what_a_request_uses_is_seen(more: dict[str, object], expected: set[str]) -> None:
    fixed = Fixed()
    stage = planned(fixed)
    await stage.ask({**CHAT, **more})
    assert fixed.views[0].features == expected
    assert fixed.views[0].at == pytest.approx(stage.clock.wall())
    assert fixed.views[0].key == stage.key


async def test_a_count_that_no_target_can_make_is_made_here() -> None:
    stage = planned(Fixed((Excluded("a/m1", "operation"),)))
    body = {"model": "fast", "messages": [{"role": "user", "content": "Hello there"}]}
    client = await stage.ask(body, dialect="anthropic_count_tokens")
    assert client.status == 200
    assert msgspec.json.decode(client.body)["input_tokens"] > 0
