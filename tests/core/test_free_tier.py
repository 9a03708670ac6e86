from __future__ import annotations

import pytest

from waypost.core.free_tier import FreeTier, Share, shares_of
from waypost.core.key import Key
from waypost.core.people import DEFAULT, Organization
from waypost.core.scope import EXCHANGE

REQUESTS = FreeTier(1_500 * EXCHANGE, requests=True, period="day")
DOLLARS = FreeTier(2_500_000_000, requests=False)
ANN = Key("k1", "app", b"", "", 0.0, organization_id="org_a", user_id="user_ann")
ROBOT = Key("k2", "bot", b"", "", 0.0, organization_id="org_a", service_id="svc_1")


def test_amounts_are_told_in_their_unit() -> None:
    assert (REQUESTS.render(REQUESTS.amount), REQUESTS.tell(REQUESTS.amount)) == ("1500", "1,500 requests")
    assert (DOLLARS.render(DOLLARS.amount), DOLLARS.tell(DOLLARS.amount)) == ("2.5", "$2.5")
    assert (REQUESTS.scope, DOLLARS.scope) == ("free_requests", "free")


@pytest.mark.parametrize(
    ("each", "ann", "robot"),
    [
        ("organization", "organization/org_a", "organization/org_a"),
        ("user", "user/org_a/user_ann", "organization/org_a"),
        ("key", "key/org_a/k1", "key/org_a/k2"),
    ],
)
def test_whose_share_a_key_uses(each: str, ann: str, robot: str) -> None:
    tier = FreeTier(EXCHANGE, requests=True, each=each)  # type: ignore[arg-type]
    assert (tier.share_of(ANN), tier.share_of(ROBOT)) == (ann, robot)


def test_who_has_it() -> None:
    tier = FreeTier(1, requests=False, without=("paying",))
    assert tier.has(Organization("org_a", "acme"))
    assert not tier.has(Organization("org_p", "paying"))
    assert not tier.has(Organization(DEFAULT, DEFAULT))


def test_what_it_is_for() -> None:
    assert DOLLARS.covers(("anything",))
    some = FreeTier(1, requests=False, models=("fast", "lab/*"))
    assert some.covers(("fast", "lab/x"))
    assert not some.covers(("fast", "other"))


def test_an_organizations_own_share_is_told_before_it_was_used() -> None:
    assert shares_of(DOLLARS, "org_a", {}) == (Share("organization", 0, DOLLARS.amount),)
    over = shares_of(DOLLARS, "org_a", {"organization/org_a": DOLLARS.amount + 5})
    assert over == (Share("organization", DOLLARS.amount + 5, 0),)


def test_shares_of_people_are_told_once_something_is_used() -> None:
    tier = FreeTier(10, requests=False, each="user")
    assert shares_of(tier, "org_a", {}) == ()
    used = {"organization/org_a": 1, "user/org_a/user_ann": 4, "user/org_a/user_bob": 4}
    assert shares_of(tier, "org_a", used) == (
        Share("user:user_ann", 4, 6),
        Share("user:user_bob", 4, 6),
        Share("organization", 1, 9),
    )
