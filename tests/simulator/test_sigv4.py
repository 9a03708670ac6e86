import pytest

from simulated import SIGNED, WALL
from waypost.simulator.ask import Refused
from waypost.simulator.dialect import Request
from waypost.simulator.sigv4 import Signed

SECRET = "s3cr3t/x+y"
NAMES = "content-type;host;x-amz-date;x-amz-security-token"
#: Made by botocore 1.44.8 for this key, secret and token, at 2027-01-15T08:00:00Z.
MADE = {
    (
        "/model/eu.sim-fast%3A0/converse",
        "",
    ): "ee892afb6a00aa6964f40ca8e46b1153954804c40d4ccf0ac624c6fe62cfcf1d",
    (
        "/model/sim/converse",
        "b=2&a=x%20y&a=1",
    ): "52cd66bcab444abe9fa4000e956c04509178644f27d1095ddfcca8bbae786737",
}


def request(path: str, query: str, **more: str) -> Request:
    scope = "AKID/20270115/eu-west-1/bedrock/aws4_request"
    signature = MADE.get((path, query), "0" * 64)
    headers = {
        "content-type": "application/json",
        "host": "sim.example",
        "x-amz-date": "20270115T080000Z",
        "x-amz-security-token": "tok",
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={NAMES}, Signature={signature}",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    coded = {name.encode(): value.encode() for name, value in headers.items() if value}
    return Request("POST", path, query, coded, b'{"messages":[]}')


@pytest.mark.parametrize(("path", "query"), MADE)
def test_amazons_own_signer_is_right(path: str, query: str) -> None:
    signed = Signed(request(path, query))
    signed.check(SECRET, "bedrock", WALL)
    assert signed.key_id == "AKID"
    for secret, service, now in (
        ("other", "bedrock", WALL),
        (SECRET, "s3", WALL),
        (SECRET, "bedrock", WALL + 301),
    ):
        with pytest.raises(Refused) as refused:
            signed.check(secret, service, now)
        assert (refused.value.status, refused.value.kind) == (403, "InvalidSignatureException")


def test_an_example_of_amazon() -> None:
    # "get-vanilla" of the SigV4 test suite.
    headers = {
        b"host": b"example.amazonaws.com",
        b"x-amz-date": b"20150830T123600Z",
        b"authorization": b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        b"SignedHeaders=host;x-amz-date, "
        b"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    }
    signed = Signed(Request("GET", "/", "", headers, b""))
    signed.check("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service", 1_440_938_160.0)


@pytest.mark.parametrize("field", ["host", "x_amz_date", "content_type", "x_amz_security_token"])
def test_what_is_signed_can_not_be_changed(field: str) -> None:
    (path, query), *_ = MADE
    changed = request(path, query, **{field: "20270115T080001Z"})
    with pytest.raises(Refused):
        Signed(changed).check(SECRET, "bedrock", WALL)


def test_the_body_is_signed() -> None:
    (path, query), *_ = MADE
    given = request(path, query)
    with pytest.raises(Refused, match="does not match"):
        Signed(Request("POST", path, query, given.headers, b"{}")).check(SECRET, "bedrock", WALL)
    hashed = request(path, query, x_amz_content_sha256="0" * 64)
    with pytest.raises(Refused, match="x-amz-content-sha256"):
        Signed(hashed).check(SECRET, "bedrock", WALL)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Basic abc",
        SIGNED.replace("/bedrock/", "/"),
        SIGNED.replace("host;x-amz-date", "x-amz-date"),
        SIGNED.replace("host;x-amz-date", "x-amz-date;host"),
        SIGNED.replace("host;x-amz-date", "host;x-amz-date"),  # the security token is not signed
        SIGNED.replace("20270115", "20270114"),
        SIGNED[:-1],
    ],
)
def test_a_wrong_shape(given: str) -> None:
    with pytest.raises(Refused) as refused:
        Signed(request("/", "", authorization=given))
    assert refused.value.status == 403


def test_a_right_shape() -> None:
    assert Signed(request("/", "", authorization=SIGNED, x_amz_security_token="")).key_id == "AKID"
