import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from ledger.books import FakeClock, FlakyJournal, attempt, checkpoint, exchange, mark, served_by
from waypost.core.record import Exchange
from waypost.core.usage import Units, Usage
from waypost.errors import Bug, StoreUnavailable
from waypost.ledger.intents import Intents
from waypost.ledger.recovery import RecoveryReport, open_folder, recover
from waypost.ledger.segments import listed, parse
from waypost.stores.memory import MemoryJournal
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.requests import RequestLog
from waypost.stores.sql.schema import prepare
from waypost.stores.writer_process import take_writer_lock

ACCOUNT = ("key:k1:total",)


def sums(journal: MemoryJournal) -> tuple[dict[str, int], dict[str, int | None]]:
    return dict(journal.accounts), {name: line.cost_nusd for name, line in journal.lines.items()}


def test_nothing_to_do(tmp_path):
    assert recover(open_folder(tmp_path / "intents"), MemoryJournal()) == RecoveryReport()
    assert (tmp_path / "intents").stat().st_mode & 0o777 == 0o700


def test_settled_records_are_posted_and_the_files_go(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock(), segment_bytes=600)
    for number in range(5):
        intents.dispatch(mark(number, ACCOUNT))
        intents.settled(exchange(number, 7, ACCOUNT))
    intents.close()
    journal = MemoryJournal()
    journal.post("0000000001.intents", 2, [exchange(0, 7, ACCOUNT)])

    report = recover(tmp_path, journal)
    assert (report.settled, report.estimated, report.lines, report.damaged) == (4, 0, 4, 0)
    assert journal.accounts == {ACCOUNT[0]: 35}
    assert os.listdir(tmp_path) == []
    assert journal.applied() == {}
    assert recover(tmp_path, journal).clean


