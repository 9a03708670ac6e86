"""`waypost apply` and `waypost export`: organizations as a file that can be kept in a repository."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, Data, Json, Yes
from waypost.cli.org_places import ApiToken, Elsewhere, open_orgs
from waypost.cli.output import OK, fail, people, print_json, print_secret, visible

if TYPE_CHECKING:
    from waypost.cli.org_book import Orgs
    from waypost.config.org_load import OrgLoaded
    from waypost.core.keytext import IssuedKey
    from waypost.errors import GatewayError
    from waypost.policy.org_plan import Plan, Step

#: What `--dry-run` ends with when something would change.
WOULD_CHANGE = 3

File = Annotated[
    Path,
    typer.Option(
        "--file", "-f", envvar="WAYPOST_ORG_FILE", metavar="FILE", help="The file; -: standard input."
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        envvar="WAYPOST_DRY_RUN",
        help="Only show what would change. Ends with 0 when nothing would, with 3 when something would.",
    ),
]
Prune = Annotated[
    bool,
    typer.Option(
        "--prune",
        envvar="WAYPOST_PRUNE",
        help="Delete what the file does not name, in the lists that it has; keys are revoked.",
    ),
]
KeysFile = Annotated[
    Path | None,
    typer.Option(
        "--keys-file",
        envvar="WAYPOST_KEYS_FILE",
        metavar="FILE",
        help="Add the texts of new keys to this file, which only you may read, and print none of them.",
    ),
]


def apply(
    file: File,
    dry_run: DryRun = False,
    prune: Prune = False,
    yes: Yes = False,
    keys_file: KeysFile = None,
    url: Elsewhere = None,
    token: ApiToken = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make organizations what a file says: teams, projects, roles, members, service accounts, keys, budgets, limits.

    What has to change is shown first. What is as the file says is not touched, so a second time changes nothing. A
    running gateway sees changes within a second.

    Examples:

      waypost apply -f org.yaml --dry-run

      waypost apply -f org.yaml --yes --keys-file keys.jsonl

      waypost apply -f org.yaml --prune

      waypost apply -f org.yaml --url https://gateway.example --dry-run
    """
    from waypost.errors import StoreUnavailable, UpstreamError

    loaded = _load(file)
    changing = not dry_run and (yes or _is_asked())
    with ExitStack() as stack:
        try:
            orgs = stack.enter_context(open_orgs(data, url, token, create=changing))
            plan = _planned(loaded, orgs, prune=prune)
        except (StoreUnavailable, UpstreamError) as error:
            _end_unread(error, dry_run)
        _show(plan, as_json)
        if dry_run:
            raise typer.Exit(WOULD_CHANGE if plan.steps else Exit.OK)
        if plan.steps and not yes:
            _ask(plan)
        if plan.steps and orgs is not None:
            _carry_out(orgs, plan, keys_file, as_json)


