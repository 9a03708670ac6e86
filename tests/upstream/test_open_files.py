from __future__ import annotations

import resource

import pytest

from waypost.upstream.open_files import connections_max, lift_open_files

INFINITY = resource.RLIM_INFINITY


class System:
    """What stands for the process's limit."""

    def __init__(self, soft: int, hard: int, most: int = 1 << 40) -> None:
        self.given, self.most = (soft, hard), most

    def get(self, _: int) -> tuple[int, int]:
        return self.given

    def set(self, _: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > self.most:
            raise ValueError("not allowed to raise maximum limit")
        self.given = wanted


@pytest.mark.parametrize(
    ("soft", "hard", "after", "connections"),
    [
        (1024, 524_288, 524_288, 262_080),
        (1024, 1024, 1024, 448),
        (1024, INFINITY, 1 << 20, 524_224),
        (INFINITY, INFINITY, INFINITY, 524_224),
        (1 << 21, 1 << 22, 1 << 21, 524_224),
        (64, 64, 64, 64),
    ],
)
def test_the_limit_of_open_files_is_raised_and_halved(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, after: int, connections: int
) -> None:
    system = System(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", system.get)
    monkeypatch.setattr(resource, "setrlimit", system.set)
    assert lift_open_files() == connections_max() == connections
    assert system.given == (after, hard), "the hard limit is nobody's to change"


def test_where_the_system_refuses_it_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(256, INFINITY, most=10_240)
    monkeypatch.setattr(resource, "getrlimit", system.get)
    monkeypatch.setattr(resource, "setrlimit", system.set)
    assert lift_open_files() == 64
    assert system.given == (256, INFINITY)
