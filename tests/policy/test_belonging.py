from __future__ import annotations

import msgspec
import pytest

from waypost.core.key import Key
from waypost.core.people import MachineAccount, Member, Organization, Team, User
from waypost.policy.belonging import refusal

ACME, WEB = Organization("org_a", "acme"), Team("team_w", "org_a", "web")
ANN, MEMBER = User("user_ann", "ann@acme.example"), Member("mem_1", "org_a", "user_ann")
SHOP = MachineAccount("svc_s", "org_a", "shop")
OWNED = Key("k", "app", bytes(32), "", 0.0, organization_id="org_a", team_id="team_w", user_id="user_ann")
MACHINE = Key("k", "app", bytes(32), "", 0.0, organization_id="org_a", service_id="svc_s")


def changed(found: msgspec.Struct, **changes: object) -> object:
    return msgspec.structs.replace(found, **changes)


@pytest.mark.parametrize(
    ("key", "who", "told"),
    [
        (OWNED, (ACME, WEB, ANN, MEMBER, None), None),
        (OWNED, (None, WEB, ANN, MEMBER, None), "organization of the key 'app' does not exist"),
        (OWNED, (changed(ACME, suspended=True), WEB, ANN, MEMBER, None), "'acme' is suspended"),
        (OWNED, (ACME, None, ANN, MEMBER, None), "team of the key 'app' does not exist"),
        (OWNED, (ACME, WEB, None, MEMBER, None), "may not use the gateway any more"),
        (OWNED, (ACME, WEB, changed(ANN, disabled=True), MEMBER, None), "may not use the gateway any more"),
        (OWNED, (ACME, WEB, ANN, None, None), "is no member of 'acme'"),
        (OWNED, (ACME, WEB, changed(ANN, operator=True), None, None), None),
        (MACHINE, (ACME, None, None, None, SHOP), None),
        (MACHINE, (ACME, None, None, None, changed(SHOP, disabled=True)), "is disabled or does not exist"),
        (MACHINE, (ACME, None, None, None, None), "is disabled or does not exist"),
    ],
)
def test_a_key_works_as_long_as_those_it_belongs_to(
    key: Key, who: tuple[object, ...], told: str | None
) -> None:
    said = refusal(key, *who)  # type: ignore[arg-type]
    assert said is None if told is None else told in str(said)
