from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from cli.folder import Folder
from waypost.core.credit import entry
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import open_sqlite


def test_a_balance_from_its_first_entry_on(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.one("orgs", "create", "acme")
    assert folder.one("credits", "show", "--org", "acme") == {
        "organization": "acme", "prepaid": False, "balance": "0", "given": "0", "used": "0", "entries": [],
        "free_tier": None, "free_tier_asked": None,
    }  # fmt: skip
    words = (
        "add",
        "$25.00",
        "--org",
        "acme",
        "--id",
        "inv-1",
        "--reason",
        "paid by wire",
        "--expires",
        "90d",
    )
    added = folder.one("credits", *words[:-2])
    assert (added["id"], added["kind"], added["amount"], added["balance"]) == ("inv-1", "topup", "25", "25")
    assert added["made_by"] == "operator"
    assert folder.one("credits", *words[:-2]) == added, "the same again changes nothing"
    assert "another content" in folder.refused("credits", *words)
    more = folder.one("credits", "add", "5", "--org", made["id"], "--expires", "90d")
    assert more["id"].startswith("cr_")
    taken = ("adjust", "--by", "-2.50", "--org", "acme", "--of", "inv-1", "--reason", "twice")
    assert folder.one("credits", *taken)["balance"] == "27.5"
    shown = folder.one("credits", "show", "--org", "acme")
    assert [(each["id"], each["left"]) for each in shown["entries"]] == [(more["id"], "5"), ("inv-1", "22.5")]
    assert (shown["prepaid"], shown["balance"], shown["given"]) == (True, "27.5", "27.5")
    people = folder.run("credits", "show", "--org", "acme").stdout
    assert "27.5" in people
    assert "inv-1" in people
    assert "the balance is $28.5" in folder.run("credits", "add", "1", "--org", "acme").stdout
    assert folder.one("credits", "show")["prepaid"] is False


def test_a_statement_as_csv_and_as_json(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    home = folder.one("orgs", "show", "acme")["id"]
    database = open_sqlite(tmp_path)
    at = datetime(2027, 1, 3, tzinfo=UTC).timestamp()
    CreditRows(database).add(entry(f"{home}:inv-1", home, at, "topup", 5_000_000_000))
    database.close()
    month = ("credits", "statement", "--org", "acme", "--from", "2027-01-01", "--to", "2027-02-01")
    assert folder.run(*month).stdout.splitlines() == [
        "date,kind,id,amount,balance,reason,made_by",
        "2027-01-01,opening,,,0,,",
        "2027-01-03,topup,inv-1,5,5,,",
        "2027-02-01,closing,,,5,,",
    ]
    told = folder.one(*month)
    assert (told["from"], told["to"], told["opening"], told["closing"]) == (
        "2027-01-01",
        "2027-02-01",
        "0",
        "5",
    )
    assert [(each["date"], each["id"], each["balance"]) for each in told["items"]] == [
        ("2027-01-03", "inv-1", "5")
    ]
    today = datetime.fromtimestamp(time.time(), UTC).date()
    assert folder.one("credits", "statement", "--org", "acme")["from"] == today.replace(day=1).isoformat()


def test_what_can_not_be_is_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    assert "more than 0 dollars" in folder.refused("credits", "add", "0", "--org", "acme")
    assert "not an amount" in folder.refused("credits", "add", "much", "--org", "acme", code=2)
    assert "Say why" in folder.refused("credits", "adjust", "--by", "5", "--reason", " ", "--org", "acme")
    assert "There is no entry" in folder.refused(
        "credits", "adjust", "--by", "-5", "--reason", "r", "--of", "x", "--org", "acme"
    )
    assert "is no id" in folder.refused("credits", "add", "1", "--id", "end:x", code=2)
    assert "not a date" in folder.refused("credits", "statement", "--from", "January", code=2)
    late = ("credits", "statement", "--from", "2027-02-01", "--to", "2027-01-01")
    assert "before --from" in folder.refused(*late, code=2)
    assert "waypost orgs list" in folder.refused("credits", "show", "--org", "nobody")


def test_the_free_tier_is_shown_with_what_is_left_of_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    (tmp_path / "w.yaml").write_text("credits: {free_tier: {requests: 50, per: day}}")
    show = ("credits", "show", "--org", "acme", "--config", str(tmp_path / "w.yaml"))
    told = folder.one(*show)["free_tier"]
    assert (told["unit"], told["amount"], told["per"], told["each"]) == (
        "requests",
        "50",
        "day",
        "organization",
    )
    assert told["shares"] == [{"of": "organization", "used": "0", "left": "50"}]
    assert folder.one(*show)["free_tier_asked"] == str(tmp_path / "w.yaml")
    people = folder.run(*show).stdout
    assert "50 requests per day for each organization" in people
    assert told["renews_at"] in people


def test_that_nobody_could_be_asked_for_the_free_tier_is_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme")
    people = " ".join(folder.run("credits", "show", "--org", "acme").stdout.split())
    assert "free tier not known: no gateway runs on this data folder" in people
    (tmp_path / "w.yaml").write_text("log: {retention_days: 5}")
    told = folder.one("credits", "show", "--org", "acme", "--config", str(tmp_path / "w.yaml"))
    assert (told["free_tier"], told["free_tier_asked"]) == (None, str(tmp_path / "w.yaml"))
    shown = folder.run("credits", "show", "--org", "acme", "--config", str(tmp_path / "w.yaml")).stdout
    assert "free tier" not in shown, "there is none"
