"""Every operation of the document is asked with what its schema allows and with what it does not, by schemathesis.

Answers are checked against the document: statuses, content types, headers, bodies; that what breaks the schema is
refused, that what keeps it is taken or refused for a reason that no schema can say, and that nothing works without a
token.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import settings
from hypothesis.internal.conjecture import utils
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.specs.openapi import _hypothesis

from admin.rig import CONTROL, World, opened
from edge.test_control import edge_with
from waypost.admin.openapi import render

#: 429 is for signing in again and again. 409 and 422 are for what a schema can not say: names that are taken, things
#: that are not there, weak passwords.
CONFIG: dict[str, Any] = {
    "seed": 1,
    "headers": {"Authorization": f"Bearer {CONTROL}"},
    "generation": {"deterministic": True, "database": "none"},
    "checks": {
        "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 412, 413, 415, 422]},
        "positive_data_acceptance": {"expected-statuses": ["2xx", 304, 401, 403, 404, 409, 412, 422, 429]},
    },
    "phases": {"stateful": {"enabled": False}},
}


def _more(elements: Any) -> bool:
    if elements._depth is None:
        elements.__enter__()
        elements.waypost_rounds = iter(elements)
    return next(elements.waypost_rounds, elements) is not elements


@pytest.fixture
def compatible(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """hypothesis-jsonschema 0.23.1 wants a method that hypothesis 6.170 renamed, and schemathesis 4.24.3 one that
    jsonschema-rs 0.61 dropped; without the latter it generates by way of hypothesis-jsonschema. And it takes a number
    of examples that is not the usual one for its own."""
    monkeypatch.setattr(utils.many, "more", _more, raising=False)
    monkeypatch.setattr(_hypothesis, "_canonical_strategy_or_none", lambda *_: None)
    before = settings.get_current_profile_name()
    settings.load_profile("default")
    yield
    settings.load_profile(before)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        made.user("ann", password=True)
        made.member("ann", "acme", "owner")
        yield made


@pytest.mark.filterwarnings("ignore")
def test_the_document_and_the_api_say_the_same(world: World, compatible: None) -> None:
    wrong, checked = _run(world, 2, {"coverage": {"enabled": False}})
    assert not wrong, f"{len(wrong)}\n" + "\n\n".join(wrong[:40])
    assert checked > 2000


@pytest.mark.process
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore")
def test_every_bound_of_the_document_is_one_of_the_api(world: World, compatible: None) -> None:
    """Some ten thousand requests, at and behind every bound: it takes most of a minute, so it is no part of
    `make check`."""
    wrong, checked = _run(world, 6, {})
    assert not wrong, f"{len(wrong)}\n" + "\n\n".join(wrong[:40])
    assert checked > 45_000


def _run(world: World, examples: int, phases: dict[str, Any]) -> tuple[list[str], int]:
    """What was not as it should be, and how much was checked."""
    document = _document(world)
    config = {
        **CONFIG,
        "phases": {**CONFIG["phases"], **phases},
        "generation": {**CONFIG["generation"], "max-examples": examples},
    }
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(config))
    edge = edge_with(world.admin)  # type: ignore[arg-type]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await edge(scope, receive, send)

    schema.app = app
    checked, wrong, asked = 0, [], set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(repr(event))
        if isinstance(event, events.ScenarioFinished):
            asked.add(event.recorder.label)
            for checks in event.recorder.checks.values():
                checked += len(checks)
                wrong += [
                    f"{event.recorder.label}: {check.name}: {check.failure_info.failure.message[:400]}\n"
                    f"{check.failure_info.code_sample[:400]}"
                    for check in checks
                    if check.status == Status.FAILURE and check.failure_info is not None
                ]
    gc.collect()  # the test client leaves streams open, and its warnings are to come now
    operations = {f"{method.upper()} {path}" for path, told in document["paths"].items() for method in told}
    assert asked >= operations
    return wrong, checked


def _document(world: World) -> dict[str, Any]:
    """As a program with a token reads it."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(render(world.admin.table.routes, "1")))
    document["security"] = [{"token": []}]
    del document["components"]["securitySchemes"]["session"]
    return document
