from __future__ import annotations

import msgspec
import pytest

from routing.requested.rig import AZURE, OPENAI, TOGETHER
from transcript import target
from waypost.config.nodes import Canary, Conditional, Fallback, Hedge, Keys, Leaf, Node, Overlay, Shadow
from waypost.core.asked import Asked, FormField, PathAsk
from waypost.dialects.json_limits import DEFAULT
from waypost.dialects.registry import DIALECTS
from waypost.errors import InvalidRequest
from waypost.routing.requested.overlay import apply, variants

CHAT = DIALECTS["openai_chat"]
BODY: dict[str, object] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hi"}],
    "max_tokens": 10,
    "vendor": 1.50,
    "tools": [{"x": 1, "y": 2}],
}


def raws(**fields: object) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def parsed(**changes: object) -> Asked:
    return CHAT.parse_ask(msgspec.json.encode({**BODY, **changes}))


def test_nothing_to_change_is_the_same_request() -> None:
    asked = parsed()
    for overlay in (None, Overlay(), Overlay(timeout_s=3, retries=2, fallback_on=frozenset((500,)))):
        assert apply(overlay, asked, CHAT) is asked


def test_defaults_overrides_and_drops_in_this_order() -> None:
    overlay = Overlay(
        default=raws(temperature=1, max_tokens=99, seed=1),
        override=raws(top_p=0.5, seed=2),
        drop=("top_p", "tools[*].x"),
    )
    made = apply(overlay, parsed(), CHAT)
    assert msgspec.json.decode(msgspec.json.encode(made.fields)) == {
        **BODY,
        "temperature": 1,
        "seed": 2,
        "tools": [{"y": 2}],
    }


def test_what_is_metered_is_what_is_sent() -> None:
    overlay = Overlay(
        override=raws(max_tokens=500, n=3, service_tier="flex", stream_options={"include_usage": True})
    )
    made = apply(overlay, parsed(stream=True), CHAT)
    assert (made.max_output, made.choices, made.tier, made.wants_usage) == (500, 3, "flex", True)
    longer = apply(Overlay(override=raws(messages=[{"role": "user", "content": "x" * 999}])), parsed(), CHAT)
    assert longer.input_estimate > parsed().input_estimate


def test_who_answers_and_how_stays_as_it_was() -> None:
    asked = msgspec.structs.replace(parsed(stream=True), model="cleaned", drop_content=True)
    overlay = Overlay(
        default=raws(model="d", stream=False),
        override=raws(model="o", stream=False, seed=1),
        drop=("model", "stream"),
    )
    made = apply(overlay, asked, CHAT)
    assert (made.model, made.stream, made.drop_content) == ("cleaned", True, True)
    assert made.fields["stream"] == msgspec.Raw(b"true")
    assert asked.fields.keys() == BODY.keys() | {"stream"}, "the request itself was changed"


@pytest.mark.parametrize(
    ("overlay", "param"),
    [
        (Overlay(override=raws(max_tokens="many")), "max_tokens"),
        (Overlay(override=raws(Max_Tokens=1)), "Max_Tokens"),
        (Overlay(drop=("messages",)), "messages"),
    ],
)
def test_what_makes_no_request_is_refused(overlay: Overlay, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        apply(overlay, parsed(), CHAT)
    assert caught.value.param == param


def test_a_form_is_not_changed_in_silence() -> None:
    form = Asked("m", False, {}, files=(FormField("file", b"x"),))
    assert apply(Overlay(timeout_s=1), form, CHAT) is form
    with pytest.raises(InvalidRequest, match="form"):
        apply(Overlay(override=raws(n=2)), form, CHAT)


def test_a_model_in_the_path_stays_there() -> None:
    gemini, path = DIALECTS["gemini_generate"], PathAsk("gemini-x", True)
    body = b'{"contents":[{"parts":[{"text":"Hi"}]}]}'
    asked = gemini.parse_ask(body, DEFAULT, path)
    overlay = Overlay(override=raws(generationConfig={"maxOutputTokens": 7}))
    made = apply(overlay, asked, gemini, DEFAULT, path)
    assert (made.model, made.stream, made.max_output) == ("gemini-x", True, 7)


def test_every_form_of_a_request_is_known_before_anything_is_held() -> None:
    asked = parsed()
    more, most = Overlay(override=raws(max_tokens=50)), Overlay(override=raws(max_tokens=500))
    plain = Leaf(target(OPENAI))
    some = Leaf(target(AZURE), overlay=more)
    rest = Keys((target(TOGETHER),), overlay=most)
    assert variants(None, asked, CHAT) == (asked,)
    assert variants(plain, asked, CHAT) == (asked,)
    trees: list[Node] = [
        Fallback((plain, some, rest, some)),
        Fallback((Hedge(some), Shadow(plain, rest, 1.0))),
        Fallback((Canary(some, rest, 1.0, "c"), plain)),
        Conditional((), Fallback((plain, some, rest))),
    ]
    for tree in trees:
        limits = [form.max_output for form in variants(tree, asked, CHAT)]
        assert sorted(limits, key=lambda limit: limit or 0) == [10, 50, 500]
