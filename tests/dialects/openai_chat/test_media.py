from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import Media
from waypost.dialects.openai_chat.media import image, put_media, sound, take_media
from waypost.dialects.openai_chat.own import Taking, to_client
from waypost.dialects.taking import Json
from waypost.errors import Unrepresentable

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}, "index": 0}
AUDIO = {"id": "a1", "expires_at": 9, "data": "UklGRg==", "transcript": "hi"}


def taking(fields: dict[str, Any]) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def test_there_and_back() -> None:
    found = taking({"images": [IMAGE], "audio": AUDIO})
    picture, voice = take_media(found)
    assert (picture.kind, picture.mime, picture.data) == ("image", "image/png", "AA==")
    assert (voice.kind, voice.data, voice.file_id) == ("audio", "UklGRg==", "a1")
    assert found.rest == {}
    out: Json = {}
    put_media(out, [picture, voice], say("images"), "m")
    assert msgspec.json.decode(msgspec.json.encode(out)) == {"images": [IMAGE], "audio": AUDIO}


def test_what_can_not_be_read_stays() -> None:
    found = taking({"images": [IMAGE, {"x": 1}], "audio": {"id": "a1"}})
    assert take_media(found) == []
    assert found.rest.keys() == {"images", "audio"}


def test_sound_of_another_dialect_has_all_that_clients_expect() -> None:
    assert sound(Media("audio", data="AA"), 17) == {
        "id": "audio",
        "data": "AA",
        "expires_at": 17,
        "transcript": "",
    }
    assert image(Media("image", url="u", detail="low"))["image_url"] == {"url": "u", "detail": "low"}


def test_a_target_that_takes_no_pictures_of_a_model_is_not_sent_one() -> None:
    with pytest.raises(Unrepresentable) as caught:
        put_media({}, [Media("image", data="AA")], say(), "messages[1]")
    assert caught.value.param == "messages[1]"
    dropping = say(drop=True)
    out: Json = {}
    put_media(out, [Media("audio", data="AA")], dropping, "messages[1]")
    assert (out, dropping.loss.names) == ({}, ("messages[1]",))


def test_a_client_gets_one_sound() -> None:
    out: Json = {}
    put_media(out, [Media("audio", data="AA")], to_client(), "m")
    assert "audio" in out
    with pytest.raises(Unrepresentable):
        put_media({}, [Media("audio", data="AA"), Media("audio", data="BB")], to_client(), "m")
