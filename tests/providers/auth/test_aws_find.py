from __future__ import annotations

import pytest

from waypost.providers.auth.aws_find import AwsPlace, AwsWanted, NotFound, find_aws
from waypost.providers.auth.aws_sources import (
    AssumedRole,
    AwsSource,
    ContainerKeys,
    InstanceKeys,
    WebIdentityKeys,
)
from waypost.providers.auth.renewal import metadata
from waypost.providers.auth.sigv4 import AwsKeys

ROLE = "arn:aws:iam::1:role/r"
CREDENTIALS = """
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = sd
[work]
aws_access_key_id = AKWORK
aws_secret_access_key = sw
aws_session_token = tw
[self]
aws_access_key_id = AKSELF
aws_secret_access_key = ss
"""
CONFIG = f"""
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 5
[profile role]
role_arn = {ROLE}
source_profile = work
external_id = e1
role_session_name = me
[profile self]
role_arn = {ROLE}
source_profile = self
[profile ec2]
role_arn = {ROLE}
credential_source = Ec2InstanceMetadata
[profile web]
role_arn = {ROLE}
web_identity_token_file = /token
[profile sso]
sso_session = corp
[profile loop]
role_arn = {ROLE}
source_profile = loop2
[profile loop2]
role_arn = {ROLE}
source_profile = loop
"""
FILES = {"/home/me/.aws/credentials": CREDENTIALS, "/home/me/.aws/config": CONFIG, "/odd": "[a\n"}
HOME = {"HOME": "/home/me"}
STATIC = {"AWS_ACCESS_KEY_ID": " AKENV ", "AWS_SECRET_ACCESS_KEY": "se"}
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/web", "AWS_ROLE_ARN": ROLE}
POD = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}


def find(
    env: dict[str, str],
    place: AwsPlace = "auto",
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    keys: AwsKeys | None = None,
) -> AwsKeys | AwsSource:
    wanted = AwsWanted("us-east-1", place, keys, profile, role_arn)
    return find_aws(wanted, env, FILES.get)


def test_the_order_of_places() -> None:
    everything = {**HOME, **STATIC, **WEB, **POD}
    assert find(everything, keys=AwsKeys("a", "b")) == AwsKeys("a", "b")
    assert find(everything) == AwsKeys("AKENV", "se")
    assert find({**HOME, **WEB, **POD}) == WebIdentityKeys("us-east-1", ROLE, "/web")
    assert find({**HOME, **POD}) == AwsKeys("AKDEFAULT", "sd")
    assert find(POD) == ContainerKeys(metadata("169.254.170.2"), "/v2/x")
    with pytest.raises(NotFound, match="no AWS keys were found"):
        find({})


def test_a_place_can_be_named() -> None:
    everything = {**HOME, **STATIC, **WEB, **POD}
    assert find(everything, "instance") == InstanceKeys()
    assert isinstance(find(everything, "container"), ContainerKeys)
    assert isinstance(find(everything, "web_identity"), WebIdentityKeys)
    assert find(everything, "profile") == AwsKeys("AKDEFAULT", "sd")
    assert find({**everything, "AWS_PROFILE": "work"}, "profile") == AwsKeys("AKWORK", "sw", "tw")
    assert find(everything, profile="work") == AwsKeys("AKWORK", "sw", "tw")
    places: tuple[AwsPlace, ...] = ("environment", "container", "web_identity")
    for place in places:
        with pytest.raises(NotFound, match="not set"):
            find(HOME, place)


def test_profiles_lead_on() -> None:
    work = AwsKeys("AKWORK", "sw", "tw")
    assert find(HOME, profile="role") == AssumedRole("us-east-1", ROLE, work, "me", "e1")
    assert find(HOME, profile="self") == AssumedRole("us-east-1", ROLE, AwsKeys("AKSELF", "ss"))
    assert find(HOME, profile="ec2") == AssumedRole("us-east-1", ROLE, InstanceKeys())
    assert find(HOME, profile="web") == WebIdentityKeys("us-east-1", ROLE, "/token")


@pytest.mark.parametrize(
    ("profile", "why"),
    [("nobody", "no profile 'nobody'"), ("sso", "sso_session"), ("loop", "too many|no keys")],
)
def test_profiles_that_lead_nowhere(profile: str, why: str) -> None:
    with pytest.raises(NotFound, match=why):
        find(HOME, profile=profile)


def test_a_role_on_top() -> None:
    assert find({**HOME, **STATIC}, role_arn="arn:x") == AssumedRole(
        "us-east-1", "arn:x", AwsKeys("AKENV", "se")
    )
    assert find(WEB, role_arn="arn:x") == WebIdentityKeys("us-east-1", "arn:x", "/web")
    with pytest.raises(NotFound, match="leave `role_arn` out"):
        find(HOME, profile="role", role_arn="arn:x")


def test_full_addresses_of_a_container() -> None:
    name = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    eks = find({name: "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t"})
    assert eks == ContainerKeys(metadata("169.254.170.23"), "/v1/credentials", None, "/t")
    secure = find({name: "https://agent.example/creds?x=1"})
    assert isinstance(secure, ContainerKeys)
    assert (secure.origin.authority, secure.path) == ("agent.example", "/creds?x=1")
    for url in ("http://evil.example/", "ftp://127.0.0.1/", "http://[::1"):
        with pytest.raises(NotFound, match=name):
            find({name: url})


def test_files_that_can_not_be_read() -> None:
    with pytest.raises(NotFound, match="profile files"):
        find({"AWS_CONFIG_FILE": "/odd"}, "profile")
