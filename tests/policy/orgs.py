"""An organization in memory, and files that are planned against it."""

from __future__ import annotations

from waypost.config.org_load import OrgLoaded, load_org_bytes
from waypost.config.problems import problems_of
from waypost.core.key import Key
from waypost.core.objects import KIND_OF, Change, Object
from waypost.core.people import MachineAccount, Member, Organization, Role, Team, TeamRole, User
from waypost.errors import ConfigInvalid
from waypost.policy.directory import Directory
from waypost.policy.org_checks import find_plan_problems
from waypost.policy.org_plan import Plan, make_plan
from waypost.policy.org_state import NOTHING, State, read_state

NOW = 1_800_000_000.0
ACME = Organization("org_a", "acme", revision=1)
WEB = Team("team_w", "org_a", "web", title="Web", revision=2)
ANN = User("user_ann", "ann@acme.example", title="Ann", revision=3)
ANN_THERE = Member("mem_1", "org_a", "user_ann", teams=(TeamRole("team_w", "admin"),), revision=4)
SHOP = MachineAccount("svc_s", "org_a", "shop", role="keeper", revision=5)
KEEPER = Role("role_k", "org_a", "keeper", ("keys:read",), revision=6)
KEY = Key(
    "k1", "app", b"", "", 0.0, organization_id="org_a", team_id="team_w", user_id="user_ann", revision=7
)


def state(*objects: Object, keys: tuple[Key, ...] = (KEY,)) -> State:
    """Acme with its web team, Ann, her key, and a service account; and more objects."""
    directory = Directory()
    all_of_it = (ACME, WEB, ANN, ANN_THERE, KEEPER, SHOP, *objects)
    directory.apply([Change(KIND_OF[type(each)], each) for each in all_of_it], 9)
    return read_state(directory, keys, NOW)


def nothing() -> State:
    """What an empty folder is."""
    return NOTHING


def acme(inside: str = "") -> OrgLoaded:
    """A file with one organization, `acme`, and these lines in it."""
    text = "organizations:\n  - name: acme\n" + "".join(f"    {line}\n" for line in inside.splitlines())
    return load_org_bytes(text.encode())


def plan(inside: str, there: State, *, prune: bool = False) -> Plan:
    """The plan for it, which has no problems."""
    loaded = acme(inside)
    made = make_plan(loaded, there, prune=prune)
    assert find_plan_problems(loaded, made, there) == []
    return made


def problems(inside: str, there: State, *, prune: bool = False) -> list[str]:
    """What is wrong with a file."""
    loaded = acme(inside)
    try:
        made = make_plan(loaded, there, prune=prune)
    except ConfigInvalid as error:
        return [str(each) for each in problems_of(error)]
    return [str(each) for each in find_plan_problems(loaded, made, there)]


def steps(made: Plan) -> list[tuple[str, str, str]]:
    """What is done, to what."""
    return [(step.action, step.part, step.name) for step in made.steps]
