from __future__ import annotations

import msgspec
import pytest

from admin.rig import ACME, World
from waypost.admin.api import Admin
from waypost.admin.parts import Figure
from waypost.core.budget import Budget

BUDGET = f"{ACME}/budgets/month"


async def test_a_budget_on_a_team(world: World) -> None:
    body = {"scope": "team", "subject": "search", "limit": "250.00", "thresholds": [50]}
    told = await world.made("PUT", BUDGET, body)
    assert (told["subject"], told["limit"], told["period"], told["thresholds"]) == (
        "search",
        "250",
        "month",
        [50],
    )
    assert (told["spent"], told["left"], told["resets_at"]) == (None, None, None)
    kept = world.rows.named("budget", "org_acme", "month")
    assert isinstance(kept, Budget)
    assert (kept.scope_id, kept.limit_nusd) == ("team_search", 250_000_000_000)
    told = await world.made("PATCH", BUDGET, {"raised_by": "10", "raised_until": 1_800_000_000})
    assert (told["limit"], told["raised_by"], told["raised_until"]) == ("250", "10", 1_800_000_000)
    assert (await world.ask("PUT", BUDGET, told | {})).status == 400, (
        "what is shown is more than what is taken"
    )


async def test_how_a_budget_stands(world: World) -> None:
    class Known:
        async def of(self, budget: Budget) -> Figure | None:
            return Figure(1_500_000_000, 0, 8_500_000_000, 12.0)

    admin = Admin(world.parts(figures=Known()))
    told = await world.made("PUT", BUDGET, {"scope": "organization", "limit": "10"}, admin=admin)
    assert (told["spent"], told["held"], told["left"], told["resets_at"]) == ("1.5", "0", "8.5", 12.0)


@pytest.mark.parametrize(
    ("scope", "subject", "kept"),
    [
        ("organization", "*", "org_acme"),
        ("organization", "acme", "org_acme"),
        ("team", "*", "*"),
        ("team", "search", "team_search"),
        ("user", "ann@example.com", "user_ann"),
        ("service", "bot", "svc_bot"),
        ("model", "openai/gpt-5", "openai/gpt-5"),
        ("end_user", "*", "*"),
    ],
)
async def test_subjects(world: World, scope: str, subject: str, kept: str) -> None:
    world.person("ann", "developer")
    world.machine("bot")
    path = f"{ACME}/limits/fast"
    told = await world.made(
        "PUT", path, {"scope": scope, "subject": subject, "unit": "requests", "amount": 5}
    )
    stored = world.rows.named("limit", "org_acme", "fast")
    assert stored is not None
    assert stored.scope_id == kept  # type: ignore[union-attr]
    again = {name: told[name] for name in ("scope", "subject", "unit", "amount", "per")}
    assert (await world.ask("PUT", path, again)).etag == f'"{told["revision"]}"', (
        "what is shown says the same"
    )


@pytest.mark.parametrize(
    ("scope", "subject", "field"),
    [
        ("gateway", "*", "scope"),
        ("organization", "other", "subject"),
        ("team", "theirs", "subject"),
        ("user", "bob@example.com", "subject"),
        ("user", "none@example.com", "subject"),
        ("key", "nokey", "subject"),
        ("project", "none", "subject"),
    ],
)
async def test_subjects_of_others_are_not_there(world: World, scope: str, subject: str, field: str) -> None:
    world.user("bob")
    told = await world.ask("PUT", BUDGET, {"scope": scope, "subject": subject, "limit": "1"})
    assert (told.status, told.fields) == (422, [field])


async def test_keys_as_subjects(world: World) -> None:
    mine = world.key("mine")
    theirs = world.key("theirs", organization_id="org_other")
    body = {"scope": "key", "subject": mine.key_id, "limit": "1"}
    assert (await world.made("PUT", BUDGET, body))["subject"] == mine.key_id
    assert (await world.ask("PUT", BUDGET, {**body, "subject": theirs.key_id})).status == 422


async def test_rules_of_the_gateway(world: World) -> None:
    owner = world.person("ann", "owner")
    path = "/api/v1/gateway/budgets/all"
    assert (await world.ask("PUT", path, {"scope": "gateway", "limit": "5"}, token=owner)).status == 403
    assert (await world.ask("PUT", path, {"scope": "gateway", "limit": "5"})).status == 201
    assert (
        await world.ask("PUT", path, {"scope": "organization", "subject": "acme", "limit": "5"})
    ).status == 200
    assert (await world.ask("PUT", path, {"scope": "team", "subject": "search", "limit": "5"})).status == 422
    assert (await world.ask("PUT", path, {"scope": "team", "limit": "5"})).status == 200
    told = await world.made(
        "PUT", "/api/v1/gateway/limits/x", {"scope": "model", "subject": "m", "unit": "tokens", "amount": 9}
    )
    assert told["subject"] == "m"
    assert (await world.made("GET", "/api/v1/gateway/limits"))["items"] == [told]
    assert (await world.made("GET", f"{ACME}/limits"))["items"] == []


async def test_a_team_does_not_raise_its_own_budget(world: World) -> None:
    await world.made("PUT", BUDGET, {"scope": "team", "subject": "search", "limit": "5"})
    world.role("blind", "projects:read")
    lead = world.person("lea", "blind", {"search": "owner"})
    assert (await world.ask("GET", BUDGET, token=lead)).status == 200
    assert (await world.ask("PATCH", BUDGET, {"limit": "9"}, token=lead)).status == 403
    assert (await world.ask("DELETE", BUDGET, token=lead)).status == 403
    await world.made("PATCH", BUDGET, {"subject": "ads"})
    assert (await world.ask("GET", BUDGET, token=lead)).status == 404


async def test_amounts_that_are_refused(world: World) -> None:
    for body, status in (
        ({"limit": "-1"}, 400),
        ({"limit": "1e3"}, 400),
        ({"limit": 5}, 400),
        ({"limit": "0"}, 422),
        ({"limit": "5", "raised_by": "5"}, 422),
        ({"limit": "5", "thresholds": [0]}, 400),
        ({"limit": "5", "period": "fortnight"}, 400),
    ):
        assert (
            await world.ask("PUT", BUDGET, {"scope": "organization", **msgspec.to_builtins(body)})
        ).status == status


async def test_a_rule_of_the_gateway_on_an_organization_is_changed_by_what_it_shows(world: World) -> None:
    for name, subject in (("acme", "acme"), ("home", "default")):
        path = f"/api/v1/gateway/budgets/{name}"
        made = await world.made("PUT", path, {"scope": "organization", "subject": subject, "limit": "5"})
        assert made["subject"] == subject
        assert (await world.made("PATCH", path, {"limit": "6"}))["limit"] == "6"
        kept = world.rows.named("budget", "", name)
        assert isinstance(kept, Budget)
        assert kept.scope_id == ("org_acme" if name == "acme" else "default")


async def test_what_is_refused_is_named_as_it_was_sent(world: World) -> None:
    for body, field in (
        ({"limit": "0"}, "limit"),
        ({"limit": "5", "raised_by": "5"}, "raised_until"),
        ({"limit": "5", "raised_by": "999999999.5", "raised_until": 5}, None),
        ({"limit": "5", "subject": "x" * 200}, "subject"),
    ):
        told = await world.ask("PUT", BUDGET, {"scope": "organization", **body})
        assert told.fields == ([] if field is None else [field])
        assert b"_nusd" not in told.text
        assert b"raise_until" not in told.text
