"""`waypost routes`: routes of organizations, and routing as code, with tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from waypost.cli.directory import Book, new_id, open_book, print_done, print_gone, print_list, print_one
from waypost.cli.directory_options import DEFAULT_ORG, Named, Org, Which
from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json, chosen_config
from waypost.cli.output import OK, WRONG, fail, people, print_json, table, visible
from waypost.core.org_route import OrgRoute
from waypost.core.people import Organization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.app.cases import Table, Verdict
    from waypost.config.snapshot import Snapshot

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and delete an organization's own routes, and test where requests go.\n\nRoutes of the whole "
    "gateway stand in its configuration.",
)

TreeFile = Annotated[
    Path,
    typer.Option(
        "--file",
        "-f",
        envvar="WAYPOST_ROUTE_FILE",
        metavar="FILE",
        help="YAML or JSON with the tree: a node, as under `routes` of the configuration. - is standard input.",
    ),
]


@app.command("set")
def set_route(
    name: Named,
    file: TreeFile,
    org: Org = DEFAULT_ORG,
    unchecked: Annotated[
        bool,
        typer.Option(
            "--unchecked",
            envvar="WAYPOST_ROUTE_UNCHECKED",
            help="Do not look whether what it leads to is in the configuration: for when that is elsewhere.",
        ),
    ] = False,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a route of an organization's own, or replace it. Its keys ask for it as route/NAME.

    Examples:

      waypost routes set smart --org acme --file smart.yaml

      echo "target: openai/gpt-5" | waypost routes set smart --org acme --file -
    """
    from waypost.cli.org_routes import check_names, read_tree
    from waypost.config.org_trees import render_tree

    book = open_book(data, create=True)
    home, tree = book.organization(org), read_tree(file)
    if not unchecked:
        check_names(_snapshot(config, data), book.directory, home, name, tree)
    old = book.find(OrgRoute, home.id, name)
    made = OrgRoute(
        id=new_id("route") if old is None else old.id,
        organization_id=home.id,
        name=name if old is None else old.name,
        tree=render_tree(tree),
        created_at=book.now if old is None else old.created_at,
        revision=0 if old is None else old.revision,
    )
    print_done(view(book, book.put(made)), as_json, "is there" if old is None else "is changed")


@app.command("list")
def list_routes(org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the routes that an organization made for itself.

    Example: waypost routes list --org acme
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(OrgRoute, book.organization(org).id)]
    empty = f"There are no routes of {org} yet. Make one: waypost routes set smart --org {org} --file FILE"
    print_list(views, as_json, ("name", "id", "tree"), empty)


@app.command()
def show(route: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a route of an organization.

    Example: waypost routes show smart --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(OrgRoute, book.organization(org).id, route)), as_json)


@app.command()
def delete(route: Which, org: Org = DEFAULT_ORG, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Delete a route of an organization. Requests that ask for it are refused from then on.

    Example: waypost routes delete smart --org acme
    """
    book = open_book(data)
    found = book.one(OrgRoute, book.organization(org).id, route)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: OrgRoute) -> dict[str, object]:
    """What is shown of a route."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id),
        "name": found.name,
        "tree": msgspec.Raw(found.tree.encode()),
        "created_at": found.created_at,
        "revision": found.revision,
    }


def _snapshot(config: Path | None, data: Path) -> Snapshot:
    from waypost.catalog.discovery import ListedModel
    from waypost.cli.surroundings import load_config, open_database, resolve_config
    from waypost.stores.sql.discovered import DiscoveredModels

    listed: dict[str, tuple[ListedModel, ...]] = {}
    database = open_database(data, create=False)
    if database is not None:
        for provider, models in DiscoveredModels(database).list().items():
            listed[provider] = tuple(ListedModel(model, facts) for model, facts in models.items())
    return resolve_config(load_config(chosen_config(config)), listed, stand_ins=True)


@app.command("test")
def check_cases(
    cases: Annotated[
        Path, typer.Argument(metavar="CASES", help="YAML file with the table: see the page Explain.")
    ],
    config: ConfigFile = None,
    org: Annotated[
        str | None,
        typer.Option(
            "--org",
            envvar="WAYPOST_CASES_ORG",
            metavar="ORG",
            help="Organization whose keys ask: with its own routes, what is approved for it, and its teams.",
        ),
    ] = None,
    org_file: Annotated[
        Path | None,
        typer.Option(
            "--org-file",
            envvar="WAYPOST_CASES_ORG_FILE",
            metavar="FILE",
            help="File of `waypost apply` to read that organization from, in place of the data folder.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Check where requests would go, against a table of cases: for CI. Nothing is sent, no gateway is needed, and
    secrets need not be there. The exit code is 1 when a case is not as expected.

    Examples:

      waypost routes test cases.yaml

      waypost routes test cases.yaml --config waypost.yaml --json

      waypost routes test cases.yaml --org acme --org-file org.yaml
    """
    from waypost.app.cases import run_cases
    from waypost.app.clock import SystemClock
    from waypost.cli.org_routes import tenant_of, tenant_of_file, with_own
    from waypost.cli.surroundings import load_config, resolve_config

    wanted = _read(cases)
    snapshot = resolve_config(load_config(chosen_config(config)), stand_ins=True)
    tenant = None
    if org_file is not None and org is None:
        fail("--org-file needs --org: whose routes they are.", Exit.USAGE)
    if org is not None:
        found = tenant_of(open_book(data), org) if org_file is None else tenant_of_file(org_file, org)
        tenant, snapshot = found[0], with_own(snapshot, found[0].directory, found[1])
    verdicts = run_cases(wanted.cases, snapshot, SystemClock(), tenant)
    if as_json:
        for verdict in verdicts:
            print_json(verdict)
    else:
        _print(verdicts)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(int(Exit.REFUSED))


def _read(file: Path) -> Table:
    import yaml

    from waypost.app.cases import read_cases

    try:
        value = yaml.safe_load(file.read_bytes())
    except OSError:
        fail(f"The file {file} can not be read.", Exit.USAGE)
    except yaml.YAMLError:
        fail(f"{file} is not YAML.", Exit.USAGE)
    return read_cases(value)


def _print(verdicts: Sequence[Verdict]) -> None:
    console = people()
    for verdict in verdicts:
        console.print(f"{OK if verdict.passed else WRONG} ", visible(verdict.name), sep="")
        if verdict.passed:
            continue
        shown = table("    ", "expected", "got")
        for one in verdict.differences:
            expected, got = visible(f"- {one.expected}"), visible(f"+ {one.got}")
            expected.stylize("red")
            got.stylize("green")
            shown.add_row(f"    {one.what}", expected, got)
        console.print(shown)
        for why in verdict.why:
            console.print(visible(f"    {why}"), style="dim")
    wrong = sum(not verdict.passed for verdict in verdicts)
    count = "1 case" if len(verdicts) == 1 else f"{len(verdicts)} cases"
    console.print(f"\n{count}, {wrong} not as expected" if wrong else f"\n{count}, all as expected")
