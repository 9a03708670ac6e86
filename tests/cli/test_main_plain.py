"""What commands that work on a data folder print for people: no `--json`, every one of them."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.main

from cli.folder import Folder
from ledger.books import AT, attempt, exchange
from tools.render_reference import commands
from waypost.cli import apply, directory, keys, moving
from waypost.cli.main import app
from waypost.core.keytext import looks_valid
from waypost.core.tokentext import is_text
from waypost.stores.sql import status
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.moving import Moved

NOT_OF_A_FOLDER = {
    "serve",
    "check",
    "reload",
    "schema",
    "chat",
    "drill",
    "simulate",
    "record",
    "doctor",
    "version",
}
NOT_OF_A_FOLDER |= {
    "models list",
    "models show",
    "requests tail",
    "requests show",
    "route explain",
    "routes test",
}
ACME = ("--org", "acme")
FILE = "organizations: [{name: acme, limits: [{name: slots, unit: concurrent, amount: 5}], keys: [{name: shop}]}]"
LAB = ("--config", "FOLDER/waypost.yaml")
CONFIG = "providers: [{name: lab, dialect: openai_chat, base_url: https://lab.example/v1}]"
BILL = "usage_date_utc,model,token_type,cost_usd\n2026-11-23,gpt-5-mini,output,2.00\n"
DOLLAR = 1_000_000_000

#: Per command: what it is told, and what it has to say.
TOLD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "orgs create": (("new",), ("✓ new (org_", "is there", "waypost teams create")),
    "orgs list": ((), ("acme", "default", "trial", "member keys max")),
    "orgs show": (("acme",), ("Acme Ltd.", "member keys max")),
    "orgs set": (("acme", "--suspend"), ("✓ acme (org_", "is changed")),
    "orgs delete": (("trial",), ("✓ trial (org_", "is deleted")),
    "teams create": (("new", *ACME), ("✓ new (team_", "is there")),
    "teams list": (ACME, ("web", "idle", "title")),
    "teams show": (("web", *ACME), ("web", "acme")),
    "teams set": (("web", *ACME, "--title", "Web"), ("✓ web (team_", "is changed")),
    "teams delete": (("idle", *ACME), ("✓ idle (team_", "is deleted")),
    "projects create": (("new", *ACME), ("✓ new (proj_", "is there")),
    "projects list": (ACME, ("search", "cost centre")),
    "projects show": (("search", *ACME), ("search", "4711")),
    "projects set": (("search", *ACME, "--title", "S"), ("✓ search (proj_", "is changed")),
    "projects delete": (("search", *ACME), ("✓ search (proj_", "is deleted")),
    "users create": (("eve@acme.example",), ("✓ eve@acme.example (user_", "is known", "waypost members create")),
    "users list": ((), ("ann@acme.example", "bob@acme.example", "organizations")),
    "users show": (("ann@acme.example",), ("ann@acme.example", "acme")),
    "users set": (("ann@acme.example", "--title", "Ann"), ("✓ ann@acme.example (user_", "is changed")),
    "users delete": (("bob@acme.example",), ("✓ bob@acme.example (user_", "is deleted")),
    "members create": (("bob@acme.example", *ACME), ("✓ bob@acme.example (mem_", "is in acme as developer")),
    "members list": (ACME, ("ann@acme.example", "web:admin")),
    "members show": (("ann@acme.example", *ACME), ("ann@acme.example", "web:admin")),
    "members set": (("ann@acme.example", *ACME, "--role", "viewer"), ("✓ ann@acme.example (mem_", "is changed")),
    "members delete": (("ann@acme.example", *ACME), ("ann@acme.example is not in acme any more",)),
    "machines create": (("new", *ACME), ("✓ new (svc_", "is there", "waypost keys create --machine")),
    "machines list": (ACME, ("ci", "developer", "disabled")),
    "machines show": (("ci", *ACME), ("ci", "developer")),
    "machines set": (("ci", *ACME, "--disable"), ("✓ ci (svc_", "is changed")),
    "machines delete": (("ci", *ACME), ("✓ ci (svc_", "is deleted")),
    "roles create": (("new", *ACME, "--allow", "keys:read"), ("✓ new (role_", "is there")),
    "roles list": (ACME, ("owner", "keeper", "keys:read")),
    "roles show": (("keeper", *ACME), ("keeper", "keys:read")),
    "roles set": (("keeper", *ACME, "--allow", "keys:write"), ("✓ keeper (role_", "is changed")),
    "roles delete": (("keeper", *ACME), ("✓ keeper (role_", "is deleted")),
    "budgets create": (("new", *ACME, "--limit", "5"), ("✓ new (bud_", "is in force")),
    "budgets list": (ACME, ("all", "2000", "on exhausted")),
    "budgets show": (("all", *ACME), ("all", "2000", "80, 100")),
    "budgets set": (("all", *ACME, "--limit", "5"), ("✓ all (bud_", "is changed")),
    "budgets delete": (("all", *ACME), ("✓ all (bud_", "is deleted")),
    "limits create": (("new", *ACME, "--amount", "5"), ("✓ new (lim_", "is in force")),
    "limits list": (ACME, ("all", "600", "requests")),
    "limits show": (("all", *ACME), ("all", "600")),
    "limits set": (("all", *ACME, "--amount", "5"), ("✓ all (lim_", "is changed")),
    "limits delete": (("all", *ACME), ("✓ all (lim_", "is deleted")),
    "routes set": (("new", *ACME, "-f", "FOLDER/tree.yaml", "--unchecked"), ("✓ new (rte_", "is there")),
    "routes list": (ACME, ("smart", "rte_", '{"target":"lab/m"}')),
    "routes show": (("smart", *ACME), ("smart", '{"target":"lab/m"}')),
    "routes delete": (("smart", *ACME), ("✓ smart (rte_", "is deleted")),
    "tokens create": (("new", *ACME), ("wp-api-", "✓ new (tok_", "keep it safe")),
    "tokens list": (ACME, ("terraform", "active", "operator")),
    "tokens revoke": (("terraform", *ACME), ("✓ terraform (tok_", "is deleted")),
    "invitations create": (("new@acme.example", *ACME), ("wp-inv-", "✓ new@acme.example (inv_", "is invited")),
    "invitations list": (ACME, ("cara@acme.example", "open", "developer")),
    "invitations revoke": (("cara@acme.example", *ACME), ("✓ cara@acme.example (inv_", "is deleted")),
    "keys create": (("--name", "[/new]", *ACME), ("sk-wp-", "✓ [/new] (", "keep it safe")),
    "keys list": (ACME, ("app [/x]", "active", "acme")),
    "keys show": (("app [/x]",), ("app [/x]", "acme", "active")),
    "keys set": (("app [/x]", "--rpm", "5"), ("✓ app [/x] (", "is changed")),
    "keys revoke": (("app [/x]",), ("✓ app [/x] (", "is revoked")),
    "keys rotate": (("app [/x]",), ("sk-wp-", "✓ app [/x] (", "keep it safe")),
    "credits show": (ACME, ("balance", "25", "inv-1")),
    "credits add": (("5", *ACME, "--id", "inv-2"), ("✓ inv-2 is entered; the balance is $30",)),
    "credits adjust": (("--by", "-5", "--reason", "r", *ACME), ("is entered; the balance is $20",)),
    "credits statement": (ACME, ("date,kind,id,amount", "topup,inv-1,25,25", "closing")),
    "credentials set": (
        ("new", *ACME, *LAB, "--provider", "lab", "--secret", "file:FOLDER/key.txt"),
        ("✓ new (cred_", "is set. It is sent to https://lab.example only"),
    ),
    "credentials list": ((*ACME, *LAB), ("main", "lab", "active", "wxyz", "organization")),
    "credentials show": (("main", *ACME, *LAB), ("main", "https://lab.example", "ends in", "wxyz")),
    "credentials delete": (("main", *ACME), ("✓ main (cred_", "is deleted")),
    "db reseal": ((), ("✓ 0 second factors and 0 credentials", "Nothing is left")),
    "apply": (("-f", "FOLDER/org.yaml", "--yes"), ("+ limit acme/slots", "sk-wp-", "✓ shop (", "2 made")),
    "export": (ACME, ("  - name: acme\n", "{team: web, role: admin}")),
    "ledger verify": ((), ("✓ 1 lines: $2", "Every account is the sum")),
    "ledger reconcile": (("--provider", "openai", "--csv", "FOLDER/bill.csv"), ("gpt-5-mini  $2.0000  $2.0000",)),
    "usage": (("--by", "model", "--since", "2026-01-01"), ("gpt-5-mini", "requests", "$2")),
    "audit list": (("--object", "app [/x]"), ("operator", "keys create", "key app [/x]", "done")),
    "audit export": ((), ('"action":"orgs create"', '"name":"acme"')),
    "audit verify": ((), ("rows, up to", "Every row is what was written", "head ")),
    "db upgrade": ((), ("✓ The database is at revision", "the newest")),
    "db status": ((), ("✓ SQLite, revision", "aaaaaaaaaaaa", "keys")),
    "db backup": (("FOLDER/b[x].db",), ("b[x].db: ", " MiB, revision", "copy them along")),
    "db restore": (("FOLDER/kept.db", "--replace"), ("kept.db is restored to", "is kept as", "valid again")),
    "db copy": (("--to", "postgresql://u@127.0.0.1/d"), ("keys", "Everything is in postgresql://u@[::1]/d",)),
    "db nodes forget": (("aaaaaaaaaaaa", "--yes"), ("✓ aaaaaaaaaaaa is forgotten", "0 accounts")),
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has one of everything."""
    made = Folder(tmp_path_factory.mktemp("prepared"))
    made.one("orgs", "create", "acme", "--title", "Acme Ltd.")
    made.one("orgs", "create", "trial")
    made.one("teams", "create", "web", *ACME)
    made.one("teams", "create", "idle", *ACME)
    made.one("projects", "create", "search", "--cost-centre", "4711", *ACME)
    made.one("users", "create", "ann@acme.example")
    made.one("users", "create", "bob@acme.example")
    made.one("members", "create", "ann@acme.example", "--in-team", "web:admin", *ACME)
    made.one("machines", "create", "ci", *ACME)
    made.one("roles", "create", "keeper", "--allow", "keys:read", *ACME)
    made.one("budgets", "create", "all", "--limit", "2000", *ACME)
    made.one("limits", "create", "all", "--amount", "600", *ACME)
    (made.path / "tree.yaml").write_text("target: lab/m\n")
    made.one("routes", "set", "smart", "--unchecked", "-f", str(made.path / "tree.yaml"), *ACME)
    made.one("tokens", "create", "terraform", *ACME)
    made.one("invitations", "create", "cara@acme.example", *ACME)
    made.one("keys", "create", "--name", "app [/x]", *ACME)
    (made.path / "waypost.yaml").write_text(CONFIG)
    (made.path / "key.txt").write_text("sk-0123456789abcdefwxyz")
    lab = [word.replace("FOLDER", str(made.path)) for word in (*LAB, "--secret", "file:FOLDER/key.txt")]
    made.one("credentials", "set", "main", *ACME, "--provider", "lab", *lab)
    made.one("credits", "add", "25.00", "--id", "inv-1", *ACME)
    with closing(SqliteJournal(made.path)) as journal:
        tried = msgspec.structs.replace(
            attempt(1, 2 * DOLLAR), started_us=1_795_392_000_000_000
        )  # 2026-11-23
        journal.post("1.intents", 1, [exchange(1, 2 * DOLLAR, (), (tried,))])
    with closing(open_sqlite(made.path)) as database:
        LeaseRows(database, "aaaaaaaaaaaa").seen("there", "1.0", AT)
    made.one("db", "backup", str(made.path / "kept.db"))
    (made.path / "org.yaml").write_text(FILE)
    (made.path / "bill.csv").write_text(BILL)
    return made.path


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Folder:
    shutil.copytree(prepared, tmp_path / "data")
    return Folder(tmp_path / "data")


