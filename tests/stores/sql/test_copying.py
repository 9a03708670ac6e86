from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import examples
from postgres_server import PostgresServer
from waypost.errors import Bug
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.copying import render_rows
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.variables import URL


def test_the_format() -> None:
    rows = [("a\tb\\c\nd\re", None, 7, -1.5, True, False, b"\x00\xff"), ("",)]
    assert render_rows(rows) == b"a\\tb\\\\c\\nd\\re\t\\N\t7\t-1.5\tt\tf\t\\\\x00ff\n\n"
    assert render_rows([]) == b""
    assert render_rows([("a\x00b",)]) == "a\N{REPLACEMENT CHARACTER}b\n".encode()


def test_a_value_that_no_column_has() -> None:
    with pytest.raises(Bug, match="list"):
        render_rows([([],)])


@pytest.mark.process
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False),
            st.none() | st.booleans(),
            st.none() | st.binary(),
        ),
        max_size=5,
    )
)
def test_what_is_copied_in_is_read_as_it_was(
    postgres: PostgresServer, rows: list[tuple[object, ...]]
) -> None:
    where = postgres.shared_database()
    wire = Connector(parse_address(where[URL]), secret_from(where)).connect()
    try:
        cursor = wire.cursor()
        cursor.execute(
            "CREATE TEMPORARY TABLE t (n serial, a text, b bigint, c double precision, d boolean, e bytea)"
        )
        cursor.execute("COPY t (a, b, c, d, e) FROM STDIN", stream=BytesIO(render_rows(rows)))
        cursor.execute("SELECT a, b, c, d, e FROM t ORDER BY n")
        assert [tuple(row) for row in cursor.fetchall()] == rows
    finally:
        wire.close()
