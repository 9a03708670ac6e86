from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini.ask import (
    name_model,
    need_items,
    need_object,
    nested,
    onward,
    read_body,
    read_model,
)
from waypost.dialects.gemini.spelling import govern, know
from waypost.dialects.json_limits import DEFAULT
from waypost.errors import InvalidRequest


def test_the_model_is_the_path_s() -> None:
    assert read_model(PathAsk("models/a")) == "a"
    with pytest.raises(InvalidRequest):
        read_model(PathAsk())


def test_needed_fields() -> None:
    names = govern(("contents", "content", "empty", "text"))
    fields = know(parse_object(b'{"contents":[1],"content":{},"empty":[ ],"text":"x"}'), names)
    assert bytes(need_items(fields, "contents")) == b"[1]"
    assert bytes(need_object(fields, "content")) == b"{}"
    for name in ("empty", "text", "absent"):
        with pytest.raises(InvalidRequest):
            need_items(fields, name)
        with pytest.raises(InvalidRequest):
            need_object(fields, name)


def test_nested_objects() -> None:
    names = govern(("generationConfig", "none", "bad"))
    fields = know(parse_object(b'{"generation_config":{"a":1},"none":null,"bad":7}'), names)
    assert list(nested(fields, "generationConfig")) == ["a"]
    assert nested(fields, "none") == nested(fields, "absent") == {}
    with pytest.raises(InvalidRequest):
        nested(fields, "bad")


def test_spelling_is_checked() -> None:
    with pytest.raises(InvalidRequest):
        read_body(b'{"Contents":[]}', DEFAULT, govern(("contents",)))


def test_onward_without_what_the_provider_refuses() -> None:
    fields = parse_object(b'{"model":"x","labels":{},"generation_config":{"seed":1,"top_k":2},"bad":1}')
    quirks = Quirks(drop=("labels", "generationConfig.topK", "generationConfig.absent", "bad.x", "absent"))
    sent = onward(fields, quirks)
    assert msgspec.json.decode(sent.body) == {"generation_config": {"seed": 1}, "bad": 1}
    assert sent.dropped == ("labels", "generationConfig.topK")


def test_an_inner_request_names_the_target() -> None:
    fields = parse_object(b'{"model":"models/theirs"}')
    name_model(fields, "ours")
    assert bytes(fields["model"]) == b'"models/ours"'
