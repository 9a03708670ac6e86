from __future__ import annotations

from waypost.core.asked import Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_chat.crossing import CROSSING


def test_a_request_there_and_back() -> None:
    asked = CHAT.parse_ask(b'{"model":"m","messages":[{"role":"user","content":"hi"}],"top_p":0.5}')
    request = CROSSING.parse_request(asked)
    loss = Loss()
    body = CROSSING.render_request(request, Quirks(drop=("top_p",)), loss)
    assert body == b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
    assert loss.names == ("top_p",)


def test_an_answer_gets_the_date_and_cost_of_the_gateway() -> None:
    answer = CROSSING.parse_response(
        b'{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    )
    foreign = type(answer)(answer.response_id, answer.model, answer.choices, None, answer.usage)
    asked = CHAT.parse_ask(b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
    body = CROSSING.render_response(foreign, asked, 7, Stamp("x", 17))
    assert b'"created":17' in body
    assert b'"cost":0.000000007' in body