def test_what_lost_attempts_were_for_is_told_from_their_order(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    first = mark(1)
    elsewhere = msgspec.structs.replace(first, attempt_id="c", provider="far")
    for made in (first, msgspec.structs.replace(first, attempt_id="b"), elsewhere):
        intents.dispatch(made)
    intents.close()
    journal = MemoryJournal()

    recover(tmp_path, journal)
    assert [attempt.role for attempt in journal.exchanges["exc-1"].attempts] == ["first", "retry", "failover"]


def test_a_lost_attempt_is_settled_at_its_last_checkpoint_or_its_input(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(mark(1, ACCOUNT, floor=3))
    intents.dispatch(mark(2, ACCOUNT, floor=3))
    intents.checkpoint(checkpoint(2, 20, output=10))
    intents.checkpoint(checkpoint(2, 40, output=30))
    intents.dispatch(mark(3, floor=None))
    intents.close()
    journal = MemoryJournal()

    report = recover(tmp_path, journal)
    assert (report.settled, report.estimated, report.lines) == (0, 3, 3)
    assert journal.accounts == {ACCOUNT[0]: 43}
    one, two, three = (journal.attempts[f"att-{number}"] for number in (1, 2, 3))
    assert (one.usage, one.cost_nusd, one.state) == (Usage(50, source="estimated"), 3, "settled")
    assert (two.usage, two.cost_nusd) == (Usage(50, 30, source="estimated"), 40)
    assert (three.cost_nusd, three.error, three.status) == (None, "gateway_crashed", None)
    lost = journal.exchanges["exc-2"]
    assert (lost.outcome, lost.error, lost.cost_nusd, lost.accounts) == (
        "failed",
        "gateway_crashed",
        40,
        ACCOUNT,
    )
    assert (lost.key_id, lost.route, lost.stream, lost.started_us) == ("k1", "fast", True, 1002)


def test_all_attempts_of_a_lost_exchange_are_one_exchange(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(mark(1, ACCOUNT, attempt_id="a"))
    intents.dispatch(mark(1, ACCOUNT, attempt_id="b"))
    intents.close()
    journal = MemoryJournal()

    assert recover(tmp_path, journal).estimated == 2
    assert [each.attempt_id for each in journal.exchanges["exc-1"].attempts] == ["a", "b"]
    assert journal.accounts == {ACCOUNT[0]: 6}


def test_a_lost_attempt_is_posted_to_the_provider_it_was_sent_to(tmp_path):
    accounts = ("team:t1:total", "provider:org/openai:total", "provider:org/azure:total")
    journal, intents = MemoryJournal(), Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(mark(1, accounts, floor=3))
    intents.dispatch(
        msgspec.structs.replace(mark(1, accounts, floor=5, attempt_id="att-b"), provider="azure")
    )
    intents.close()

    recover(tmp_path, journal)
    assert journal.accounts == dict(zip(accounts, (8, 3, 5), strict=True))


def test_a_voided_attempt_that_the_journal_knows_is_not_billed_by_a_mark_left_over(tmp_path):
    """The settled record's own segment may be gone while an older one, with the mark, had to stay."""
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(mark(1, ACCOUNT))
    intents.close()
    journal = MemoryJournal()
    journal.post("0000000002.intents", 1, [exchange(1, 0, ACCOUNT, (attempt(1, 0, "voided"),))])

    assert recover(tmp_path, journal).lines == 0
    assert journal.lines == {}


def test_a_write_cut_off_at_the_end_is_counted_and_nothing_is_set_aside(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(2):
        intents.settled(exchange(number, 7, ACCOUNT))
    intents.close()
    (path,) = listed(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])

    report = recover(tmp_path, MemoryJournal())
    assert (report.settled, report.torn, report.damaged, report.set_aside) == (1, 1, 0, ())
    assert listed(tmp_path) == []


def test_damage_in_the_middle_is_skipped_counted_and_set_aside(tmp_path):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(3):
        intents.settled(exchange(number, 7, ACCOUNT))
    intents.close()
    (path,) = listed(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"exc-1", b"exc-9") + lines[2])
    journal = MemoryJournal()

    report = recover(tmp_path, journal)
    assert (report.settled, report.damaged, report.torn) == (2, 1, 0)
    assert report.set_aside == ("0000000001.intents.damaged",) == tuple(os.listdir(tmp_path))
    assert recover(tmp_path, journal).clean, "what was set aside is not read again"


def test_numbers_behind_a_hole_are_not_those_that_the_journal_knows(tmp_path):
    """What was not synced when the power failed: the middle may be lost, and what came later may not."""
    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(6):
        intents.settled(exchange(number, 7, ACCOUNT))
    intents.close()
    (path,) = listed(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + bytes(len(lines[1] + lines[2] + lines[3])) + lines[4] + lines[5])
    journal = MemoryJournal()
    journal.post(path.name, 5, [exchange(number, 7, ACCOUNT) for number in range(5)])

    report = recover(tmp_path, journal)
    assert (report.lines, report.damaged) == (1, 1), "the sixth record is the third line now"
    assert journal.accounts == {ACCOUNT[0]: 6 * 7}


def test_a_record_the_journal_refuses_keeps_the_files(tmp_path):
    class Picky(MemoryJournal):
        def repost(self, exchanges: Sequence[Exchange]) -> int:
            if any(each.exchange_id == "exc-1" for each in exchanges):
                raise Bug("no")
            return super().repost(exchanges)

    intents = Intents(tmp_path, 1, clock=FakeClock())
    for number in range(3):
        intents.settled(exchange(number, 7, ACCOUNT))
    intents.close()
    journal = Picky()

    report = recover(tmp_path, journal)
    assert (report.damaged, len(report.set_aside)) == (1, 1)
    assert journal.accounts == {ACCOUNT[0]: 14}


def test_without_a_database_the_files_stay(tmp_path):
    class Down(FlakyJournal):
        def repost(self, exchanges: Sequence[Exchange]) -> int:
            raise StoreUnavailable("down")

    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.settled(exchange(1))
    intents.close()

    with pytest.raises(StoreUnavailable):
        recover(tmp_path, Down())
    assert len(listed(tmp_path)) == 1


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("written")
    intents = Intents(folder, 1, clock=FakeClock())
    for number in range(8):
        intents.dispatch(mark(number, ACCOUNT, floor=3))
        if number % 3 == 0:
            intents.checkpoint(checkpoint(number, 5))
        if number >= 2:
            intents.settled(exchange(number - 2, 7, ACCOUNT, (attempt(number - 2, 7),)))
    intents.close()
    return listed(folder)[0].read_bytes()


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_any_prefix_recovers_to_the_same_sums_each_time(written, tmp_path_factory, data):
    """Cut at any byte, partly applied or not, and killed inside recovery or not."""
    cut = data.draw(st.integers(0, len(written)))
    folder = tmp_path_factory.mktemp("cut")
    path = folder / "0000000001.intents"
    path.write_bytes(written[:cut])
    kinds = [(line.number, line.kind.value if line.kind else None) for line in parse(written[:cut])]
    counts = {wanted: sum(kind == wanted for _, kind in kinds) for wanted in (b"D", b"C", b"S")}
    sent = {f"att-{at}" for at in range(counts[b"D"])}
    ended = [f"att-{at}" for at in range(counts[b"S"])]
    known = {f"att-{at * 3}" for at in range(counts[b"C"])}
    journal = MemoryJournal()
    already = data.draw(st.integers(0, len(ended)))
    if already:
        number = [number for number, kind in kinds if kind == b"S"][already - 1]
        posted = [exchange(at, 7, ACCOUNT, (attempt(at, 7),)) for at in range(already)]
        journal.post("0000000001.intents", number if data.draw(st.booleans()) else 0, posted)

    if data.draw(st.booleans()):  # die after the posting and before the files are gone
        path_copy = path.read_bytes()
        applied = journal.applied()
        recover(folder, journal)
        path.write_bytes(path_copy)
        for segment, upto in applied.items():
            journal._applied[segment] = upto
    recover(folder, journal)
    total, lines = sums(journal)

    assert set(lines) == sent, "everything dispatched is classified, and nothing else"
    assert all(lines[name] == 7 for name in ended)
    assert all(lines[name] == (5 if name in known else 3) for name in sent - set(ended))
    assert total == ({ACCOUNT[0]: sum(cost or 0 for cost in lines.values())} if lines else {})
    assert recover(folder, journal).clean
    assert sums(journal) == (total, lines)


def kill_at_random(data: Path, first: int, chance: random.Random) -> list[int]:
    """Run the child, kill it at a random moment, and give back the settlements it was told of."""
    here = Path(__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, str(here / "ledger" / "crash_child.py"), str(data), str(first)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{here.parent / 'src'}:{here}"},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    time.sleep(chance.random() * 0.1)  # the random moment itself, not a wait for something
    child.kill()
    told, _ = child.communicate()
    # The last line may be cut off by the kill.
    return [int(line) for line in told.split(b"\n")[:-1]]


@pytest.mark.process
def test_kill_9_at_random_moments_loses_nothing(tmp_path):
    """Twenty lives of one data folder: no settlement lost or doubled, nothing unclassified, sums exact."""
    chance = random.Random(7)
    told: list[int] = []
    for life in range(20):
        told += kill_at_random(tmp_path, life * 1_000_000, chance)
    database = open_sqlite(tmp_path)
    prepare(database)
    journal = SqliteJournal(tmp_path)
    take_writer_lock(tmp_path).let_go()  # the last writer has posted what it found
    report = recover(tmp_path / "intents", journal)

    assert report.damaged == 0
    assert len(told) > 1000, "or the test shows nothing"
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT attempt_id, cost_nusd, usage_source FROM lines").all()
        posted = connection.exec_driver_sql("SELECT account_id, posted_nusd, lines FROM accounts").all()
        attempts = connection.exec_driver_sql("SELECT count(*) FROM attempts").scalar()
    lines = {row[0]: (row[1], row[2]) for row in rows}
    assert len(lines) == len(rows) == attempts
    assert all(lines[f"att-{number}"] == (7, "reported") for number in told)
    estimated = [cost for cost, source in lines.values() if source == "estimated"]
    assert set(estimated) <= {3, 11}
    assert len(estimated) >= 20, "each kill leaves a few under way"
    by_account: dict[str, list[int]] = {}
    for name, (cost, _) in lines.items():
        by_account.setdefault("team:t1:total", []).append(cost)
        by_account.setdefault(f"provider:org/{served_by(int(name.partition('-')[2]))}:total", []).append(cost)
    assert sorted(posted) == sorted((name, sum(costs), len(costs)) for name, costs in by_account.items())
    assert len(posted) == 3
    assert journal.drift() == {}
    assert RequestLog(database).last() >= len(lines)
    assert listed(tmp_path / "intents") == []
    journal.close()
    database.close()


@pytest.mark.parametrize("seen", [False, True])
def test_a_lost_attempt_is_charged_with_its_markup(tmp_path, seen):
    intents = Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(msgspec.structs.replace(mark(1, ACCOUNT, floor=10), markup=25_000))
    if seen:
        intents.checkpoint(checkpoint(1, 40, output=10))
    intents.close()
    journal = MemoryJournal()
    recover(tmp_path, journal)
    (line,) = journal.lines.values()
    assert (line.cost_nusd, line.markup_nusd) == ((41, 1) if seen else (11, 1))
    assert journal.accounts == {ACCOUNT[0]: line.cost_nusd}


def test_a_lost_attempt_with_a_credential_of_ones_own_is_no_use_of_credit(tmp_path):
    accounts = ("organization:org_a:credit", "organization:org_a:total")
    journal, intents = MemoryJournal(), Intents(tmp_path, 1, clock=FakeClock())
    intents.dispatch(msgspec.structs.replace(mark(1, accounts, floor=3), key_name="cred_1:1"))
    intents.dispatch(mark(2, accounts, floor=5))
    intents.close()

    recover(tmp_path, journal)
    assert journal.accounts == dict(zip(accounts, (5, 8), strict=True))
    assert journal.exchanges["exc-1"].attempts[0].key_name == "cred_1:1"


def test_a_mark_of_an_older_version_is_read(tmp_path):
    older = msgspec.json.encode(mark(1))
    fields = msgspec.json.decode(older)
    for fewer in (1, 2, 3):
        assert msgspec.json.decode(msgspec.json.encode(fields[:-fewer]), type=type(mark(1))) == mark(1)


def test_what_a_lost_attempt_may_have_used_beside_tokens_is_told(tmp_path):
    intents, units = Intents(tmp_path, 1, clock=FakeClock()), Units(characters=70)
    intents.dispatch(msgspec.structs.replace(mark(1, ACCOUNT, floor=10), units=units))
    intents.close()
    journal = MemoryJournal()
    recover(tmp_path, journal)
    lost = journal.attempts["att-1"]
    assert (lost.usage, lost.cost_nusd) == (Usage(50, source="estimated", units=units), 10)
