"""What `edge/protocol.py` relies on inside uvicorn. When one of these fails after an update of uvicorn, read its
httptools protocol again before changing the test."""

from __future__ import annotations

import gc
import inspect

import httptools
import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from edge.rig import Rig, get, post, until
from waypost.edge.intake import EdgeConfig, Intake
from waypost.edge.outlet import Outlet
from waypost.edge.protocol import EdgeProtocol
from waypost.edge.socket import Upgradable

EXTENDED = {
    "__init__",
    "connection_made",
    "connection_lost",
    "pause_writing",
    "resume_writing",
}
REPLACED = {
    "data_received",
    "on_message_begin",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "_start_asgi_task",
    "shutdown",
}


def test_nothing_else_of_uvicorn_is_overridden() -> None:
    ours = {
        name
        for name in {**vars(EdgeProtocol), **vars(Outlet), **vars(Upgradable), **vars(Intake)}
        if name in dir(HttpToolsProtocol) and not name.startswith("__")
    }
    assert ours == (EXTENDED | REPLACED) - {"__init__"}


@pytest.mark.parametrize("name", sorted((EXTENDED | REPLACED) - {"__init__"}))
def test_overrides_keep_the_signature(name: str) -> None:
    theirs = inspect.signature(getattr(HttpToolsProtocol, name)).parameters
    assert list(inspect.signature(getattr(EdgeProtocol, name)).parameters) == list(theirs)


def test_the_replaced_methods_still_do_what_ours_do_instead() -> None:
    ended = set(HttpToolsProtocol.on_response_complete.__code__.co_names)
    assert ended == {
        "server_state",
        "total_requests",
        "transport",
        "is_closing",
        "_unset_keepalive_if_required",
        "flow",
        "resume_reading",
        "pipeline",
        "pop",
        "_start_asgi_task",
        "loop",
        "call_later",
        "timeout_keep_alive",
        "timeout_keep_alive_handler",
        "timeout_keep_alive_task",
    }
    shut = set(HttpToolsProtocol.shutdown.__code__.co_names)
    assert shut == {"cycle", "response_complete", "transport", "close", "keep_alive"}


def test_a_request_is_still_made_of_the_same_steps() -> None:
    assert set(HttpToolsProtocol.on_message_begin.__code__.co_names) == {
        *("url", "expect_100_continue", "headers", "scope"),
        *("asgi_version", "server", "client", "scheme", "root_path", "app_state", "copy"),
    }
    assert set(HttpToolsProtocol.on_header.__code__.co_names) == {
        "lower",
        "expect_100_continue",
        "headers",
        "append",
    }
    assert set(HttpToolsProtocol.on_headers_complete.__code__.co_names) == {
        *("parser", "get_http_version", "get_method", "decode", "scope", "should_upgrade", "_should_upgrade"),
        *(
            "httptools",
            "parse_url",
            "url",
            "path",
            "urllib",
            "parse",
            "unquote",
            "root_path",
            "encode",
            "query",
        ),
        *(
            "limit_concurrency",
            "len",
            "connections",
            "tasks",
            "service_unavailable",
            "logger",
            "warning",
            "app",
        ),
        *(
            "cycle",
            "RequestResponseCycle",
            "transport",
            "flow",
            "access_logger",
            "access_log",
            "server_state",
        ),
        *("default_headers", "asyncio", "Event", "expect_100_continue", "should_keep_alive"),
        *("on_response_complete", "response_complete", "_start_asgi_task", "pause_reading", "pipeline"),
        "appendleft",
    }
    for name, more in (
        ("on_body", {"body", "len", "HIGH_WATER_LIMIT", "flow", "pause_reading"}),
        ("on_message_complete", {"more_body"}),
    ):
        theirs = set(getattr(HttpToolsProtocol, name).__code__.co_names)
        assert theirs == more | {
            *("parser", "should_upgrade", "_should_upgrade", "cycle", "response_complete"),
            *("message_event", "set"),
        }
    assert set(HttpToolsProtocol._start_asgi_task.__code__.co_names) == {
        *("config", "reset_contextvars", "sys", "version_info", "loop", "create_task", "run_asgi"),
        *("contextvars", "Context", "run", "add_done_callback", "tasks", "discard", "add"),
    }
    made = inspect.signature(RequestResponseCycle).parameters
    assert set(made) == {
        *("scope", "transport", "flow", "logger", "access_logger", "access_log", "default_headers"),
        *("message_event", "expect_100_continue", "keep_alive", "on_response"),
    }


