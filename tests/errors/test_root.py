from __future__ import annotations

from waypost.errors import GatewayError


def test_what_an_error_carries() -> None:
    error = GatewayError("It broke.", param="model", retry_after_s=2.0)
    assert (str(error), error.message, error.param, error.retry_after_s) == (
        "It broke.",
        "It broke.",
        "model",
        2.0,
    )
    assert (error.status, error.code, error.repeatable) == (500, "internal_error", False)
