from __future__ import annotations

import pytest

from providers.auth.steps import NOW, ask, walk
from waypost.errors import CredentialRefused, Unavailable
from waypost.providers.auth.aws_sources import (
    AssumedRole,
    ContainerKeys,
    InstanceKeys,
    WebIdentityKeys,
    sts_host,
)
from waypost.providers.auth.renewal import ReadFile, Said, metadata
from waypost.providers.auth.sigv4 import AwsKeys

KEYS = (
    b'{"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"s3cret","Token":"t0ken/+=",'
    b'"Expiration":"2026-11-25T18:00:00Z"}'
)
XML = (
    b'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    b"<AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>s3/cret</SecretAccessKey><SessionToken>t0k</SessionToken>"
    b"<Expiration>2026-11-25T13:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
GOT = AwsKeys("ASIA1", "s3cret", "t0ken/+=", NOW + 6 * 3600)
ROLE = "arn:aws:iam::123456789012:role/waypost"


def test_a_container_gives_keys() -> None:
    source = ContainerKeys(metadata("169.254.170.2"), "/v2/credentials/x")
    wanted, keys = walk(source.steps(NOW), [KEYS])
    assert (ask(wanted[0]).origin.host, ask(wanted[0]).path) == ("169.254.170.2", "/v2/credentials/x")
    assert keys == GOT


def test_a_pod_proves_itself_with_the_token_in_a_file() -> None:
    source = ContainerKeys(metadata("169.254.170.23"), "/v1/credentials", "old", "/var/run/eks/token")
    wanted, _ = walk(source.steps(NOW), [b"fresh\n", KEYS])
    assert wanted[0] == ReadFile("/var/run/eks/token")
    assert ("authorization", "fresh") in ask(wanted[1]).headers
    with pytest.raises(CredentialRefused, match="/var/run/eks/token"):
        walk(source.steps(NOW), [Said(404, b"")])
    with pytest.raises(CredentialRefused):
        walk(source.steps(NOW), [b"two\r\nlines"])


def test_an_instance_is_asked_in_three_steps() -> None:
    wanted, keys = walk(InstanceKeys().steps(NOW), [b"session==", b"my-role\n", KEYS])
    asks = [ask(each) for each in wanted]
    assert [(each.method, each.path) for each in asks] == [
        ("PUT", "/latest/api/token"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/latest/meta-data/iam/security-credentials/my-role"),
    ]
    assert asks[0].headers == (("x-aws-ec2-metadata-token-ttl-seconds", "21600"),)
    assert asks[2].headers == (("x-aws-ec2-metadata-token", "session=="),)
    assert all(each.origin == metadata("169.254.169.254") for each in asks)
    assert keys == GOT


@pytest.mark.parametrize(
    "answers",
    [
        [Said(403, b"")],
        [b"session", Said(404, b"")],
        [b"session", b"../../evil"],
        [b"session", b""],
        [b"session", b"role", Said(401, b"")],
    ],
)
def test_an_instance_without_a_role_is_told_of(answers: list[Said | bytes]) -> None:
    with pytest.raises(CredentialRefused):
        walk(InstanceKeys().steps(NOW), answers)


@pytest.mark.parametrize(
    "body", [b"", b"{}", KEYS.replace(b"18:00:00Z", b"never"), KEYS.replace(b"s3cret", b"a b")]
)
def test_anything_else_holds_no_keys(body: bytes) -> None:
    with pytest.raises(Unavailable):
        walk(InstanceKeys().steps(NOW), [b"session", b"role", body])


def test_a_web_identity_is_exchanged_unsigned() -> None:
    wanted, keys = walk(WebIdentityKeys("eu-west-1", ROLE, "/token").steps(NOW), [b"eyJ.a.b", XML])
    sent = ask(wanted[1])
    assert sent.origin.authority == "sts.eu-west-1.amazonaws.com"
    assert sent.body == (
        b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
        b"&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fwaypost&RoleSessionName=waypost&WebIdentityToken=eyJ.a.b"
    )
    assert "authorization" not in dict(sent.headers)
    assert keys == AwsKeys("ASIA2", "s3/cret", "t0k", NOW + 3600)


def test_a_role_is_taken_on_with_a_signature_as_botocore_makes_it() -> None:
    first = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    wanted, keys = walk(AssumedRole("us-east-1", ROLE, first).steps(NOW), [XML])
    assert dict(ask(wanted[0]).headers)["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/us-east-1/sts/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=a5934a497f1fcf31568e8bd501bf20bfce345a1436ea6373dcf2e5e521615082"
    )
    assert keys.access_key_id == "ASIA2"


def test_a_role_behind_temporary_keys() -> None:
    source = AssumedRole("us-east-1", ROLE, InstanceKeys(), external_id="ext 1")
    wanted, _ = walk(source.steps(NOW), [b"session", b"role", KEYS, XML])
    sent = ask(wanted[3])
    assert dict(sent.headers)["x-amz-security-token"] == "t0ken/+="
    assert b"&ExternalId=ext+1" in sent.body


def test_a_refusal_names_its_code_and_nothing_else() -> None:
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>User s3cret</Message></Error></ErrorResponse>"
    first = AwsKeys("a", "b")
    with pytest.raises(CredentialRefused, match=r"AccessDenied") as caught:
        walk(AssumedRole("us-east-1", ROLE, first).steps(NOW), [Said(403, denied)])
    assert "s3cret" not in caught.value.message
    with pytest.raises(Unavailable):
        walk(AssumedRole("us-east-1", ROLE, first).steps(NOW), [Said(503, b"")])
    with pytest.raises(Unavailable):
        walk(AssumedRole("us-east-1", ROLE, first).steps(NOW), [b"<html>"])


def test_china_has_its_own_hosts() -> None:
    assert sts_host("us-east-1") == "sts.us-east-1.amazonaws.com"
    assert sts_host("cn-north-1") == "sts.cn-north-1.amazonaws.com.cn"
