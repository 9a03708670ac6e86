from __future__ import annotations

from waypost.config.faults import Faults
from waypost.config.load import load_bytes


def test_a_fault_has_its_place_in_the_file() -> None:
    faults = Faults(load_bytes(b"providers:\n  - {name: a, preset: openai}\n"))
    faults.add(("providers", 0, "preset"), "no", expected="yes", hint="do")
    (problem,) = faults.found
    assert (problem.line, problem.column, problem.path) == (2, 23, "providers[0].preset")
    assert (problem.message, problem.expected, problem.hint) == ("no", "yes", "do")
