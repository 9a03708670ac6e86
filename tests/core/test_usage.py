from __future__ import annotations

import msgspec

from waypost.core.usage import Usage, sum_usage


def test_usages_add_up() -> None:
    one = Usage(1, 2, 3, 4, 5, 6, 7, 8, "partial", 9)
    other = Usage(10, 20, 30, 40, 50, 60, 70, 80, "reported", 90)
    assert sum_usage(one, other) == Usage(11, 22, 33, 44, 55, 66, 77, 88, "partial", 99)
    assert sum_usage(other, msgspec.structs.replace(one, charged_nusd=None)).charged_nusd is None
    assert sum_usage(other, Usage(source="estimated")).source == "estimated"
