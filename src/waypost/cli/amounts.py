"""Money and times as people write them on the command line."""

from __future__ import annotations

from waypost.cli.exits import Exit
from waypost.cli.output import fail


def parse_usd(text: str, option: str) -> int:
    """`5` or `$0.25` as nano-dollars; ends the command when it is neither."""
    from waypost.core import money

    try:
        return money.parse_usd(text.removeprefix("$"))
    except ValueError:
        fail(f"{option} {text!r} is not an amount of dollars.", Exit.USAGE, "Write it like 5 or 0.25.")


def parse_span(text: str, option: str) -> float:
    """`30d` or `1h30m` as seconds; ends the command when it is none."""
    from waypost.config.values import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        fail(f"{option}: {error}.", Exit.USAGE)


def parse_moment(text: str, option: str) -> float:
    """`2027-01-31` or `2027-01-31T12:00+01:00` as Unix time; without an offset it is UTC."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text!r} is not a date.", Exit.USAGE, "Write it like 2027-01-31.")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_end(text: str, option: str, now: float) -> float:
    """A moment to come, as a date or as a time from now."""
    if "-" not in text:
        return now + parse_span(text, option)
    at = parse_moment(text, option)
    if at <= now:
        fail(f"{option} {text} is in the past.", Exit.USAGE)
    return at
