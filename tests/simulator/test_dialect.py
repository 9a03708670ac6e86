from waypost.simulator.dialect import Lock, Request


def test_headers_of_a_request() -> None:
    request = Request("GET", "/", "", {b"x-a": b"\xe9"}, b"")
    assert (request.header("x-a"), request.header("x-b")) == ("é", "")


def test_locks() -> None:
    assert Lock().opens("anything")
    assert Lock("key").opens("key")
    assert not Lock("key").opens("kéy")
