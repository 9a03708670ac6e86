"""Read the model map of a `litellm` wheel (MIT): capabilities, limits, deprecations, and prices as a fallback.

Only facts are taken: numbers, dates and yes/no flags.
"""

from __future__ import annotations

import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools.catalog_rates import KINDS, TOKEN_KINDS, Facts, Rates, Row, Sheet, fill_from, parse_rate

MEMBER = "litellm/model_prices_and_context_window_backup.json"
#: Its provider ids → ours, where they differ (ours follow genai-prices).
PROVIDERS = {
    "gemini": "google",
    "xai": "x-ai",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "together_ai": "together",
    "moonshot": "moonshotai",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "bedrock_mantle": "aws",
    "cohere_chat": "cohere",
    "text-completion-openai": "openai",
    "text-completion-codestral": "mistral",
    "codestral": "mistral",
    "azure_text": "azure",
    "voyage": "voyageai",
    "github_copilot": "github-copilot",
    "nvidia_nim": "nvidia",
    "meta_llama": "meta",
}
MODES = {
    "chat", "responses", "completion", "embedding", "rerank", "moderation", "realtime",
    "audio_transcription", "audio_speech", "image_generation",
}  # fmt: skip
#: In these modes nothing is billed per output token unless the source says so.
INPUT_ONLY = {"embedding", "rerank", "moderation"}
FEATURES = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_response_schema": "json_schema",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_audio_input": "audio_input",
    "supports_audio_output": "audio_output",
    "supports_video_input": "video",
    "supports_pdf_input": "pdf",
    "supports_prompt_caching": "prompt_caching",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
    "supports_assistant_prefill": "prefill",
}
COST_KEYS = dict(
    zip(
        TOKEN_KINDS,
        (
            "input_cost_per_token",
            "output_cost_per_token",
            "cache_read_input_token_cost",
            "cache_creation_input_token_cost",
            "cache_creation_input_token_cost_above_1hr",
            "input_cost_per_audio_token",
            "output_cost_per_audio_token",
            "output_cost_per_reasoning_token",
            "input_cost_per_request",
        ),
        strict=True,
    )
)
TIERS = {"": "", "_flex": "flex", "_priority": "priority", "_batches": "batch"}
BAND = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")
#: What an image of a kind costs has a row of its own: `hd/1024-x-1792/dall-e-3`.
KIND = re.compile(r"^(?:([a-z]+)/)?(\w+)-x-(\w+)/(.+)$")
NOTHING: Rates = (None,) * (len(KINDS) - len(TOKEN_KINDS))
DAY = re.compile(r"^20\d\d-\d\d-\d\d$")


