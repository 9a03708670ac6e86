"""Leases: what one node of several may spend of an account without asking. Money is nano-dollars."""

from __future__ import annotations

import msgspec


class Want(msgspec.Struct, frozen=True):
    """What a node wants of one account."""

    account_id: str
    limit_nusd: int
    """The least of the hard limits that apply."""
    need_nusd: int
    """Below this it is of no use; may be more than the limit."""
    wish_nusd: int = 0
    """What it would take to go on for a while."""


class Granted(msgspec.Struct, frozen=True):
    """What came of it."""

    account_id: str
    amount_nusd: int
    """At least what was needed, or 0."""
    posted_nusd: int
    """Spent so far, by all nodes."""
    leased_nusd: int
    """With the nodes, this grant included: held, or on its way into the books, or free."""


class Move(msgspec.Struct):
    """One change of what a node has leased. Mutable: whoever carries it out writes down what it is, before it is in
    force, so that it is known also when the answer is lost."""

    number: int
    """Counts up with every change of this node."""
    amounts: dict[str, int]
    """By account: leased, or given back where it is below 0."""
