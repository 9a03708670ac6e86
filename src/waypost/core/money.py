"""Money is an integer number of nano-dollars (1 USD = 1,000,000,000). Floats never touch it."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation

NANO = 1_000_000_000
PER_MILLION = 1_000_000


def parse_usd(text: str | int | Decimal) -> int:
    """Dollars, as a decimal string such as `"0.25"`, in nano-dollars; a finer fraction rounds up.

    Raises ValueError for anything that is not a finite decimal number.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of dollars, such as 5 or 0.25") from None
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not a finite amount of dollars")
    return int((amount * NANO).to_integral_value(ROUND_CEILING))


def render_usd(nano: int) -> str:
    """Nano-dollars as a plain decimal number of dollars, exact, without an exponent: `"0.000123"`."""
    if 0 < nano < NANO:
        return f"0.{nano:09d}".rstrip("0")
    sign = "-" if nano < 0 else ""
    whole, fraction = divmod(abs(nano), NANO)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:09d}".rstrip("0")


def ceil_div(amount: int, by: int) -> int:
    """`amount / by`, rounded up. Every ledger line is rounded up once, in here and nowhere else."""
    return -(-amount // by)
