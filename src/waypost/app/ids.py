"""Exchange ids: unique across processes, ordered by time, cheap to make."""

from __future__ import annotations

from collections.abc import Callable

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def exchange_ids(wall: Callable[[], float], randomness: Callable[[int], bytes]) -> Callable[[], str]:
    """A maker of ids such as `wp-18f2c7a1b3c-9f2k7q-0001`: milliseconds, this process, a counter.

    They sort by time, so a database appends them. They are names, not secrets.
    """
    process = _base36(int.from_bytes(randomness(5), "big"), 8)[-6:]
    count = 0

    def make() -> str:
        nonlocal count
        count += 1
        return f"wp-{int(wall() * 1000):011x}-{process}-{count:04x}"

    return make


def _base36(number: int, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, "0")
