"""The written forms of values in `waypost.yaml`: durations, sizes, references to secrets."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from waypost.core.markup import PER_CENT

DURATION_PATTERN = r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+ms)?$"
MARKUP_PATTERN = r"^[0-9]{1,4}(\.[0-9]{1,4})?%$"
SIZE_PATTERN = r"^\d+ ?(B|KiB|MiB|GiB|kB|MB|GB)$"
REFERENCE_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"

#: The year 9999.
_LAST = 253_370_764_800.0
_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}


def parse_duration(text: str) -> float:
    """`"1h30m"` in seconds: 5400.0. Units in this order, each at most once: d, h, m, s, ms.

    Raises ValueError for any other text.
    """
    if not re.fullmatch(DURATION_PATTERN, text, re.ASCII):
        raise ValueError(f"{text[:40]!r} is not a duration such as 10s, 5m or 1h30m")
    return sum(float(n) * _SECONDS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|[dhms])", text))


def parse_markup(text: str) -> int:
    """`"2.5%"` in millionths: 25,000, exact. Raises ValueError."""
    if not re.fullmatch(MARKUP_PATTERN, text):
        raise ValueError(f"{text[:40]!r} is not a percentage such as 5% or 2.5%")
    return int(Decimal(text[:-1]) * PER_CENT)


def parse_size(text: str) -> int:
    """`"32MiB"` in bytes. Raises ValueError."""
    if not re.fullmatch(SIZE_PATTERN, text, re.ASCII):
        raise ValueError(f"{text[:40]!r} is not a size such as 32MiB or 500kB")
    digits = re.match(r"\d+", text)
    number = digits.group() if digits else "0"
    return int(number) * _BYTES[text[len(number) :].strip()]


def is_secret_reference(text: str) -> bool:
    """Whether a text names a secret (`env:NAME`, `file:/path`) instead of being one."""
    return re.fullmatch(REFERENCE_PATTERN, text, re.ASCII) is not None


def parse_moment(text: str) -> float:
    """`2027-01-31`, `2027-01-31T12:00+01:00` or `@1800000000` as Unix time; without an offset it is UTC.

    Raises ValueError for any other text.
    """
    if text.startswith("@"):
        return float(text[1:])
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def render_moment(at: float) -> str:
    """Unix time as a date, with the time of day where it is not midnight; what no calendar has, as `@` and seconds."""
    if not 0 <= at < _LAST:
        return f"@{at!r}"
    moment = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    if moment == moment.replace(hour=0, minute=0, second=0, microsecond=0):
        return moment.date().isoformat()
    return moment.isoformat() + "Z"
