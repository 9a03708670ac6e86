from waypost.simulator.ask import Ask, Refused


def test_a_refusal_says_what_the_envelope_needs() -> None:
    refused = Refused(404, "No.", code="model_not_found", param="model")
    assert (refused.status, refused.message, refused.kind) == (404, "No.", "invalid_request_error")
    assert (refused.code, refused.param, str(refused)) == ("model_not_found", "model", "No.")


def test_an_ask_defaults_to_one_plain_answer() -> None:
    ask = Ask("chat", "sim-fast", 3)
    assert (ask.choices, ask.stream, ask.wants_usage, ask.max_output, ask.schema) == (
        1,
        False,
        False,
        None,
        None,
    )
