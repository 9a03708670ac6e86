"""Compile the price and model catalogue into `src/waypost/catalog/catalog.json.gz`.

Usage: python -m tools.compile_catalog --litellm-wheel WHEEL --date YYYY-MM-DD [--out FILE] [--check]

Prices and their history come from the installed `genai-prices`; capabilities, limits, deprecations, tiers that
genai-prices does not have and prices of models it does not know come from the model map inside a `litellm` wheel
(download it without installing: `pip download --no-deps litellm==1.106.2`; never 1.107.0). The output is the same
byte for byte for the same inputs. Disagreements between the two are printed; genai-prices wins.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.catalog_genai import read_pages
from tools.catalog_litellm import read_facts, read_map, read_sheet
from tools.catalog_rates import KINDS, Entry, Facts, ProviderPage, Sheet, base_row, fill_from

FORMAT = 1
GENAI, LITELLM = 0, 1
OUT = Path(__file__).parents[1] / "src/waypost/catalog/catalog.json.gz"
NOTICE = (
    "Prices and match rules are facts compiled from genai-prices, Copyright (c) Pydantic Services Inc. 2025 to "
    "present, MIT licence. Limits, capabilities and further prices are facts compiled from LiteLLM's model map, "
    "Copyright (c) 2023 Berri AI, MIT licence."
)


def main(argv: list[str]) -> int:
    """Compile, print what the sources disagree on, write. Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--litellm-wheel", type=Path, required=True)
    parser.add_argument("--date", required=True, help="the day of this compilation, kept in the file")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file would change")
    options = parser.parse_args(argv)
    wheel_version = options.litellm_wheel.name.split("-")[1]
    if wheel_version == "1.107.0":
        parser.error("litellm 1.107.0 is a compromised release; use another one")
    pages = read_pages(GENAI)
    disagreements = merge(pages, read_map(options.litellm_wheel), options.date)
    for line in disagreements:
        print(line)
    blob = render(pages, options.date, wheel_version)
    models = sum(len(page.models) for page in pages.values())
    priced = sum(entry.sheet is not None for page in pages.values() for entry in page.models.values())
    print(
        f"{len(pages)} providers, {models} model ids, {priced} priced, "
        f"{len(disagreements)} disagreements, {len(blob)} bytes"
    )
    if options.check:
        return 0 if options.out.exists() and options.out.read_bytes() == blob else 1
    options.out.write_bytes(blob)
    return 0


def merge(pages: dict[str, ProviderPage], rows: dict[str, dict[str, dict[str, Any]]], day: str) -> list[str]:
    """Add the second source to the pages of the first. Returns one line per base price they disagree on."""
    disagreements: list[str] = []
    for provider in sorted(rows):
        page = pages.setdefault(provider, ProviderPage())
        first = dict(page.models)
        for model, row in rows[provider].items():
            facts, sheet = read_facts(row), read_sheet(provider, model, row, LITELLM)
            known = first.get(model)
            if known is None:
                matched = _match(page, model)
                preferred = matched.sheet if matched is not None else None
                page.models[model] = Entry(preferred or sheet, facts)
                line = _disagreement(f"{provider}/{model}", preferred, sheet, day)
                if line is not None:
                    disagreements.append(f"{line}, matched by rule")
                continue
            known_context = known.facts.context if known.facts else None
            merged = Entry(known.sheet, _with_context(facts, known_context))
            line = _disagreement(f"{provider}/{model}", known.sheet, sheet, day)
            if line is not None:
                disagreements.append(line)
            elif known.sheet is None:
                merged.sheet = sheet
            elif sheet is not None:
                merged.sheet = _with_tiers(known.sheet, sheet)
            page.models[model] = merged
    return disagreements


def _match(page: ProviderPage, model: str) -> Entry | None:
    # The product's own matcher, so that the file and the lookup can not differ.
    from waypost.catalog.rules import Rule, matches

    for rule, key in page.rules:
        if matches(Rule.parse(rule), model):
            return page.models[key]
    return None


def _with_context(facts: Facts, context: int | None) -> Facts:
    if facts.context is not None or context is None:
        return facts
    return Facts(context, facts.max_output, facts.modalities, facts.features, facts.mode, facts.deprecated_on)


def _disagreement(model: str, first: Sheet | None, second: Sheet | None, day: str) -> str | None:
    if first is None or second is None:
        return None
    ours, theirs = base_row(first, day).rates, base_row(second, day).rates
    parts = [
        f"{kind} {mine / 1e9:g} / {other / 1e9:g}"
        for kind, mine, other in zip(KINDS, ours, theirs, strict=True)
        if kind in ("input", "output", "cache_read")
        and mine is not None
        and other is not None
        and mine != other
    ]
    return f"disagree {model}: {', '.join(parts)} USD/M (genai-prices / litellm)" if parts else None


def _with_tiers(first: Sheet, second: Sheet) -> Sheet:
    """The first source's rows, and the second's rows of every tier the first does not have."""
    have = {row.tier for row in first}
    if {row.above for row in first} != {row.above for row in second}:
        return first
    base = {row.above: row.rates for row in first if row.tier == ""}
    extra = [
        type(row)(row.source, row.tier, None, None, row.above, fill_from(row.rates, base[row.above]))
        for row in second
        if row.tier not in have
    ]
    return (*first, *extra)


def render(pages: dict[str, ProviderPage], day: str, wheel_version: str) -> bytes:
    """The file's bytes."""
    words: list[list[str]] = []
    document = {
        "format": FORMAT,
        "date": day,
        "notice": NOTICE,
        "kinds": KINDS,
        "sources": [
            {"name": "genai-prices", "version": version("genai-prices"), "date": day, "licence": "MIT",
             "url": "https://github.com/pydantic/genai-prices"},
            {"name": "litellm", "version": wheel_version, "date": day, "licence": "MIT",
             "url": "https://github.com/BerriAI/litellm"},
        ],
        "providers": {name: _render_page(pages[name], words) for name in sorted(pages)},
        "words": words,
    }  # fmt: skip
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as stream:
        stream.write(text)
    return buffer.getvalue()


def _render_page(page: ProviderPage, words: list[list[str]]) -> dict[str, object]:
    sheets: dict[Sheet, int] = {}
    facts: dict[Facts, int] = {}
    models = {}
    for model in sorted(page.models):
        entry = page.models[model]
        sheet = -1 if entry.sheet is None else sheets.setdefault(entry.sheet, len(sheets))
        fact = -1 if entry.facts is None else facts.setdefault(entry.facts, len(facts))
        if sheet >= 0 or fact >= 0:
            models[model] = [sheet, fact]
    return {
        "models": models,
        "rules": [[rule, key] for rule, key in page.rules if key in models],
        "fallback": page.fallback,
        "sheets": [[row.render() for row in sheet] for sheet in sheets],
        "facts": [_render_facts(fact, words) for fact in facts],
    }


def _render_facts(facts: Facts, words: list[list[str]]) -> list[object]:
    return [
        facts.context,
        facts.max_output,
        _word(facts.modalities, words),
        _word(facts.features, words),
        facts.mode,
        facts.deprecated_on,
    ]


def _word(values: tuple[str, ...], words: list[list[str]]) -> int:
    item = list(values)
    if item not in words:
        words.append(item)
    return words.index(item)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
