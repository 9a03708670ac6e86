"""The supervisor's decisions, on times that the test says."""

from __future__ import annotations

from waypost.app.workers.crew import PAUSES_S, STEADY_S, TRIES, Crew, Note, Order, Start


def complete(count: int = 2) -> Crew:
    crew = Crew(count)
    crew.begin()
    for worker in range(1, count + 1):
        crew.ready(worker, 0.0)
    assert crew.complete
    return crew


def test_the_first_begins_alone_and_is_told_to_speak_when_all_serve() -> None:
    crew = Crew(3)
    assert crew.begin() == (Start(1),)
    assert crew.ready(1, 0.0) == [Start(2), Start(3)]
    assert crew.ready(3, 0.1) == []
    assert not crew.complete
    assert crew.ready(2, 0.2) == (Order(1, "tell"),)
    assert crew.complete


def test_a_first_that_can_not_start_ends_it_with_its_status() -> None:
    crew = Crew(2)
    crew.begin()
    assert crew.ended(1, 3, 0.0) == []
    assert (crew.over, crew.status) == (True, 3)
    assert crew.failure == "Worker 1 could not be started."


def test_one_of_the_others_that_can_not_start_stops_those_that_run() -> None:
    crew = Crew(2)
    crew.begin()
    crew.ready(1, 0.0)
    assert crew.ended(2, -9, 0.0) == [Order(1, "stop")]
    assert not crew.over
    assert crew.ended(1, 0, 1.0) == ()
    assert (crew.over, crew.status) == (True, 1)


def test_who_dies_is_started_again_and_covered_meanwhile() -> None:
    crew = complete()
    cover, note = crew.ended(2, -9, 10.0)
    assert cover == Order(1, "cover", 2)
    assert isinstance(note, Note)
    assert (note.worker, note.status, note.again_in_s) == (2, -9, 0.0)
    assert crew.next_due == 10.0
    assert crew.due(10.0) == [Start(2)]
    assert crew.due(10.0) == []
    assert crew.ready(2, 11.0) == [Order(1, "uncover", 2)]


def test_who_comes_back_is_told_for_whom_to_accept() -> None:
    crew = complete(3)
    crew.ended(2, -9, 10.0)
    assert crew.ended(3, -9, 10.0)[0] == Order(1, "cover", 3)
    crew.due(10.0)
    assert crew.ready(2, 11.0) == [Order(1, "uncover", 2), Order(2, "cover", 3)]
    assert crew.ready(3, 12.0) == [Order(1, "uncover", 3), Order(2, "uncover", 3)]


def test_who_drains_by_itself_is_covered_once() -> None:
    crew = complete()
    assert crew.leaving(1) == [Order(2, "cover", 1)]
    assert crew.leaving(1) == ()
    (note,) = crew.ended(1, 0, 5.0)
    assert isinstance(note, Note)


def test_pauses_grow_until_it_runs_steadily() -> None:
    crew, now, pauses = complete(), 0.0, []
    for _ in range(len(PAUSES_S) + 1):
        crew.ended(2, 1, now)
        assert crew.next_due is not None
        pauses.append(crew.next_due - now)
        now = crew.next_due
        crew.due(now)
        crew.ready(2, now)
    assert pauses == [*PAUSES_S, PAUSES_S[-1]]
    crew.ended(2, 1, now + STEADY_S)
    assert crew.next_due == now + STEADY_S


def test_one_that_serves_is_enough_to_go_on() -> None:
    crew, now = complete(), 0.0
    crew.ended(2, 1, now)
    for _ in range(3 * TRIES):
        now += 100.0
        assert crew.due(now) == [Start(2)]
        crew.ended(2, 1, now)
    assert crew.failure is None


def test_none_that_serves_and_none_that_can_be_started_is_the_end() -> None:
    crew, now = complete(), 0.0
    crew.ended(1, -11, now)
    crew.ended(2, -11, now)
    for _ in range(TRIES):
        now += 100.0
        crew.due(now)
        for worker in (1, 2):
            if not crew.over:
                crew.ended(worker, 3, now)
    assert crew.over
    assert crew.status == 3
    assert crew.failure is not None
    assert crew.next_due is None


def test_a_stop_a_second_one_and_a_third() -> None:
    crew = complete()
    assert crew.stop() == [Order(1, "stop"), Order(2, "stop")]
    assert crew.ended(1, 0, 1.0) == ()
    assert crew.due(100.0) == []
    assert crew.stop() == [Order(2, "now")]
    assert crew.stop() == [Order(2, "kill")]
    assert not crew.over
    crew.ended(2, 0, 2.0)
    assert (crew.over, crew.status) == (True, 0)


def test_a_reload_is_for_all_that_run() -> None:
    crew = complete()
    assert crew.reload() == [Order(1, "reload"), Order(2, "reload")]
    crew.ended(1, 1, 0.0)
    assert crew.reload() == [Order(2, "reload")]
