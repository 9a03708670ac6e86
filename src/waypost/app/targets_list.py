"""`GET /v1/targets`: the targets that a key may use, and how each is doing."""

from __future__ import annotations

from collections.abc import Callable

from waypost.app.models_list import own_routes
from waypost.config.snapshot import Snapshot
from waypost.config.targets import Target
from waypost.core.key import Key
from waypost.policy.directory import Directory

#: What is known of a target's health, as JSON; None where nothing is.
Report = Callable[[Target], object | None]


class TargetsList:
    """Lists targets by their label, each once, with the routes that lead to it."""

    def __init__(self, snapshot: Callable[[], Snapshot], report: Report, directory: Directory) -> None:
        self._snapshot = snapshot
        self._report = report
        self._directory = directory

    def list(self, key: Key) -> dict[str, object]:
        """The JSON body for this key: only targets of routes that it may use."""
        targets: dict[str, Target] = {}
        routes: dict[str, list[str]] = {}
        standing = self._directory.standing(key)
        snapshot = self._snapshot()
        usable = [route for route in snapshot.routes.values() if standing.may_use(route.name)]
        for route in (*usable, *own_routes(snapshot, standing)):
            for target in route.targets:
                targets.setdefault(target.label, target)
                routes.setdefault(target.label, []).append(route.name)
        return {
            "object": "list",
            "data": [
                {
                    "target": label,
                    "provider": target.provider.name,
                    "model": target.model,
                    "key": target.provider.key_name or None,
                    "region": target.provider.region or None,
                    "routes": routes[label],
                    "health": self._report(target),
                }
                for label, target in targets.items()
            ],
        }
