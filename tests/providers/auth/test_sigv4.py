"""AWS's own vectors (its `aws4_testsuite`, as botocore carries it) and some computed with botocore 1.44."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from providers.auth.steps import NOW, walk
from waypost.providers.auth.aws_sources import InstanceKeys
from waypost.providers.auth.renewal import Held
from waypost.providers.auth.sigv4 import AwsKeys, Place, SigV4, amz_date, sign

KEYS = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUITE = Place("us-east-1", "service")
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = "application/x-www-form-urlencoded"
VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
POSTED = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
SESSION = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        ("GET", "/", [], b"", VANILLA),
        ("POST", "/", [], b"", POSTED),
        ("GET", "/example1/example2/../..", [], b"", VANILLA),
        ("GET", "/./", [], b"", VANILLA),
        ("GET", "//", [], b"", VANILLA),
        ("GET", "//example//", [], b"", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        ("GET", "/./example", [], b"", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
        (
            "GET",
            f"/{UNRESERVED}",
            [],
            b"",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        (
            "GET",
            f"/?{UNRESERVED}={UNRESERVED}",
            [],
            b"",
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            "GET",
            "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            [],
            b"",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            [],
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "GET",
            "/?Param1=value2&Param1=Value1",
            [],
            b"",
            "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
        ),
        (
            "POST",
            "/?Param1=value1",
            [],
            b"",
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        ),
        (
            "GET",
            "/",
            [("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')],
            b"",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "POST",
            "/",
            [("My-Header1", "VALUE1")],
            b"",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
        (
            "POST",
            "/",
            [("Content-Type", FORM)],
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "GET",
            "/",
            [("X-Amz-Security-Token", SESSION)],
            b"",
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ),
    ],
)
def test_awss_own_vectors(
    method: str, path: str, headers: list[tuple[str, str]], body: bytes, signature: str
) -> None:
    sent = [("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z"), *headers]
    value = sign(KEYS, SUITE, method, path, sent, body)
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert value.startswith(f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=")
    assert value.endswith(f", Signature={signature}")


@pytest.mark.parametrize(
    ("method", "host", "path", "body", "region", "token", "signature"),
    [
        (
            "POST",
            "bedrock-runtime.us-east-1.amazonaws.com",
            "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
            b'{"messages":[]}',
            "us-east-1",
            None,
            "55e88829b5ab8fe867327f900110eb743feeb936cfee83b3faca00e7996a1a38",
        ),
        (
            "POST",
            "bedrock-runtime.eu-central-1.amazonaws.com",
            "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Fp/converse-stream",
            b"{}",
            "eu-central-1",
            "SESSION/TOKEN+==",
            "01f892017ffd086416e602250984739590c0450a6acc1b3e453d7474965da17e",
        ),
        (
            "GET",
            "bedrock.us-east-1.amazonaws.com",
            "/foundation-models?byOutputModality=TEXT&byInferenceType=ON_DEMAND",
            b"",
            "us-east-1",
            None,
            "748f3dec0ead90a6a7245c3aedd7d89782681cbb2bd9ade46b3e37927fcfe3c0",
        ),
    ],
)
def test_bedrock_requests_are_signed_as_botocore_signs_them(
    method: str, host: str, path: str, body: bytes, region: str, token: str | None, signature: str
) -> None:
    keys = AwsKeys(KEYS.access_key_id, KEYS.secret_access_key, token)
    lines = SigV4(keys, Place(region, "bedrock")).lines(method, host, path, body, NOW).decode()
    names = "host;x-amz-date" + (";x-amz-security-token" if token else "")
    scope = f"AKIDEXAMPLE/20261125/{region}/bedrock/aws4_request"
    assert lines == (
        f"authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}\r\n"
        "x-amz-date: 20261125T120000Z\r\n" + (f"x-amz-security-token: {token}\r\n" if token else "")
    )


def test_the_time_and_the_day_are_those_of_the_request() -> None:
    signer = SigV4(KEYS, Place("us-east-1", "bedrock"))
    first = signer.lines("POST", "h.example", "/", b"", NOW)
    assert signer.lines("POST", "h.example", "/", b"", NOW) == first
    later = signer.lines("POST", "h.example", "/", b"", NOW + 86_400)
    assert b"/20261126/" in later
    assert later == SigV4(KEYS, Place("us-east-1", "bedrock")).lines(
        "POST", "h.example", "/", b"", NOW + 86_400
    )
    assert amz_date(NOW + 0.9) == "20261125T120000Z"


def test_temporary_keys_are_taken_from_what_is_held() -> None:
    held = Held[AwsKeys](InstanceKeys(), "b")
    signer = SigV4(held, Place("us-east-1", "bedrock"))
    assert signer.renewal is held
    assert signer.secrets() == ()
    keys = b'{"AccessKeyId":"ASIA1","SecretAccessKey":"s3cret","Token":"t0ken","Expiration":"2026-11-25T18:00:00Z"}'
    walk(held.steps(NOW), [b"session", b"role", keys])
    assert b"Credential=ASIA1/" in signer.lines("POST", "h.example", "/", b"", NOW)
    assert signer.secrets() == (b"s3cret", b"t0ken", b"ASIA1")


def test_nothing_shows_the_secret() -> None:
    signer = SigV4(KEYS, SUITE)
    assert "wJalr" not in f"{KEYS!r} {signer!r} {KEYS}"
    assert signer.key == SigV4(AwsKeys(KEYS.access_key_id, KEYS.secret_access_key), SUITE).key
    assert signer.key != SigV4(KEYS, Place("eu-west-1", "service")).key


def test_keys_that_could_break_a_header_are_known() -> None:
    assert KEYS.printable
    assert not AwsKeys("a", "b", "c\r\nx: 1").printable
    assert not AwsKeys("a b", "c").printable


_SEGMENT = st.text(st.sampled_from("aZ09-._~!$&'()*+,;=:@"), min_size=1, max_size=12)
_ESCAPED = st.sampled_from(["%3A", "%2F", "%20", "%25"])


@given(
    path=st.lists(st.one_of(_SEGMENT, _ESCAPED), max_size=5).map(lambda parts: "/" + "/".join(parts)),
    query=st.lists(
        st.tuples(st.sampled_from("abAB"), st.text(st.sampled_from("aZ09-._~"), max_size=4)), max_size=4
    ),
    body=st.binary(max_size=40),
    token=st.none() | st.text(st.sampled_from("aZ09/+="), min_size=1, max_size=20),
)
def test_botocore_signs_the_same(
    path: str, query: list[tuple[str, str]], body: bytes, token: str | None
) -> None:
    asked = path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    theirs = AWSRequest("POST", f"https://h.example{asked}", data=body, headers={"X-Amz-Date": amz_date(NOW)})
    if token is not None:
        theirs.headers["X-Amz-Security-Token"] = token
    signer = SigV4Auth(Credentials(KEYS.access_key_id, KEYS.secret_access_key, token), "bedrock", "eu-west-1")
    theirs.context["timestamp"] = amz_date(NOW)
    text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
    expected = signer.signature(text, theirs)
    keys = AwsKeys(KEYS.access_key_id, KEYS.secret_access_key, token)
    lines = SigV4(keys, Place("eu-west-1", "bedrock")).lines("POST", "h.example", asked, body, NOW)
    assert f"Signature={expected}\r\n".encode() in lines
