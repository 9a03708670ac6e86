"""botocore's own parser and model, over what this dialect writes."""

from __future__ import annotations

from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.model import OperationModel, ServiceModel, StructureShape
from botocore.parsers import create_parser
from botocore.validate import ParamValidator

from dialects.bedrock_converse.frames import stream
from dialects.bedrock_converse.test_coverage import CARRIED, NAMED, READ, REFUSED
from dialects.golden import cases
from waypost.core.asked import PathAsk
from waypost.core.fold import unfold
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.dialects.bedrock_converse.ask import parse_ask
from waypost.dialects.bedrock_converse.errors import render_error, render_exception
from waypost.dialects.bedrock_converse.relay import ConverseRelay
from waypost.dialects.bedrock_converse.request import parse_request, render_request
from waypost.dialects.bedrock_converse.response import parse_response, render_response
from waypost.dialects.bedrock_converse.writing import ConverseStreamRenderer
from waypost.dialects.json_limits import DEFAULT
from waypost.dialects.openai_chat.codec import CHAT
from waypost.errors import RateLimited, Rejected

#: Fields that golden cases have in order to be unknown.
UNKNOWN = {"inline_system", "odd_blocks", "everything_else"}
#: Answers whose parts a stream has no form for.
NOT_STREAMED = {"server_tool"}


@pytest.fixture(scope="module")
def model() -> ServiceModel:
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model("bedrock-runtime", "service-2"))


def operation(model: ServiceModel, name: str = "Converse") -> OperationModel:
    return model.operation_model(name)


def headers(**more: str) -> dict[str, str]:
    return {"content-type": "application/json", **more}


def shape(model: ServiceModel) -> StructureShape:
    found = operation(model, "ConverseStream").input_shape
    assert isinstance(found, StructureShape)
    return found


def blobs(value: Any) -> Any:
    """As a caller gives it: bytes where the wire has base64."""
    if isinstance(value, list):
        return [blobs(each) for each in value]
    if isinstance(value, dict):
        return {
            name: inner.encode()
            if name in ("bytes", "redactedContent") and isinstance(inner, str)
            else blobs(inner)
            for name, inner in value.items()
        }
    return value


@pytest.mark.parametrize("case", cases("bedrock_converse", "requests"))
def test_requests_are_what_a_caller_may_say(
    case: Any, model: ServiceModel, request: pytest.FixtureRequest
) -> None:
    parsed = parse_request(parse_ask(msgspec.json.encode(case["body"]), DEFAULT, PathAsk(case["model"])))
    body = msgspec.json.decode(render_request(parsed, Quirks(), Loss()))
    report = ParamValidator().validate(blobs({"modelId": case["model"], **body}), shape(model))
    odd = any(f"[{name}]" in request.node.name for name in UNKNOWN)
    assert odd or not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("case", cases("openai_chat", "requests"))
def test_requests_of_another_dialect_are_what_a_caller_may_say(case: Any, model: ServiceModel) -> None:
    assert CHAT.codec is not None
    asked = CHAT.parse_ask(msgspec.json.encode({**case["body"], "n": 1}))
    foreign = msgspec.structs.replace(
        CHAT.codec.parse_request(asked), model="us.anthropic.claude-opus-4-6-v1"
    )
    body = msgspec.json.decode(render_request(foreign, Quirks(), Loss(drop=True)))
    report = ParamValidator().validate(blobs({"modelId": "m", **body}), shape(model))
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("case", cases("bedrock_converse", "responses"))
def test_answers_are_read(case: Any, model: ServiceModel) -> None:
    response = msgspec.structs.replace(parse_response(msgspec.json.encode(case["body"])), extras=None)
    body = render_response(response, 7)
    parser = create_parser("rest-json")
    read = parser.parse(
        {"status_code": 200, "headers": headers(), "body": body}, operation(model).output_shape
    )
    assert read["output"]["message"]["role"] == "assistant"
    assert len(read["output"]["message"]["content"]) == len(case["body"]["output"]["message"]["content"])
    assert read["stopReason"] == case["body"]["stopReason"]
    assert "cost" not in read.get("usage", {}), "a member the SDK does not know is passed over"