async def test_the_state_that_is_read_and_set_exists() -> None:
    async with Rig().serving() as rig:
        client = await rig.connect()
        whole = post(b"{}")
        client.send(whole[:-1])
        assert rig.server is not None
        connections = rig.server.server_state.connections
        await until(lambda: any(isinstance(each, EdgeProtocol) and each.cycle for each in connections))
        (connection,) = connections
        assert isinstance(connection, EdgeProtocol)
        cycle = connection.cycle
        assert isinstance(cycle, RequestResponseCycle)
        for name in ("disconnected", "keep_alive", "more_body", "response_started", "response_complete"):
            assert isinstance(getattr(cycle, name), bool)
        assert cycle.transport is connection.transport
        assert isinstance(cycle.body, bytearray)
        assert isinstance(connection.flow, FlowControl)
        assert connection.flow.read_paused is False
        assert connection.flow.write_paused is False
        assert connection.timeout_keep_alive_task is None
        assert connection.scope["path"] == "/v1/chat/completions"
        client.send(whole[-1:])
        assert (await client.answer()).status == 200


async def test_an_answered_request_is_let_go_of() -> None:
    """Ten thousand connections that wait hold nothing of what they asked last."""
    async with Rig().serving() as rig:
        client = await rig.connect()
        assert rig.server is not None
        for _ in range(3):
            client.send(post(b"{}"))
            await client.answer()
            (connection,) = rig.server.server_state.connections
            assert isinstance(connection, EdgeProtocol)
            await until(lambda: connection._running is None)  # noqa: B023 - waited for here
            assert connection.cycle is None
            assert connection.scope is None
        rig.pipeline.calls.clear()
        gc.collect()
        assert not [each for each in gc.get_objects() if isinstance(each, RequestResponseCycle)]


async def test_a_connection_has_no_dictionary_of_its_own() -> None:
    """CPython 3.11 keeps up to 30 attributes of an instance beside it; with more, each has a dictionary."""
    made = EdgeProtocol(_config(), ServerState(), {})
    assert len(vars(made)) < 30
    assert set(vars(made)) <= set(vars(HttpToolsProtocol(_config(), ServerState(), {}))) | {"url"}


def _config() -> EdgeConfig:
    config = EdgeConfig(lambda: None, http=EdgeProtocol, ws="none", log_config=None)
    config.load()
    return config


async def test_answers_end_through_the_cycles_own_transport() -> None:
    """`close_after` swaps it, so that an answer to an unread body is closed softly."""
    async with Rig().serving() as rig:
        client = await rig.connect()
        client.send(post(b"{}", "/nothing")[:-1])
        assert (await client.answer()).headers[b"connection"] == b"close"
        assert await client.rest() == b""


async def test_a_closed_connection_leaves_nothing_in_the_server() -> None:
    async with Rig().serving() as rig:
        for _ in range(20):
            client = await rig.connect()
            client.send(get("/livez"))
            await client.answer()
            await client.close()
        assert rig.server is not None
        state = rig.server.server_state
        await until(lambda: not state.connections and not state.tasks)


def test_the_parser_tells_where_an_upgrade_begins() -> None:
    parser = httptools.HttpRequestParser(object())
    data = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}"
    with pytest.raises(httptools.HttpParserUpgrade) as offered:
        parser.feed_data(data)
    assert data[offered.value.args[0] :] == b"{}"