def read_map(wheel: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Raw rows by our provider id and lower-case model id, numbers as Decimal."""
    with zipfile.ZipFile(wheel) as archive:
        raw = json.loads(archive.read(MEMBER), parse_float=Decimal, parse_int=Decimal)
    pages: dict[str, dict[str, dict[str, Any]]] = {}
    for key in sorted(raw):
        row = raw[key]
        theirs = row.get("litellm_provider")
        if not isinstance(theirs, str) or row.get("mode") not in MODES or " " in theirs:
            continue
        ours = PROVIDERS.get(theirs, "vertex_ai" if theirs.startswith("vertex_ai") else theirs)
        model = key.lower()
        for prefix in (theirs, ours, theirs.partition("-")[0]):
            if model.startswith(f"{prefix}/"):
                model = model[len(prefix) + 1 :]
                break
        pages.setdefault(ours, {}).setdefault(model, row)
    for rows in pages.values():
        _fold_kinds(rows)
    return pages


def _fold_kinds(rows: dict[str, dict[str, Any]]) -> None:
    """Rows of kinds of images go into the row of their model, under `kinds`; those of an unknown model go."""
    for model in sorted(rows):
        found = KIND.match(model)
        if found is None or rows[model]["mode"] != "image_generation":
            continue
        row, base = rows.pop(model), rows.get(found[4])
        size = f"{found[2]}x{found[3]}"
        kind = size if found[1] in (None, "standard") else f"{found[1]}/{size}"
        if base is not None:
            base.setdefault("kinds", {}).setdefault(kind, row)


def read_facts(row: dict[str, Any]) -> Facts:
    """Limits, features and dates of one row."""
    features = [name for key, name in FEATURES.items() if row.get(key) is True]
    modalities = ["text"]
    for name, keys in (
        ("image", ("supports_vision", "supports_image_input", "supports_embedding_image_input")),
        ("audio", ("supports_audio_input",)),
        ("video", ("supports_video_input",)),
    ):
        listed = name in (row.get("supported_modalities") or ())
        if listed or any(row.get(key) is True for key in keys):
            modalities.append(name)
    day = row.get("deprecation_date")
    return Facts(
        context=_count(row.get("max_input_tokens")) or _count(row.get("max_tokens")),
        max_output=_count(row.get("max_output_tokens")),
        modalities=tuple(modalities),
        features=tuple(features),
        mode=row["mode"],
        deprecated_on=day if isinstance(day, str) and DAY.match(day) else None,
    )


def read_sheet(provider: str, model: str, row: dict[str, Any], source: int) -> Sheet | None:
    """Price rows, or None when the row states neither what tokens cost nor what is counted otherwise.

    The map writes 0 both for free and for unknown, so a row of zeros counts as a price only where the model is
    free by its nature: run locally, or marked `free`.
    """
    units = _unit_rates(row)
    if units is not None:
        rates: Rates = (*(None,) * len(TOKEN_KINDS), *units)
        return (Row(source, "", None, None, 0, rates, _image_kinds(row)),)
    bands = _tiered(row) or _bands(row, "")
    base = bands.get(0)
    if base is None or base[0] is None:
        return None
    if base[1] is None and row["mode"] not in INPUT_ONLY:
        return None
    if not any(rate for rates in bands.values() for rate in rates):
        free = provider in ("ollama", "lemonade") or model.endswith((":free", "-free"))
        if not free or any(_is_other_charge(key, row[key]) for key in row):
            return None
    rows = [Row(source, "", None, None, above, rates) for above, rates in sorted(bands.items())]
    for suffix, tier in TIERS.items():
        if suffix:
            rows.extend(_tier_rows(row, bands, suffix, tier, source))
    return tuple(rows)


def _unit_rates(row: dict[str, Any]) -> Rates | None:
    """What a model costs that is not priced by tokens. One that is, is so alone: what the map says of it beside that is
    another way to count the same."""
    if any("token" in key and _is_other_charge(key, value) for key, value in row.items()):
        return None
    audio = characters = image = search = None
    match row["mode"]:
        case "audio_transcription":
            hourly = _per_hour(_one_of(row, "output_cost_per_second", "input_cost_per_second"))
            audio = None if hourly is None else parse_rate(hourly)
        case "audio_speech":
            characters = _rate(_one_of(row, "input_cost_per_character"))
        case "image_generation":
            image = _per_image(row)
        case "rerank":
            search = _rate(_one_of(row, "input_cost_per_query"))
    found = (audio, characters, image, search)
    return None if found == NOTHING else found


def _one_of(row: dict[str, Any], *keys: str) -> Decimal | None:
    """The cost that is stated under one of these names, or under several as the same."""
    stated = {row[key] for key in keys if isinstance(row.get(key), Decimal) and row[key] > 0}
    return stated.pop() if len(stated) == 1 else None


def _per_hour(per_second: Decimal | None) -> Decimal | None:
    """Dollars per hour. Prices are published per minute or hour, and the map has rounded them to seconds: a tenth of a
    cent per hour that is as near as such rounding leaves it is what was published."""
    if per_second is None:
        return None
    exact = per_second * 3600
    near = exact.quantize(Decimal("0.001"))
    return near if abs(exact - near) <= near * Decimal("0.0002") else exact


def _per_image(row: dict[str, Any]) -> int | None:
    """None as well where it depends on what the request has no word for here: pixels, or a resolution."""
    for key, value in row.items():
        if key.startswith("output_cost_per_image_") or ("pixel" in key and _is_other_charge(key, value)):
            return None
    # What the map calls the input's cost is, in this mode, that of each image that comes.
    return _rate(_one_of(row, "output_cost_per_image") or _one_of(row, "input_cost_per_image"))


def _image_kinds(row: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    found = ((kind, _per_image(each)) for kind, each in sorted(row.get("kinds", {}).items()))
    return tuple((kind, rate) for kind, rate in found if rate is not None)


def _tier_rows(row: dict[str, Any], base: dict[int, Rates], suffix: str, tier: str, source: int) -> list[Row]:
    """Rows of one tier. A band the tier does not state takes the default tier's, so that it is never cheaper."""
    own = _bands(row, suffix)
    if 0 not in own or own[0][0] is None:
        return []
    return [
        Row(source, tier, None, None, above, fill_from(own.get(above, (None,) * len(KINDS)), base[above]))
        for above in sorted(base)
    ]


def _bands(row: dict[str, Any], suffix: str) -> dict[int, Rates]:
    thresholds = {0: ""}
    for key in row:
        if found := BAND.match(key):
            thresholds[int(found[1]) * 1000] = f"_above_{found[1]}k_tokens"
    bands: dict[int, Rates] = {}
    for above in sorted(thresholds):
        stated = (_rate(row.get(f"{key}{thresholds[above]}{suffix}")) for key in COST_KEYS.values())
        rates: Rates = (*stated, *NOTHING)
        if rates[0] is None:
            continue
        bands[above] = fill_from(rates, bands[0]) if above and 0 in bands else rates
    return bands


def _tiered(row: dict[str, Any]) -> dict[int, Rates]:
    tiers = row.get("tiered_pricing")
    if not isinstance(tiers, list):
        return {}
    bands: dict[int, Rates] = {}
    for tier in tiers:
        limits = tier.get("range")
        if not limits:
            return {}
        bands[int(limits[0])] = (*(_rate(tier.get(key)) for key in COST_KEYS.values()), *NOTHING)
    return bands if 0 in bands else {}


def _rate(cost: object) -> int | None:
    """Dollars per token in nano-dollars per million tokens."""
    return parse_rate(cost * 1_000_000) if isinstance(cost, Decimal) and cost >= 0 else None


def _is_other_charge(key: str, value: object) -> bool:
    return "cost" in key and isinstance(value, Decimal) and value > 0


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, Decimal) and value > 0 else None