def read_stream(raw: bytes, model: ServiceModel) -> list[Any]:
    """As `botocore.eventstream.EventStream` does."""
    output = operation(model, "ConverseStream").output_shape
    assert isinstance(output, StructureShape)
    parser = create_parser("rest-json")
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return [
        parser._event_stream_parser.parse(event.to_response_dict(), output.members["stream"])  # type: ignore[attr-defined]  # the one it uses itself
        for event in buffer
    ]


@pytest.mark.parametrize("case", cases("bedrock_converse", "responses"))
def test_streams_are_read(case: Any, model: ServiceModel, request: pytest.FixtureRequest) -> None:
    if any(f"[{name}]" in request.node.name for name in NOT_STREAMED):
        return
    renderer = ConverseStreamRenderer()
    response = parse_response(msgspec.json.encode(case["body"]))
    raw = b"".join(map(renderer.render, unfold(response))) + renderer.end(response.usage, 7)
    events = read_stream(raw, model)
    assert list(events[0]) == ["messageStart"]
    assert list(events[-1]) == ["metadata"]
    assert events[-2]["messageStop"]["stopReason"] == case["body"]["stopReason"]


@pytest.mark.parametrize("case", cases("bedrock_converse", "streams"))
def test_relayed_streams_are_read(case: Any, model: ServiceModel) -> None:
    asked = parse_ask(b'{"messages":[{}]}', DEFAULT, PathAsk("m", True))
    passing = ConverseRelay(asked, lambda usage, tier: 7)
    sent = passing.feed(stream(case["events"]))
    assert len(read_stream(sent, model)) == len(
        [event for event in case["events"] if not next(iter(event)).endswith("Exception")]
    )


def test_errors_find_their_class(model: ServiceModel) -> None:
    parser = create_parser("rest-json")
    for error, code in (
        (RateLimited("slow down"), "ThrottlingException"),
        (Rejected("no", status=404), "ResourceNotFoundException"),
    ):
        answer = {"status_code": error.status, "headers": headers(), "body": render_error(error)}
        read = parser.parse(answer, operation(model).output_shape)
        assert read["Error"]["Code"] == code
        assert read["Error"]["Message"] == error.message
        assert model.shape_for_error_code(code)


def test_an_exception_of_a_stream_is_an_error(model: ServiceModel) -> None:
    [event] = frames_of(render_exception(RateLimited("slow down")))
    answer = event.to_response_dict()
    assert answer["status_code"] == 400
    assert answer["headers"][":exception-type"] == "throttlingException"


def frames_of(raw: bytes) -> list[Any]:
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return list(buffer)


def members(model: ServiceModel, name: str) -> set[str]:
    found = model.shape_for(name)
    assert isinstance(found, StructureShape)
    return set(found.members)


#: Where a field is proved under another row's name, or only in the same lane.
ELSEWHERE = {
    "modelId": "the path",
    "toolConfig": "its own rows",
    "inferenceConfig": "its own rows",
    "outputConfig": "its own rows",
    "ToolResultContentBlock.text": "ContentBlock.toolResult",
}


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("ConverseRequest", ""),
        ("InferenceConfiguration", "inferenceConfig."),
        ("OutputConfig", "outputConfig."),
        ("Tool", "toolConfig.tools."),
        ("ContentBlock", "ContentBlock."),
        ("SystemContentBlock", "SystemContentBlock."),
        ("ToolResultContentBlock", "ToolResultContentBlock."),
        ("GuardrailConverseContentBlock", "GuardrailConverseContentBlock."),
    ],
)
def test_the_table_of_fields_is_whole(name: str, prefix: str, model: ServiceModel) -> None:
    rows = {row[0] for table in (CARRIED, READ, NAMED, REFUSED) for row in table}
    known = {f"{prefix}{member}" for member in members(model, name)}
    extra = {"ContentBlock.guardContent"}  # its two kinds have rows of their own
    assert known - rows - set(ELSEWHERE) - extra == set()
