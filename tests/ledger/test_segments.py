from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from waypost.ledger.segments import Kind, listed, next_number, number_of, parse, path_of, render

payloads = st.binary(max_size=80).filter(lambda data: b"\n" not in data)
records = st.lists(st.tuples(st.sampled_from(Kind), payloads), max_size=12)


@given(records)
def test_what_is_rendered_is_parsed(written):
    data = b"".join(render(kind, payload) for kind, payload in written)

    assert [(line.kind, line.payload) for line in parse(data)] == written
    assert [line.number for line in parse(data)] == list(range(1, len(written) + 1))


@given(records, st.integers(0, 2000))
def test_a_cut_file_has_its_whole_lines_and_at_most_one_torn_one(written, cut):
    lines = [render(kind, payload) for kind, payload in written]
    data = b"".join(lines)[:cut]
    whole = data.count(b"\n")
    found = list(parse(data))

    assert [(line.kind, line.payload) for line in found[:whole]] == written[:whole]
    assert [(line.kind, line.last) for line in found[whole:]] in ([], [(None, True)])


@given(st.sampled_from(Kind), payloads, st.data())
def test_a_flipped_bit_is_noticed(kind, payload, data):
    line = render(kind, payload)
    place, bit = data.draw(st.integers(0, len(line) - 2)), data.draw(st.integers(0, 7))
    broken = bytearray(line)
    broken[place] ^= 1 << bit

    assert all(found.kind is None for found in parse(bytes(broken)))


def test_file_names_carry_numbers_that_are_never_used_twice(tmp_path: Path):
    for number in (3, 11):
        path_of(tmp_path, number).touch()
    (tmp_path / "0000000020.intents.damaged").touch()
    (tmp_path / "notes.txt").touch()

    assert [number_of(path.name) for path in listed(tmp_path)] == [3, 11]
    assert number_of("notes.txt") is None
    assert next_number(tmp_path, {}) == 21
    assert next_number(tmp_path, {"0000000040.intents": 5}) == 41