def test_every_command_of_a_folder_is_here() -> None:
    there = {" ".join(names) for names, _ in commands(typer.main.get_command(app), ())}
    assert TOLD.keys() == there - NOT_OF_A_FOLDER


@pytest.mark.parametrize("command", TOLD)
def test_what_people_are_told(command: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    # What only a PostgreSQL server has is done in the tests of these commands.
    monkeypatch.setattr(moving, "move", lambda *_: ((Moved("keys", 1),), "postgresql://u@[::1]/d"))
    monkeypatch.setattr(status, "forget_node", lambda *_: {})
    words, told = TOLD[command]
    done = folder.run(*command.split(), *(word.replace("FOLDER", str(folder.path)) for word in words))
    assert done.exit_code == 0, (done.stdout, done.stderr, done.exception)
    for each in told:
        assert each in done.stdout


@pytest.mark.parametrize(
    "command", ["tokens create", "invitations create", "keys create", "keys rotate", "apply"]
)
def test_a_secret_is_told_before_all_that_could_fail(
    command: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def print(self, *words: Any, **_: Any) -> None:
            raise UnicodeEncodeError("ascii", "✓", 0, 1, "no such character")

    words, _ = TOLD[command]
    for module in (directory, keys, apply):
        monkeypatch.setattr(module, "people", lambda **_: Broken())
    monkeypatch.setattr("waypost.cli.org_diff.print_plan", lambda _: None)
    done = folder.run(*command.split(), *(word.replace("FOLDER", str(folder.path)) for word in words))
    assert isinstance(done.exception, UnicodeEncodeError)
    texts = [line.strip().encode() for line in done.stdout.splitlines()]
    assert [
        each for each in texts if looks_valid(each.decode()) or is_text("api", each) or is_text("inv", each)
    ]
