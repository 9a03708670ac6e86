"""Which paths exist. Matching is exact; what is decided later is decided on the matched route, never on the path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from waypost.dialects.dialect import Dialect
from waypost.errors import MethodNotAllowed, NotFound

Purpose = Literal["call", "models", "model", "live", "ready", "health", "metrics", "hello"]

_PREFIXES = ("/v1", "", "/api/v1")
_MODELS = tuple(f"{prefix}/models" for prefix in _PREFIXES)
_READ = frozenset(("GET", "HEAD"))


class Matched(msgspec.Struct, frozen=True):
    """A route: what it is for, how it may be asked, and the dialect it speaks if it is a call."""

    purpose: Purpose
    methods: frozenset[str]
    dialect: Dialect | None = None
    model: str | None = None
    """The model id in the path, for `model`."""


class Routes:
    """The table, built once."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._exact: dict[str, Matched] = {
            "/": Matched("hello", _READ),
            "/livez": Matched("live", _READ),
            "/readyz": Matched("ready", _READ),
            "/healthz": Matched("health", _READ),
            "/metrics": Matched("metrics", _READ),
        }
        shown: list[str] = []
        for dialect in dialects:
            shown.append(f"POST /v1{dialect.path}")
            for prefix in _PREFIXES:
                self._exact[prefix + dialect.path] = Matched("call", frozenset(("POST",)), dialect)
        for path in _MODELS:
            self._exact[path] = Matched("models", _READ)
        shown += [
            "GET /v1/models",
            "GET /v1/models/{id}",
            "GET /livez",
            "GET /readyz",
            "GET /healthz",
            "GET /metrics",
        ]
        self.shown: tuple[str, ...] = tuple(shown)

    def find(self, path: str) -> Matched:
        """The route of a decoded path without its query. A trailing slash makes no difference. Raises NotFound."""
        found = self._exact.get(path)
        if found is not None:
            return found
        bare = path.rstrip("/") or "/"
        found = self._exact.get(bare)
        if found is not None:
            return found
        for base in _MODELS:
            if bare.startswith(base + "/"):
                return Matched("model", _READ, model=bare[len(base) + 1 :])
        raise NotFound(f"There is no such path here. What exists: {', '.join(self.shown)}.")


def check_method(route: Matched, method: str) -> None:
    """Raises MethodNotAllowed; the answer's `allow` header comes from the route."""
    if method not in route.methods:
        raise MethodNotAllowed(f"This path takes {allow(route)}, not {method[:16]}.")


def allow(route: Matched) -> str:
    return ", ".join(sorted(route.methods))
