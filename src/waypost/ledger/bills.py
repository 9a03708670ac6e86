"""What a provider says it charged, from the CSV file that its console exports: per day and model, in nano-dollars.

Layouts are recognised by their columns. Neither provider documents its file, only that there is one; so they are as
tests of programs that read real exports have them (GitHub, read on 2026-11-26):

- OpenAI, costs: `start_time_iso`, `amount_value` in dollars, `amount_currency`, `line_item` such as "gpt-5-nano,
  input_tokens", which is empty where the export is not grouped by it. Buckets without an amount are empty days. From
  aiecon's `openai_dashboard_cost_to_aiecon`, and a parser of several vendors' billing exports.
- Anthropic, cost: `usage_date_utc`, `model` such as "Claude Haiku 4.5", `token_type`, `cost_usd`. From axigate-finops
  and the same parser.

Everything else is read with the columns named by hand.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final, Literal, get_args

import msgspec

from waypost.core.money import NANO
from waypost.errors import ConfigError

Part = Literal["date", "model", "cost"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
_DOLLARS: Final = ("", "usd")
_SECONDS: Final = re.compile(r"\d{9,11}")
_DATED: Final = re.compile(r"[-@ ]?(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$")
_WORDS: Final = re.compile(r"[a-z]+|\d+")
_UNSAID: Final = frozenset(("latest",))


class Layout(msgspec.Struct, frozen=True):
    """Which columns say what."""

    name: str
    date: str
    cost: str
    model: str | None = None
    currency: str | None = None
    also: tuple[str, ...] = ()
    """Columns that are there as well, by which the layout is told from others."""
    model_ends: str | None = None
    """What stands between the model and more in the same column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that have to be there."""
        named = (self.date, self.cost, self.model, self.currency, *self.also)
        return tuple(column for column in named if column is not None)


LAYOUTS: Final = (
    Layout(
        "openai",
        date="start_time_iso",
        cost="amount_value",
        model="line_item",
        currency="amount_currency",
        model_ends=", ",
    ),
    Layout("anthropic", date="usage_date_utc", cost="cost_usd", model="model", also=("token_type",)),
)


class Charge(msgspec.Struct, frozen=True):
    """What was charged for a model on a day in UTC. `model` is empty where the bill does not tell."""

    day: date
    model: str
    cost_nusd: int


class Bill(msgspec.Struct, frozen=True):
    """A provider's export, added up."""

    layout: str
    charges: tuple[Charge, ...]
    rows: int
    without_cost: int
    """Rows that say no amount."""

    @property
    def days(self) -> tuple[date, ...]:
        """Those on which something was charged, in order."""
        return tuple(sorted({charge.day for charge in self.charges}))


def parse_columns(text: str) -> Layout:
    """From `date=…,model=…,cost=…`. Raises ConfigError."""
    named: dict[str, str] = {}
    for pair in text.split(","):
        part, _, column = (each.strip() for each in pair.partition("="))
        if part not in PARTS or not column:
            raise ConfigError(
                f"--columns: {pair.strip()!r} is not one of date=…, model=…, cost=…", param="columns"
            )
        named[part] = column
    if "date" not in named or "cost" not in named:
        raise ConfigError("--columns has to name the columns of the date and of the cost.", param="columns")
    return Layout("columns", date=named["date"], cost=named["cost"], model=named.get("model"))


def read_bill(lines: Iterable[str], columns: Layout | None = None) -> Bill:
    """From the lines of a CSV file with a heading. Raises ConfigError, which says in which line what is wrong."""
    reader = csv.DictReader(lines, strict=True)
    sums: dict[tuple[date, str], Decimal] = {}
    rows = without_cost = 0
    try:
        layout = _layout(reader.fieldnames or (), columns)
        for row in reader:
            rows += 1
            cost = (row.get(layout.cost) or "").strip()
            if not cost:
                without_cost += 1
                continue
            where = f"line {reader.line_num}"
            day = _day(row.get(layout.date) or "", where)
            _check_currency(layout, row, where)
            charged = day, _model(layout, row)
            sums[charged] = sums.get(charged, Decimal()) + _dollars(cost, where)
    except (csv.Error, UnicodeDecodeError):
        raise ConfigError(f"The bill is not a CSV file in UTF-8 (line {reader.line_num}).") from None
    charges = tuple(Charge(*charged, _nano(sums[charged])) for charged in sorted(sums))
    return Bill(layout.name, charges, rows, without_cost)


def folded(model: str) -> str:
    """The same for what bills and catalogues call the same model: without the day of a snapshot and the name of a
    vendor, whatever the order of the words. "Claude Sonnet 3.5" is `claude-3-5-sonnet-20241022`."""
    name = _DATED.sub("", model.lower().rpartition("/")[2].strip())
    return " ".join(sorted(word for word in _WORDS.findall(name) if word not in _UNSAID))


def _layout(heading: Sequence[str], columns: Layout | None) -> Layout:
    there = {name.strip() for name in heading if name}
    if columns is not None:
        missing = [column for column in columns.columns if column not in there]
        if missing:
            raise ConfigError(f"The bill has no column {missing[0]!r}. It has: {_listed(heading)}")
        return columns
    found = next((layout for layout in LAYOUTS if there.issuperset(layout.columns)), None)
    if found is not None:
        return found
    if "input_tokens" in there or "usage_output_tokens" in there:
        raise ConfigError(
            "This is an export of tokens, without what they cost. Export the costs instead, or name a column with "
            "--columns."
        )
    raise ConfigError(
        f"Nothing is known of a bill with the columns {_listed(heading)}. Say which are which: "
        "--columns date=…,model=…,cost=…"
    )


def _listed(heading: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in heading[:24] if name) or "(none)"


def _day(text: str, where: str) -> date:
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC).date()
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{where}: {text[:40]!r} is not a date such as 2026-11-26.") from None
    return (at if at.tzinfo is None else at.astimezone(UTC)).date()


def _dollars(text: str, where: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ConfigError(f"{where}: {text[:40]!r} is not an amount of dollars such as 0.25.")
    return amount


def _nano(amount: Decimal) -> int:
    return int((amount * NANO).to_integral_value(ROUND_HALF_EVEN))


def _check_currency(layout: Layout, row: Mapping[str, str | None], where: str) -> None:
    said = "" if layout.currency is None else (row.get(layout.currency) or "").strip()
    if said.lower() not in _DOLLARS:
        raise ConfigError(f"{where}: the amount is in {said[:8]!r}, and the ledger is in US dollars.")


def _model(layout: Layout, row: Mapping[str, str | None]) -> str:
    said = "" if layout.model is None else (row.get(layout.model) or "").strip()
    return said if layout.model_ends is None else said.partition(layout.model_ends)[0]
