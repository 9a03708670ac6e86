"""What a budget or a limit hangs on, as people say it: a scope, and which one of it."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from waypost.cli.directory import Book
from waypost.cli.exits import Exit
from waypost.cli.output import fail
from waypost.core.budget import Budget
from waypost.core.limit import Limit
from waypost.core.people import MachineAccount, Organization, Project, Team, User
from waypost.core.scope import EACH, ScopeKind

Scope = Annotated[
    ScopeKind,
    typer.Option(
        "--scope",
        envvar="WAYPOST_SCOPE",
        help="What it hangs on. Whatever a request belongs to, each of its scopes is looked at.",
    ),
]
Subject = Annotated[
    str,
    typer.Option(
        "--subject",
        envvar="WAYPOST_SUBJECT",
        metavar="NAME",
        help="Which one: a name, an e-mail address, a key's id, or what requests say. *: each one by itself.",
    ),
]
#: Scopes whose subjects belong to an organization and have a name.
_NAMED: Final[dict[ScopeKind, type[Team] | type[Project] | type[MachineAccount]]] = {
    "team": Team,
    "project": Project,
    "service": MachineAccount,
}


def home_of_rule(book: Book, org: str, gateway: bool) -> str:
    """The organization whose rule it is; empty for the gateway's own."""
    return "" if gateway else book.organization(org).id


def subject_id(book: Book, home: str, scope: ScopeKind, subject: str) -> str:
    """What a rule stands under; ends the command for a subject that is not there."""
    if scope == "organization" and home:
        if subject not in (EACH, home, book.name(Organization, home)):
            fail(
                f"A rule of {book.name(Organization, home)} can not be on another organization.",
                Exit.USAGE,
                "Leave --subject out, or make it a rule of the gateway with --gateway.",
            )
        return home
    if subject == EACH:
        return EACH
    if scope == "organization":
        return book.organization(subject).id
    if scope == "user":
        return book.one(User, "", subject).id
    if scope == "key":
        found = book.keys.find(subject)
        if len(found) != 1:
            fail(f"{len(found)} keys are {subject!r}.", hint="Say which by its id: waypost keys list")
        return found[0].key_id
    if scope in _NAMED:
        kind = _NAMED[scope]
        direct = book.directory.find(kind, subject)  # a rule of the gateway names it by its id
        return subject if direct is not None and not home else book.one(kind, home, subject).id
    return subject


def shown_subject(book: Book, rule: Budget | Limit) -> str:
    """What people call what a rule hangs on."""
    if rule.scope in _NAMED:
        return book.name(_NAMED[rule.scope], rule.scope_id)
    if rule.scope == "user":
        return book.name(User, rule.scope_id)
    if rule.scope == "organization":
        return book.name(Organization, rule.scope_id)
    return rule.scope_id
