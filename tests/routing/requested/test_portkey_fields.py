from __future__ import annotations

import msgspec
import pytest

from waypost.config.nodes import Overlay
from waypost.errors import InvalidRequest
from waypost.routing.requested.portkey_fields import RETRIED, Asks, Level, named


def level(path: str = "c", **fields: object) -> Level:
    return Level(msgspec.Raw(msgspec.json.encode(fields)), path)


@pytest.mark.parametrize(
    "field",
    ["cache", "cb_config", "strict_open_ai_compliance", "fetch_integrated_models", "passthrough"],
)
def test_what_has_no_effect_is_taken_and_named(field: str) -> None:
    assert field in level(**{field: {"mode": "simple"}}).check()[0]


@pytest.mark.parametrize(
    "field",
    [
        "input_guardrails", "output_guardrails", "before_request_hooks", "after_request_hooks", "input_mutators",
        "output_mutators", "prompt_id", "forward_headers", "custom_host",
    ],
)  # fmt: skip
def test_what_would_be_another_answer_is_refused_unless_empty(field: str) -> None:
    for empty in (None, [], {}, "", False):
        assert level(**{field: empty}).check() == []
    for given in (["x"], {"a": 1}, "x", True):
        with pytest.raises(InvalidRequest) as caught:
            level("c.targets[0]", **{field: given}).check()
        assert caught.value.param == f"c.targets[0].{field}"


@pytest.mark.parametrize(
    "field",
    [
        "api_key", "aws_secret_access_key", "aws_region", "azure_ad_token", "azure_foundry_url", "resource_name",
        "vertex_service_account_json", "vertex_region", "openai_organization", "workers_ai_account_id",
        "huggingface_base_url", "amzn_sagemaker_model_name", "oracle_region", "databricks_workspace",
        "stability_client_id", "anthropic_beta", "authorization",
    ],
)  # fmt: skip
def test_credentials_and_hosts_of_clients_are_never_taken(field: str) -> None:
    for value in ("secret-value", "", {"a": "secret-value"}):
        with pytest.raises(InvalidRequest) as caught:
            level(**{field: value}).check()
        assert caught.value.param == f"c.{field}"
        assert "credentials" in caught.value.message
        assert "secret-value" not in caught.value.message


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        level(retrys={}).check()
    assert caught.value.param == "c.retrys"


def test_null_is_not_there() -> None:
    assert level(provider=None, unheard=None).fields == {}


@pytest.mark.parametrize(
    ("written", "parts"), [(1, 10**6), (0.1, 10**5), (0, 0), (1e-9, 1), ("2.5", 2_500_000)]
)
def test_weights_are_exact(written: object, parts: int) -> None:
    assert level(weight=written).weight() == parts
    assert level().weight() == 10**6


@pytest.mark.parametrize("written", [-1, 10**7, "many", [], True, 1e300])
def test_what_is_no_weight(written: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        level(weight=written).weight()
    assert caught.value.param == "c.weight"


@pytest.mark.parametrize(
    ("fields", "overlay"),
    [
        ({}, Overlay()),
        ({"retry": {"attempts": 3}}, Overlay(retries=3, retry_on=RETRIED)),
        (
            {"retry": {"attempts": 2, "on_status_codes": [429]}},
            Overlay(retries=2, retry_on=frozenset((429,))),
        ),
        ({"retry": {"use_retry_after_header": True}}, Overlay(retries=0, retry_on=RETRIED)),
        ({"retry": {"use_retry_after_headers": True}}, Overlay(retries=0, retry_on=RETRIED)),
        ({"request_timeout": 1500}, Overlay(timeout_s=1.5)),
        ({"override_params": {"seed": 1}}, Overlay(override={"seed": msgspec.Raw(b"1")})),
        ({"default_params": {"seed": 1}}, Overlay(default={"seed": msgspec.Raw(b"1")})),
        ({"drop_params": ["a.b", "tools[*].x"]}, Overlay(drop=("a.b", "tools[*].x"))),
    ],
)
def test_what_is_asked_of_targets(fields: dict[str, object], overlay: Overlay) -> None:
    assert Asks().beside(level(**fields)).overlay == overlay


def test_what_a_level_below_says_wins_field_by_field_or_whole() -> None:
    above = Asks().beside(
        level(
            override_params={"model": "up", "seed": 1, "n": 1},
            default_params={"top_p": 1},
            drop_params=["a"],
            retry={"attempts": 5, "on_status_codes": [500]},
            request_timeout=1000,
        )
    )
    same = above.beside(level())
    assert same == above
    below = above.beside(
        level(
            override_params={"seed": 2}, drop_params=["b"], retry={"attempts": 1}, default_params={"top_k": 2}
        )
    )
    assert below.model == "up"
    assert below.overlay == Overlay(
        override={"seed": msgspec.Raw(b"2"), "n": msgspec.Raw(b"1")},
        default={"top_p": msgspec.Raw(b"1"), "top_k": msgspec.Raw(b"2")},
        drop=("a", "b"),
        timeout_s=1.0,
        retries=1,
        retry_on=RETRIED,
    )
    assert above.beside(level(override_params={"model": "down"})).model == "down"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"retry": 3}, "c.retry"),
        ({"retry": {"attempts": 6}}, "c.retry.attempts"),
        ({"retry": {"attempts": -1}}, "c.retry.attempts"),
        ({"retry": {"on_status_codes": [99]}}, "c.retry.on_status_codes"),
        ({"retry": {"on_status_codes": 500}}, "c.retry.on_status_codes"),
        ({"retry": {"times": 1}}, "c.retry.times"),
        ({"retry": {"use_retry_after_header": 1}}, "c.retry.use_retry_after_header"),
        ({"request_timeout": 0}, "c.request_timeout"),
        ({"request_timeout": "1s"}, "c.request_timeout"),
        ({"override_params": []}, "c.override_params"),
        ({"override_params": {"model": 1}}, "c.override_params.model"),
        ({"override_params": {"stream": True}}, "c.override_params.stream"),
        ({"override_params": {"models": ["x"]}}, "c.override_params.models"),
        ({"override_params": {"Models": ["x"]}}, "c.override_params.Models"),
        ({"default_params": {"fallbacks": []}}, "c.default_params.fallbacks"),
        ({"default_params": {"provider": {}}}, "c.default_params.provider"),
        ({"override_params": {"preset": "x"}}, "c.override_params.preset"),
        ({"override_params": {"waypost": {}}}, "c.override_params.waypost"),
        ({"override_params": {"previous_response_id": "x"}}, "c.override_params.previous_response_id"),
        ({"override_params": {str(n): 1 for n in range(65)}}, "c.override_params"),
        ({"drop_params": "a"}, "c.drop_params"),
        ({"drop_params": ["a", "b["]}, "c.drop_params[1]"),
        ({"drop_params": ["model"]}, "c.drop_params[0]"),
        ({"drop_params": ["a"] * 65}, "c.drop_params"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Asks().beside(level(**fields))
    assert caught.value.param == param


def test_the_first_of_two_names_counts() -> None:
    assert named([level(name="a"), level(), level(name="b"), level(name="a")]) == {"a": 0, "b": 2}
