from __future__ import annotations

import msgspec

from waypost.core.usage import Units, Usage, image_kind, sum_usage, with_asked


def test_usages_add_up() -> None:
    one = Usage(1, 2, 3, 4, 5, 6, 7, 8, "partial", 9)
    other = Usage(10, 20, 30, 40, 50, 60, 70, 80, "reported", 90)
    assert sum_usage(one, other) == Usage(11, 22, 33, 44, 55, 66, 77, 88, "partial", 99)
    assert sum_usage(other, msgspec.structs.replace(one, charged_nusd=None)).charged_nusd is None
    assert sum_usage(other, Usage(source="estimated")).source == "estimated"


def test_what_is_not_counted_in_tokens_adds_up() -> None:
    one, other = Usage(units=Units(1, 2, 3, 4, "hd")), Usage(units=Units(10, 20, 30, 40, "hd"))
    assert sum_usage(one, other).units == Units(11, 22, 33, 44, "hd")
    assert sum_usage(one, Usage()).units == sum_usage(Usage(), one).units == one.units
    assert sum_usage(one, Usage(units=Units(images=1))).units == Units(1, 2, 4, 4)


def test_what_is_not_counted_is_taken_as_it_was_asked_for() -> None:
    asked = Units(images=3, image="hd")
    assert with_asked(Usage(1), asked) == Usage(1, units=asked)
    assert with_asked(Usage(units=Units(images=2)), asked).units == Units(images=2, image="hd")
    for told in (Usage(units=Units(images=2, image="low")), Usage(units=Units(searches=1))):
        assert with_asked(told, asked) is told
    assert with_asked(told, None) is told


def test_kinds_of_images_have_one_spelling() -> None:
    said = (("hd", "1024X1792"), ("standard", "1024x1024"), ("auto", "auto"), (None, None), ("low", None))
    assert [image_kind(*each) for each in said] == ["hd/1024x1792", "1024x1024", "", "", "low"]
    assert image_kind("a/b", "1024x1024") == image_kind("x\x00", None) == "other"
