from __future__ import annotations

import msgspec
from openai.types import Model

from transcript import Stage, provider, target
from waypost.app.models_list import ModelsList
from waypost.catalog.override import override
from waypost.config.snapshot import Route, Snapshot
from waypost.core.facts import ModelFacts
from waypost.core.key import Key
from waypost.core.rules import Standing

ALL = Key(key_id="k", name="app", digest=b"", hint="", created_at=0)


def snapshot(version: int = 1) -> Snapshot:
    known = target(provider(), facts=ModelFacts(context=128_000, max_output=4096, features=("tools",)))
    unknown = target(provider("p2"), "m2", tariff=None)
    routes = {
        "fast": Route("fast", (known, unknown)),
        "p2/m2": Route("p2/m2", (unknown,), kind="discovered"),
        "route/smart": Route("route/smart", (known, known), kind="route"),
    }
    return msgspec.structs.replace(Stage().snapshot, version=version, routes=routes)


def rows(body: bytes) -> list[dict[str, object]]:
    decoded: dict[str, list[dict[str, object]]] = msgspec.json.decode(body)
    return decoded["data"]


def test_the_list_is_openais_and_says_what_is_known() -> None:
    body = ModelsList().render(snapshot(), Standing(ALL), 0.0)
    fast, other, smart = rows(body)
    assert Model.model_validate(fast).id == "fast"
    assert (fast["context_length"], fast["max_output_tokens"], fast["features"]) == (128_000, 4096, ["tools"])
    assert fast["targets"] == ["p1/m1", "p2/m2"]
    assert fast["pricing"] == {"input": 0.001, "output": 0.01, "cache_read": 0.001}
    assert (other["owned_by"], other["pricing"]) == ("p2", None)
    assert (smart["id"], smart["owned_by"], smart["targets"]) == ("route/smart", "waypost", ["p1/m1"])


def test_the_list_has_the_fields_anthropics_client_pages_by() -> None:
    page = msgspec.json.decode(ModelsList().render(snapshot(), Standing(ALL), 0.0))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("fast", "route/smart", False)
    assert {"type", "display_name", "created_at", "lifecycle", "max_tokens"} <= set(page["data"][0])


def test_geminis_client_finds_its_own_fields() -> None:
    page = msgspec.json.decode(ModelsList().render(snapshot(), Standing(ALL), 0.0, gemini=True))
    assert set(page) == {"models"}
    fast = page["models"][0]
    assert (fast["name"], fast["inputTokenLimit"], fast["outputTokenLimit"]) == ("models/fast", 128_000, 4096)
    assert "generateContent" in fast["supportedGenerationMethods"]


def test_a_key_sees_what_it_may_use() -> None:
    listing = ModelsList()
    limited = msgspec.structs.replace(ALL, models=("p2/*",))
    assert [row["id"] for row in rows(listing.render(snapshot(), Standing(limited), 0.0))] == ["p2/m2"]
    assert len(rows(listing.render(snapshot(), Standing(ALL), 0.0))) == 3
    none = msgspec.structs.replace(ALL, models=("nothing",))
    assert rows(listing.render(snapshot(), Standing(none), 0.0)) == []


def test_a_new_configuration_is_a_new_list() -> None:
    listing = ModelsList()
    before = listing.render(snapshot(1), Standing(ALL), 0.0)
    assert listing.render(snapshot(1), Standing(ALL), 0.0) is before
    changed = msgspec.structs.replace(snapshot(2), routes={})
    assert rows(listing.render(changed, Standing(ALL), 0.0)) == []


def test_every_list_has_to_allow_what_is_shown() -> None:
    listing = ModelsList()
    open_to_all = rows(listing.render(snapshot(), Standing(ALL), 0.0))
    team = Standing(ALL, models=(("p2/*", "fast"), ("p2/*",)), whose=("", ""))
    assert len(open_to_all) == 3
    assert [row["id"] for row in rows(listing.render(snapshot(), team, 0.0))] == ["p2/m2"]


def test_a_markup_is_shown_beside_the_price_that_is_charged() -> None:
    before = snapshot()
    marked = target(msgspec.structs.replace(provider(), markup=50_000))
    made = msgspec.structs.replace(before, routes={"fast": Route("fast", (marked,))})
    (fast,) = rows(ModelsList().render(made, Standing(ALL), 0.0))
    assert fast["pricing"] == {
        "input": 0.00105,
        "output": 0.0105,
        "cache_read": 0.00105,
        "markup": "5%",
        "upstream": {"input": 0.001, "output": 0.01, "cache_read": 0.001},
    }


def test_what_is_not_priced_by_tokens() -> None:
    heard = target(provider(), tariff=override({"audio_per_minute": "0.006", "images": {"hd": 0.08}}, "x"))
    made = msgspec.structs.replace(snapshot(), routes={"fast": Route("fast", (heard,))})
    (fast,) = rows(ModelsList().render(made, Standing(ALL), 0.0))
    assert fast["pricing"] == {"audio_per_minute": 0.006, "images": {"hd": 0.08}}
