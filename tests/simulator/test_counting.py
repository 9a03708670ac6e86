from waypost.simulator.counting import Count, object_words, words


def test_words() -> None:
    assert [words(given) for given in ("", " a  b ", None, 3, ["a"])] == [0, 2, 0, 0, 0]
    assert object_words({"b": "two words", "a": 1}) == 2


def test_marks_know_what_stands_before_them() -> None:
    one, other, third = Count(), Count(), Count()
    for count, last in ((one, "x"), (other, "x"), (third, "y")):
        count.add(2, {"a": 1, "b": 2})
        count.mark()
        count.add(1, last)
        count.mark(3600)
    assert one.marks == other.marks
    assert one.marks[0] == third.marks[0]
    assert one.marks[1].digest != third.marks[1].digest
    assert [(mark.tokens, mark.ttl_s) for mark in one.marks] == [(2, 300), (3, 3600)]
