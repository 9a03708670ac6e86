from __future__ import annotations

from io import StringIO

import msgspec

from waypost.telemetry.logs import Log


def test_one_json_object_per_line_whatever_is_in_the_fields() -> None:
    stream = StringIO()
    Log(stream, lambda: 0.0).warning("odd", text='a\n"b"', count=3)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert msgspec.json.decode(lines[0]) == {
        "at": "1970-01-01T00:00:00.000+00:00",
        "level": "warning",
        "event": "odd",
        "text": 'a\n"b"',
        "count": 3,
    }


def test_a_fault_tells_where_and_never_what_the_exception_said() -> None:
    stream = StringIO()
    try:
        raise ValueError("sk-secret in the text")
    except ValueError as error:
        Log(stream, lambda: 0.0).fault("broke", error, exchange_id="x1")
    line = msgspec.json.decode(stream.getvalue())
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["stack"][0]
    assert "secret" not in stream.getvalue()


def test_plain_lines_for_a_terminal() -> None:
    stream = StringIO()
    Log(stream, lambda: 3600.0, plain=True).info("started", port=4100)
    Log(stream, lambda: 3600.0, plain=True).error("stopped")
    assert stream.getvalue() == "01:00:00 info    started  port=4100\n01:00:00 error   stopped\n"


def test_a_log_that_can_not_be_written_is_counted_and_stops_nothing() -> None:
    class Gone(StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    log = Log(Gone(), lambda: 0.0)
    log.info("unheard")
    assert log.lost == 1


def test_of_several_workers_each_line_says_whose_it_is() -> None:
    stream = StringIO()
    log = Log(stream, lambda: 3600.0, plain=True)
    log.worker = 2
    log.info("started", port=4100)
    assert stream.getvalue() == "01:00:00 info    started  worker=2 port=4100\n"
