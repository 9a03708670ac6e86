from __future__ import annotations

from waypost.core.changed import changed, shown
from waypost.core.people import Member, Team, TeamRole, Token

TEAM = Team("team_w", "org_a", "web", title="Web", created_at=5.0, revision=1)
TOKEN = Token("tok_1", "org_a", "ci", digest=b"secret digest", hint="wp-api-…1234", made_by="operator")


def test_what_changed_is_told_with_what_it_was() -> None:
    now = Team("team_w", "org_a", "web", title="Web people", models=("m",), created_at=5.0, revision=7)
    assert changed(TEAM, now) == {"title": ["Web", "Web people"], "models": [(), ("m",)]} or changed(
        TEAM, now
    ) == {
        "title": ["Web", "Web people"],
        "models": [[], ["m"]],
    }
    assert changed(TEAM, TEAM) == {}


def test_what_is_made_and_deleted_is_told_as_far_as_it_says_something() -> None:
    assert changed(None, TEAM) == {"name": [None, "web"], "title": [None, "Web"]}
    assert changed(TEAM, None) == {"name": ["web", None], "title": ["Web", None]}
    assert changed(None, None) == {}


def test_of_a_secret_only_that_it_changed() -> None:
    told = changed(None, TOKEN)
    assert told == {"name": [None, "ci"], "digest": "changed", "made_by": [None, "operator"]}
    assert "1234" not in repr(told)


def test_values_in_values() -> None:
    before = Member("mem_1", "org_a", "user_1")
    after = Member("mem_1", "org_a", "user_1", teams=(TeamRole("team_w", "admin"),))
    (old, new) = changed(before, after)["teams"]  # type: ignore[misc]
    assert (list(old), list(new)) == ([], [{"team_id": "team_w", "role": "admin"}])


def test_of_a_very_long_value_its_beginning() -> None:
    text = shown("é" * 5000)
    assert text.startswith('"éé')
    assert text.endswith("…")
    assert len(text) < 1100
