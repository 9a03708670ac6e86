"""For load balancers, orchestrators and people: is it alive, is it ready, what is it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.edge.routes import Routes

METRICS_TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


class _Ready(msgspec.Struct):
    status: str
    missing: list[str]


class _Health(msgspec.Struct):
    status: str
    version: str


class _Hello(msgspec.Struct):
    name: str
    version: str
    docs: str
    endpoints: tuple[str, ...]


def live(version: str) -> bytes:
    """Answering at all is the proof that the loop runs."""
    return msgspec.json.encode(_Health("ok", version))


def ready(missing: Sequence[str]) -> tuple[int, bytes]:
    """Status and body: 200, or 503 naming what keeps new work away."""
    if missing:
        return 503, msgspec.json.encode(_Ready("unready", list(missing)))
    return 200, msgspec.json.encode(_Ready("ready", []))


def hello(version: str, docs: str, routes: Routes) -> bytes:
    """What a person sees who opens the base URL."""
    return msgspec.json.encode(_Hello("waypost", version, docs, routes.shown))
