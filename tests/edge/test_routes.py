"""The route table."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.rig import PlainDialect
from waypost.core.asked import PathAsk
from waypost.dialects.dialect import Dialect, Entry
from waypost.dialects.registry import DIALECTS
from waypost.edge.routes import Routes, allow, check_method
from waypost.errors import MethodNotAllowed, NotFound

ROUTES = Routes([cast(Dialect, PlainDialect("/chat/completions", "chat"))])


@pytest.mark.parametrize(
    ("path", "purpose"),
    [
        ("/", "hello"),
        ("/livez", "live"),
        ("/readyz", "ready"),
        ("/healthz/", "health"),
        ("/metrics", "metrics"),
        ("/v1/models", "models"),
        ("/models/", "models"),
        ("/api/v1/models", "models"),
        ("/v1beta/models", "models"),
        ("/v1beta/models/gemini/x", "model"),
        ("/v1/responses/resp_1", "response"),
        ("/responses/resp_1/input_items", "response_items"),
        ("/v1/responses/resp_1/cancel", "response_cancel"),
        ("/v1/chat/completions", "call"),
    ],
)
def test_purposes(path: str, purpose: str) -> None:
    assert ROUTES.find(path).purpose == purpose


@given(st.text(min_size=1).filter(lambda text: text.strip("/") and not text.endswith("/")))
def test_a_model_id_is_all_that_follows(model: str) -> None:
    assert ROUTES.find(f"/v1/models/{model}").model == model


@given(st.text())
def test_every_path_is_a_route_or_not_found(path: str) -> None:
    try:
        route = ROUTES.find(path)
    except NotFound as error:
        told = error.message
    else:
        told = "GET / lists"
        assert route.dialect is None or path.rstrip("/").endswith("/chat/completions")
    assert "GET / lists" in told


def test_methods() -> None:
    call = ROUTES.find("/chat/completions")
    check_method(call, "POST")
    with pytest.raises(MethodNotAllowed, match="takes POST, not DELETE"):
        check_method(call, "DELETE")
    assert allow(ROUTES.find("/livez")) == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/chat/completion", "Was it POST /v1/chat/completions?"),
        ("/openai/v1/chat/completions", "Was it POST /v1/chat/completions?"),
        ("/v1/modls", "Was it GET /v1/models?"),
        ("/wp-login.php", "GET / lists those that there are."),
        ("/" + "x" * 8000, "GET / lists those that there are."),
    ],
)
def test_a_path_that_does_not_exist_is_answered_with_the_one_that_was_meant(path: str, said: str) -> None:
    with pytest.raises(NotFound) as caught:
        Routes(DIALECTS.values()).find(path)
    assert said in caught.value.message
    assert len(caught.value.message) < 200


def test_a_model_in_the_path_is_read_with_what_its_entry_says() -> None:
    dialect = PlainDialect("/x", "chat")
    dialect.entries = (
        Entry("/v1beta/models/{model}:ask", mounted=False),
        Entry("/v1beta/models/{model}:stream", stream=True, form="sse", mounted=False),
    )
    routes = Routes([cast(Dialect, dialect)])
    asked = routes.find("/v1beta/models/tuned/a:b:stream")
    assert asked.purpose == "call"
    assert asked.path == PathAsk("tuned/a:b", True, "sse")
    assert asked.with_query(b"alt=sse").query == b"alt=sse"
    assert routes.find("/v1beta/models/tuned/a").purpose == "model"
    assert routes.find("/v1beta/models/:ask").purpose == "model", "no id is no call"
    assert "POST /v1beta/models/{model}:ask" in routes.shown


def test_what_hangs_on_a_response_and_how_it_may_be_asked() -> None:
    assert ROUTES.find("/v1/responses/resp_1").response_id == "resp_1"
    assert allow(ROUTES.find("/v1/responses/resp_1")) == "DELETE, GET"
    assert allow(ROUTES.find("/v1/responses/resp_1/cancel")) == "POST"
    with pytest.raises(NotFound):
        ROUTES.find("/v1/responses/resp_1/elsewhere")


def test_the_calls_without_a_model_in_their_path() -> None:
    with_model = cast(Dialect, PlainDialect("/models/{model}:ask", "chat"))
    calls = dict(Routes([cast(Dialect, PlainDialect("/chat/completions", "chat")), with_model]).calls())
    assert set(calls) == {"/v1/chat/completions", "/chat/completions", "/api/v1/chat/completions"}
    assert calls["/chat/completions"].operation == "chat"
