"""The catalogue compiler: what counts as a price, which source wins, and that a rerun changes nothing."""

from __future__ import annotations

import gzip
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tools.catalog_litellm import MEMBER, read_facts, read_map, read_sheet
from tools.catalog_rates import Entry, Facts, ProviderPage, Row, parse_rate
from tools.compile_catalog import main, merge

CHAT = {"litellm_provider": "acme", "mode": "chat"}


def wheel(folder: Path, rows: dict[str, dict[str, object]]) -> Path:
    path = folder / "litellm-1.106.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, json.dumps(rows))
    return path


def read(folder: Path, row: dict[str, object]) -> dict[str, Any]:
    return read_map(wheel(folder, {"acme/m": {**CHAT, **row}}))["acme"]["m"]


def test_rates_are_exact_and_float_noise_is_removed() -> None:
    assert parse_rate(Decimal("0.25")) == 250_000_000
    assert parse_rate(Decimal("0.09999999999999999")) == 100_000_000
    assert parse_rate(Decimal("0.0000000014")) == 2


def test_a_row_of_zeros_is_unknown_unless_the_model_is_free_by_nature(tmp_path: Path) -> None:
    row = read(tmp_path, {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0})
    assert read_sheet("acme", "m", row, 1) is None
    assert read_sheet("acme", "m:free", row, 1) is not None
    assert read_sheet("ollama", "m", row, 1) is not None


def test_a_chat_model_without_an_output_price_is_unpriced(tmp_path: Path) -> None:
    row = read(tmp_path, {"input_cost_per_token": 1e-06})
    assert read_sheet("acme", "m", row, 1) is None
    assert read_sheet("acme", "m", {**row, "mode": "embedding"}, 1) is not None


def test_tiers_bands_and_cache_rates_become_rows(tmp_path: Path) -> None:
    row = read(
        tmp_path,
        {
            "input_cost_per_token": 1e-06,
            "output_cost_per_token": 2e-06,
            "cache_read_input_token_cost": 1e-07,
            "input_cost_per_token_above_200k_tokens": 3e-06,
            "input_cost_per_token_flex": 5e-07,
        },
    )
    sheet = read_sheet("acme", "m", row, 1)
    assert sheet is not None
    assert [(r.tier, r.above, r.rates[:3]) for r in sheet] == [
        ("", 0, (10**9, 2 * 10**9, 10**8)),
        ("", 200_000, (3 * 10**9, 2 * 10**9, 10**8)),
        ("flex", 0, (5 * 10**8, 2 * 10**9, 10**8)),
        ("flex", 200_000, (3 * 10**9, 2 * 10**9, 10**8)),
    ]


@pytest.mark.parametrize(
    ("mode", "row", "rates"),
    [
        (
            "audio_transcription",
            {"input_cost_per_second": 7.167e-05, "output_cost_per_second": 0.0},
            (258 * 10**6,),
        ),
        (
            "audio_transcription",
            {"input_cost_per_second": 1e-04, "output_cost_per_second": 1e-04},
            (36 * 10**7,),
        ),
        ("audio_transcription", {"input_cost_per_second": 8.5e-06}, (30_600_000,)),
        ("audio_transcription", {"input_cost_per_second": 1e-04, "output_cost_per_second": 2e-04}, None),
        ("audio_transcription", {"input_cost_per_second": 1e-04, "input_cost_per_audio_token": 6e-06}, None),
        ("audio_speech", {"input_cost_per_character": 1.5e-05}, (None, 15 * 10**9)),
        ("image_generation", {"output_cost_per_image": 0.04}, (None, None, 40 * 10**12)),
        ("image_generation", {"input_cost_per_image": 0.02}, (None, None, 20 * 10**12)),
        ("image_generation", {"output_cost_per_image": 0.04, "output_cost_per_image_4K": 0.1}, None),
        ("image_generation", {"output_cost_per_image": 0.04, "input_cost_per_pixel": 1e-09}, None),
        ("image_generation", {"output_cost_per_image": 0.0}, None),
        (
            "rerank",
            {"input_cost_per_query": 0.002, "input_cost_per_token": 0.0},
            (None, None, None, 2 * 10**12),
        ),
        ("embedding", {"input_cost_per_query": 0.002}, None),
    ],
)
def test_what_is_not_priced_by_tokens(
    tmp_path: Path, mode: str, row: dict[str, object], rates: tuple[int | None, ...] | None
) -> None:
    sheet = read_sheet("acme", "m", read(tmp_path, {"mode": mode, **row}), 1)
    if rates is None:
        assert sheet is None
    else:
        assert sheet is not None
        assert sheet[0].rates == (*(None,) * 9, *rates, *(None,) * (4 - len(rates)))


def test_kinds_of_images_are_no_models(tmp_path: Path) -> None:
    made = {"litellm_provider": "acme", "mode": "image_generation"}
    rows = {
        "acme/art": {**made, "output_cost_per_image": 0.04},
        "acme/hd/1024-x-1792/art": {**made, "output_cost_per_image": 0.12},
        "acme/standard/1024-x-1024/art": {**made, "input_cost_per_image": 0.05},
        "acme/512-x-512/50-steps/other": {**made, "output_cost_per_image": 0.02},
    }
    page = read_map(wheel(tmp_path, rows))["acme"]
    assert set(page) == {"art"}
    sheet = read_sheet("acme", "art", page["art"], 1)
    assert sheet is not None
    assert sheet[0].images == (("1024x1024", 50 * 10**12), ("hd/1024x1792", 120 * 10**12))
    assert sheet[0].render()[-1] == dict(sheet[0].images)


def test_facts(tmp_path: Path) -> None:
    row = read(
        tmp_path,
        {
            "max_input_tokens": 1000,
            "max_output_tokens": "50",
            "supports_vision": True,
            "supports_function_calling": True,
            "supports_reasoning": False,
            "deprecation_date": "2027-01-14",
        },
    )
    assert read_facts(row) == Facts(1000, 50, ("text", "image"), ("tools", "vision"), "chat", "2027-01-14")


def test_the_first_source_wins_and_the_difference_is_reported(tmp_path: Path) -> None:
    prices = (10**9, 2 * 10**9, *(None,) * 11)
    page = ProviderPage({"m": Entry((Row(0, "", None, None, 0, prices),), None)})
    rows = read_map(
        wheel(tmp_path, {"acme/m": {**CHAT, "input_cost_per_token": 9e-06, "output_cost_per_token": 2e-06}})
    )
    lines = merge({"acme": page}, rows, "2026-11-21")
    assert lines == ["disagree acme/m: input 1 / 9 USD/M (genai-prices / litellm)"]
    sheet = page.models["m"].sheet
    assert sheet is not None
    assert sheet[0].rates == prices


def test_a_rerun_is_the_same_byte_for_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = wheel(
        tmp_path, {"acme/m": {**CHAT, "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}}
    )
    out = tmp_path / "catalog.json.gz"
    arguments = ["--litellm-wheel", str(path), "--date", "2026-11-21", "--out", str(out)]
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    document = json.loads(gzip.decompress(out.read_bytes()))
    assert document["providers"]["acme"]["models"] == {"m": [0, 0]}
    assert [source["version"] for source in document["sources"]][1] == "1.106.2"


def test_the_compromised_release_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--litellm-wheel", str(tmp_path / "litellm-1.107.0-py3-none-any.whl"), "--date", "2026-11-21"])
    assert "1.107.0" in capsys.readouterr().err
