from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from transcript import KEY_TEXT, FakeClock, FakeKeys, FakeResponses, Stage
from waypost.app.shelf import KeptAnswers, end_lost
from waypost.core.stored import StoredResponse
from waypost.dialects.openai_responses.state import Stored
from waypost.errors import InvalidRequest, NotFound, Unauthenticated
from waypost.pipeline.conversation import row
from waypost.pipeline.event_logs import EventLog, Follower
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.responses import ResponseRows
from waypost.stores.sql.schema import prepare

ITEMS = tuple(
    msgspec.Raw(b'{"type":"message","id":"msg_%d","role":"user","content":[]}' % n) for n in range(3)
)
DONE = Stored("resp_1", 5, "completed", "m", items=ITEMS, body=msgspec.Raw(b'{"id":"resp_1","output":[]}'))


class Elsewhere:
    """The other workers, one of which makes `resp_1`."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    async def cancel(self, response_id: str) -> bool:
        self.heard.append(("cancel", response_id))
        return True

    async def forget(self, response_id: str) -> None:
        self.heard.append(("forget", response_id))

    async def follow(self, response_id: str, after: int | None) -> Follower | None:
        self.heard.append(("follow", response_id))
        return None if after == 9 else Follower(EventLog(), 0)


class Shelf:
    def __init__(self, stored: Stored = DONE, elsewhere: Elsewhere | None = None) -> None:
        self.responses = FakeResponses()
        clock = FakeClock()
        self.responses.rows[stored.response_id] = row(stored, "k1", None, clock.wall(), 30)
        self.cancelled: list[str] = []
        self.under_way = True
        keys = FakeKeys([Stage().key])
        self.forgotten: list[str] = []
        self.followed: list[tuple[str, int | None]] = []
        self.kept = KeptAnswers(
            self.responses, Authenticate(keys, clock, Directory()), clock, self, elsewhere
        )

    def cancel(self, response_id: str) -> bool:
        self.cancelled.append(response_id)
        return self.under_way

    def forget(self, response_id: str) -> None:
        self.forgotten.append(response_id)

    def follow(self, response_id: str, after: int | None) -> Follower:
        self.followed.append((response_id, after))
        if not self.under_way:
            raise InvalidRequest("None of its events is kept.", param="stream")
        return Follower(EventLog(), 0)

    async def ask(
        self, purpose: str = "response", method: str = "GET", query: bytes = b"", **more: object
    ) -> dict[str, object]:
        body = await self.kept.answer(purpose, method, "resp_1", query, KEY_TEXT)
        assert isinstance(body, bytes)
        found: dict[str, object] = msgspec.json.decode(body)
        return found


async def test_an_answer_is_shown_listed_and_forgotten() -> None:
    shelf = Shelf()
    assert (await shelf.ask())["status"] == "completed"
    page = await shelf.ask("response_items", query=b"limit=2&order=asc")
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("msg_0", "msg_1", True)
    assert (await shelf.ask(method="DELETE"))["deleted"] is True
    assert shelf.forgotten == ["resp_1"]
    with pytest.raises(NotFound):
        await shelf.ask()


async def test_nobody_without_the_key_sees_it() -> None:
    shelf = Shelf()
    with pytest.raises(Unauthenticated):
        await shelf.kept.answer("response", "GET", "resp_1", b"", b"wrong")
    other = shelf.responses.rows["resp_1"]
    shelf.responses.rows["resp_1"] = msgspec.structs.replace(other, key_id="k2")
    with pytest.raises(NotFound):
        await shelf.ask()


@pytest.mark.parametrize("query", [b"limit=x", b"limit=0", b"limit=101", b"order=up", b"after=nothing"])
async def test_a_wrong_listing_is_refused_by_name(query: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await Shelf().ask("response_items", query=query)
    assert caught.value.param == query.partition(b"=")[0].decode()


async def test_the_events_of_an_answer_are_followed() -> None:
    shelf = Shelf()
    for query in (b"stream=true", b"stream=True&starting_after=7"):
        assert isinstance(await shelf.kept.answer("response", "GET", "resp_1", query, KEY_TEXT), Follower)
    assert shelf.followed == [("resp_1", None), ("resp_1", 7)]
    assert (await shelf.ask(query=b"stream=false"))["status"] == "completed"


@pytest.mark.parametrize("said", [b"x", b"-1", b"1.5", b"1" * 16, b"%C2%B2"])
async def test_a_wrong_place_is_refused_by_name(said: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await Shelf().ask(query=b"stream=true&starting_after=" + said)
    assert caught.value.param == "starting_after"


async def test_nobody_elses_events_are_followed() -> None:
    shelf = Shelf()
    other = shelf.responses.rows["resp_1"]
    shelf.responses.rows["resp_1"] = msgspec.structs.replace(other, key_id="k2")
    with pytest.raises(NotFound):
        await shelf.ask(query=b"stream=true")
    assert shelf.followed == []


async def test_cancelling() -> None:
    done = Shelf()
    assert (await done.ask("response_cancel", "POST"))["status"] == "completed"
    assert done.cancelled == []
    queued = msgspec.structs.replace(DONE, status="queued", body=None)
    running = Shelf(queued)
    assert (await running.ask("response_cancel", "POST"))["status"] == "cancelled"
    assert running.cancelled == ["resp_1"]
    orphan = Shelf(queued)
    orphan.under_way = False
    await orphan.ask("response_cancel", "POST")
    assert orphan.responses.rows["resp_1"].status == "cancelled"
    assert (await orphan.ask())["status"] == "cancelled"


def test_what_was_being_made_when_the_process_ended_has_failed(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path)
    prepare(database)
    rows = ResponseRows(database)
    queued = msgspec.structs.replace(DONE, status="in_progress", body=None)
    rows.put(row(queued, "k1", None, 0.0, 30))
    end_lost(rows)
    found: StoredResponse | None = rows.get("resp_1", "k1", 1.0)
    assert found is not None
    assert found.status == "failed"
    assert rows.unfinished() == []
    database.close()


async def test_what_another_worker_makes_is_ended_and_followed_there() -> None:
    elsewhere = Elsewhere()
    shelf = Shelf(msgspec.structs.replace(DONE, status="in_progress", body=None), elsewhere)
    shelf.under_way = False
    await shelf.ask("response_cancel", "POST")
    assert shelf.responses.rows["resp_1"].status == "in_progress", "who makes it keeps how it ends"
    assert isinstance(
        await shelf.kept.answer("response", "GET", "resp_1", b"stream=true", KEY_TEXT), Follower
    )
    with pytest.raises(InvalidRequest):
        await shelf.ask(query=b"stream=true&starting_after=9")
    await shelf.ask(method="DELETE")
    said = ("cancel", "follow", "follow", "forget")
    assert elsewhere.heard == [(what, "resp_1") for what in said]