def export(
    org: Annotated[
        list[str],
        typer.Option(
            "--org",
            envvar="WAYPOST_ORG",
            metavar="ORG",
            help="Organization, by its name. Again for more.",
        ),
    ],
    url: Elsewhere = None,
    token: ApiToken = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print organizations as the file that `waypost apply` reads. Applied where it came from, it changes nothing.

    Example: waypost export --org acme > org.yaml
    """
    from waypost.config.org_text import render_org_file
    from waypost.policy.org_state import exported_file

    with open_orgs(data, url, token, create=False) as orgs:
        if orgs is None:
            fail(f"There is no gateway data in the folder {data}.", hint="Name the folder with --data.")
        names = list(dict.fromkeys(org))
        state = orgs.read(names)
    for name in names:
        if ("organization", name, "") not in state.entries:
            fail(f"There is no organization {name!r}.", hint="waypost orgs list shows them.")
    for (home, name), ids in state.ambiguous.items():
        if home in names:
            fail(
                f"{len(ids)} keys of {home} are named {name!r}, and a file names keys by their names.",
                hint=f"Give all but one another name, or revoke them: waypost keys set {ids[0]} --name NAME",
            )
    for part, home, name in sorted(state.unsayable):
        if home in names:
            told = f"• the {part} {home}/{name} is on a key that is revoked or has ended, and left out"
            people(stderr=True).print(visible(told))
    sys.stdout.write(render_org_file(exported_file(state, names)))


def _load(file: Path) -> OrgLoaded:
    from waypost.config.org_load import load_org_bytes, load_org_file

    if str(file) == "-":
        return load_org_bytes(sys.stdin.buffer.read(), "(standard input)")
    return load_org_file(file)


def _end_unread(error: GatewayError, dry_run: bool) -> NoReturn:
    """What can not be read; of `--dry-run`, 3 says that something would change, and nothing else."""
    if dry_run:
        fail(error.message, Exit.REFUSED)
    raise error


def _planned(loaded: OrgLoaded, orgs: Orgs | None, *, prune: bool) -> Plan:
    """The plan. Raises ConfigInvalid with all that can not be."""
    from waypost.config.load import refuse
    from waypost.policy.org_checks import find_plan_problems
    from waypost.policy.org_plan import make_plan
    from waypost.policy.org_state import NOTHING

    wanted = loaded.content.organizations
    emails = [member.email for each in wanted for member in each.members or ()]
    state = NOTHING if orgs is None else orgs.read([each.name for each in wanted], emails)
    plan = make_plan(loaded, state, prune=prune)
    problems = find_plan_problems(loaded, plan, state)
    if problems:
        raise refuse(loaded.file, problems)
    return plan


def _show(plan: Plan, as_json: bool) -> None:
    from waypost.cli.org_diff import plan_view, print_plan

    if as_json:
        print_json(plan_view(plan))
    else:
        print_plan(plan)


def _ask(plan: Plan) -> None:
    if not _is_asked():
        fail(
            "Nothing was changed: there is nobody to ask.",
            Exit.USAGE,
            "Look with --dry-run, then say --yes.",
        )
    if not typer.confirm(f"Make {len(plan.steps)} changes?", err=True):
        raise typer.Exit(Exit.REFUSED)


def _is_asked() -> bool:
    """Whether there is somebody who can answer."""
    return sys.stdin.isatty()


def _carry_out(orgs: Orgs, plan: Plan, keys_file: Path | None, as_json: bool) -> None:
    from waypost.cli.org_book import carry_out
    from waypost.cli.org_diff import counted

    new_keys = any(step.part == "key" and step.action == "create" for step in plan.steps)
    kept = _open_private(keys_file) if keys_file is not None and new_keys else None
    made: list[str] = []

    def told(step: Step, issued: IssuedKey | None) -> None:
        if issued is None:
            return
        made.append(issued.key_id)
        _hand_over(step, issued, kept, as_json)

    try:
        carry_out(orgs, plan, told)
    finally:
        if kept is not None:
            os.close(kept)
    if as_json:
        print_json({"applied": len(plan.steps), "keys": made})
        return
    words = {"create": "made", "change": "changed", "delete": "deleted"}
    people().print(f"{OK} {counted(plan, words)}.")
    if made and keys_file is not None:
        people().print(visible(f"  The texts of {len(made)} new keys are in {keys_file}."))


def _hand_over(step: Step, issued: IssuedKey, kept: int | None, as_json: bool) -> None:
    """Give the text of a new key away, at once: it is stored nowhere else."""
    import msgspec

    view = {
        "organization": step.organization,
        "name": step.name,
        "id": issued.key_id,
        "key": issued.text,
    }
    if kept is not None:
        os.write(kept, msgspec.json.encode(view) + b"\n")
    elif as_json:
        print_json(view)
    else:
        print_secret(issued.text)
        people().print(
            OK, visible(f"{step.name} ({issued.key_id}). The key is shown only now; keep it safe.")
        )


def _open_private(path: Path) -> int:
    """The file to add secrets to, which only its owner may read."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        fail(f"The file {path} can not be written.", hint="Name another one with --keys-file.")
    if os.fstat(opened).st_mode & 0o077:
        os.close(opened)
        fail(f"Others may read the file {path}.", hint=f"chmod 600 {path}, or name another one.")
    return opened
