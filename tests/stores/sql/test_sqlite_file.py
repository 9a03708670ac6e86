from waypost.stores.sql.sqlite_file import pragmas


def test_only_fsync_waits_for_the_disk_at_each_commit():
    assert "synchronous=NORMAL" in pragmas("process")
    assert "synchronous=FULL" in pragmas("fsync")
    assert all("journal_mode=WAL" in pragmas(durability) for durability in ("process", "fsync"))
