"""The free tier of an organization, as it is configured where the gateway runs.

What is used of it is in the database; its terms are in the gateway's file, whose name the database does not know. So a
running gateway is asked, unless a file was named.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict
from urllib.parse import quote

import msgspec

from waypost.cli.defaults import DEFAULT_CONFIG
from waypost.errors import CallerError, Unavailable
from waypost.stores.lock import read_running

if TYPE_CHECKING:
    from waypost.cli.directory import Book
    from waypost.core.people import Organization

#: What was made on the command line is known to a running gateway within a second.
_KNOWN_S: Final = 2.0
_PAUSE_S: Final = 0.1
_NOBODY: Final = "no gateway runs on this data folder; name the file of its configuration with --config"


class FreeTold(TypedDict):
    """The free tier as it is shown."""

    unit: str
    amount: str
    per: str
    each: str
    models: tuple[str, ...]
    renews_at: str
    shares: list[dict[str, object]]


class FreeTier(msgspec.Struct, frozen=True):
    """What is known of it."""

    told: FreeTold | None
    """None: there is none for the organization, or nobody was asked."""
    asked: str | None
    """Who told: `gateway`, or a file's name. None: nobody could."""
    why: str = ""
    """Why nobody could."""


class _Share(msgspec.Struct):
    of: str
    used: str
    left: str


class _Told(msgspec.Struct):
    unit: str
    amount: str
    per: str
    each: str
    models: tuple[str, ...]
    renews_at: float
    shares: list[_Share]


class _Credits(msgspec.Struct):
    free_tier: _Told | None


def free_tier_of(book: Book, found: Organization, config: Path | None, data: Path) -> FreeTier:
    """By the file that was named, else the gateway that runs on the folder, else the usual file. Raises
    ConfigInvalid."""
    if config is not None:
        return FreeTier(_by_file(book, found, config), str(config))
    running = read_running(data)
    if running is not None and running.port:
        try:
            return FreeTier(_by_gateway(found, data), "gateway")
        except (Unavailable, CallerError) as error:
            return FreeTier(None, None, error.message)
    if DEFAULT_CONFIG.is_file():
        return FreeTier(_by_file(book, found, DEFAULT_CONFIG), str(DEFAULT_CONFIG))
    return FreeTier(None, None, _NOBODY)


def _by_gateway(found: Organization, data: Path) -> FreeTold | None:
    from waypost.cli.control import Counter, find_door
    from waypost.ledger.windows import render_time

    end = time.monotonic() + _KNOWN_S
    with Counter(find_door(data, None, None)) as counter:
        while True:
            status, answer = counter.answer("GET", f"/api/v1/organizations/{quote(found.name)}/credits")
            if status != 404 or time.monotonic() > end:
                break
            time.sleep(_PAUSE_S)
    if status != 200:
        raise CallerError(f"the gateway on this data folder answered {status}")
    told = msgspec.json.decode(answer, type=_Credits).free_tier
    if told is None:
        return None
    return {
        "unit": told.unit,
        "amount": told.amount,
        "per": told.per,
        "each": told.each,
        "models": told.models,
        "renews_at": render_time(told.renews_at),
        "shares": [{"of": each.of, "used": each.used, "left": each.left} for each in told.shares],
    }


def _by_file(book: Book, found: Organization, config: Path) -> FreeTold | None:
    from waypost.cli.surroundings import load_config
    from waypost.config.credits_schema import build_free_tier
    from waypost.core.free_tier import shares_of
    from waypost.ledger.windows import render_time, window

    tier = build_free_tier(load_config(config).config.credits)
    if tier is None or not tier.has(found):
        return None
    now = window(tier.period, book.now)
    shares = shares_of(tier, found.id, book.credits.used_free(tier.scope, found.id, now.name))
    return {
        "unit": tier.unit,
        "amount": tier.render(tier.amount),
        "per": tier.period,
        "each": tier.each,
        "models": tier.models,
        "renews_at": render_time(now.ends_at or book.now),
        "shares": [
            {"of": each.of, "used": tier.render(each.used), "left": tier.render(each.left)} for each in shares
        ],
    }
