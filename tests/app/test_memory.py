from __future__ import annotations

import resource
from pathlib import Path

import pytest

from waypost.app.memory import Memory, MemoryReader, resident_bytes

PAGE = resource.getpagesize()


def machine(root: Path, group: str, **files: str) -> MemoryReader:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(group)
    (root / "proc/self/statm").write_text("9000 100 50 1 0 99 0\n")
    (root / "proc/meminfo").write_text("MemFree: 1 kB\nMemTotal:       2048 kB\n")
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return MemoryReader(root)


def test_without_a_limit_the_process_and_the_machine_count(tmp_path: Path) -> None:
    reader = machine(tmp_path, "0::/\n", **{"memory.max": "max\n"})
    assert reader.read() == Memory(100 * PAGE, 2048 * 1024)
    assert reader.read(limit=10**6) == Memory(100 * PAGE, 10**6)


def test_a_group_counts_all_of_it_but_the_file_cache_and_the_lowest_limit_counts(tmp_path: Path) -> None:
    reader = machine(
        tmp_path,
        "0::/pods/one\n",
        **{
            "pods/one/memory.max": "5000\n",
            "pods/memory.max": "4000\n",
            "pods/memory.current": "3000\n",
            "pods/memory.stat": "anon 1\ninactive_file 800\nactive_file 7\n",
        },
    )
    assert reader.read() == Memory(2200, 4000)
    assert reader.read(limit=10**6) == Memory(100 * PAGE, 10**6)


def test_version_one(tmp_path: Path) -> None:
    reader = machine(
        tmp_path,
        "12:cpu,cpuacct:/x\n4:memory:/docker/abc\n",
        **{
            "memory/docker/abc/memory.limit_in_bytes": "6000\n",
            "memory/docker/abc/memory.usage_in_bytes": "5000\n",
            "memory/docker/abc/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert reader.read() == Memory(4500, 6000)


def test_a_group_without_statistics_counts_whole(tmp_path: Path) -> None:
    reader = machine(tmp_path, "0::/\n", **{"memory.max": "6000\n", "memory.current": "5000\n"})
    assert reader.read() == Memory(5000, 6000)


def test_another_system_tells_the_most_it_has_been(tmp_path: Path) -> None:
    assert MemoryReader(tmp_path).read().limit == 0
    assert resident_bytes(tmp_path) == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux only")
def test_this_process_has_a_plausible_size() -> None:
    assert 10**7 < resident_bytes() < 10**11
