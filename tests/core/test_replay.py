import msgspec

from waypost.core.replay import Replay


def test_the_key_text_has_no_place_in_it():
    assert "text" not in Replay.__struct_fields__
    one = Replay(
        "k1", b"d" * 32, b"f" * 32, "x1", 200, ((b"content-type", b"text/plain"),), b"Hi", False, 1.0
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Replay) == one
