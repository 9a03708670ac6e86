from waypost.simulator.ask import Mark
from waypost.simulator.cache import COLD, MAX_KNOWN, Cached, PromptCache

FIRST, SECOND = Mark(b"1", 10), Mark(b"2", 30)


def test_what_was_written_is_read_until_its_time_is_over() -> None:
    cache = PromptCache()
    assert cache.look("m", [FIRST, SECOND], 0.0) == Cached(write=30)
    assert cache.look("m", [FIRST, SECOND], 299.0) == Cached(read=30)
    assert cache.look("m", [FIRST], 598.0) == Cached(read=10)
    assert cache.look("m", [FIRST, SECOND], 1000.0) == Cached(write=30)


def test_a_longer_prompt_reads_its_known_beginning() -> None:
    cache = PromptCache()
    cache.look("m", [FIRST], 0.0)
    assert cache.look("m", [FIRST, Mark(b"3", 50, 3600)], 1.0) == Cached(read=10, write_1h=40)
    assert cache.look("m", [Mark(b"3", 50, 3600)], 3000.0) == Cached(read=50)


def test_models_do_not_share() -> None:
    cache = PromptCache()
    cache.look("m", [FIRST], 0.0)
    assert cache.look("n", [FIRST], 0.0) == Cached(write=10)
    assert cache.look("m", [], 0.0) == COLD


def test_it_stays_bounded() -> None:
    cache = PromptCache()
    for number in range(MAX_KNOWN + 1):
        cache.look("m", [Mark(b"%d" % number, 1)], 0.0)
    assert cache.look("m", [Mark(b"1", 1)], 1.0) == Cached(read=1)
    assert cache.look("m", [Mark(b"0", 1)], 1.0) == Cached(write=1)
