"""A locked list is accepted only when it is pins and hashes, and nothing that names a place."""

from __future__ import annotations

import pytest

from tools import lock

HASH = f"    --hash=sha256:{'0' * 64}\n"


def test_pins_markers_and_hashes_are_accepted() -> None:
    text = f"a==1.0 \\\n{HASH}backports-zoneinfo==0.2 ; sys_platform == 'win32' \\\n{HASH}"
    assert lock.faults(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.invalid/simple",
        "--find-links /opt/wheels",
        "--cert /etc/ssl/ca.pem",
        "--trusted-host mirror.example.com",
        "a @ https://example.invalid/a.whl",
        "# made from files.example.org",
        "a>=1.0 \\",
        "a==1.0",
    ],
)
def test_anything_else_is_refused_with_its_line(line: str) -> None:
    found = lock.faults(f"a==1.0 \\\n{HASH}{line}\n")
    assert [fault.partition(":")[0] for fault in found] == ["line 3"]


def test_a_list_without_a_hash_is_refused() -> None:
    assert lock.faults("a==1.0 \\\n") == ["holds no hash"]


def test_every_list_agrees_with_the_ones_made_before_it() -> None:
    made: list[str] = []
    for name, (_, agree) in lock.LISTS.items():
        assert set(agree) <= set(made)
        made.append(name)


def test_no_package_is_pinned_at_two_versions_across_the_lists() -> None:
    pins: dict[str, set[str]] = {}
    for name in lock.LISTS.keys() - lock.APART:
        for line in (lock.FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
            if "==" in line and " ; " not in line and not line.startswith(" "):
                package, _, version = line.removesuffix(" \\").partition("==")
                pins.setdefault(package, set()).add(version)
    assert {package: found for package, found in pins.items() if len(found) > 1} == {}


def test_the_program_takes_one_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert lock.main(["--offline"]) == 2
    assert "usage" in capsys.readouterr().err
