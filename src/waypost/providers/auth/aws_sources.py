"""Temporary AWS keys: from the container, from a web identity, from the instance, from another role.

Wire facts: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html and
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, compared with botocore 1.44 (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import datetime
from typing import TypeAlias

import msgspec

from waypost.core.origin import Origin
from waypost.errors import CredentialRefused, Unavailable
from waypost.providers.auth.renewal import (
    FORM,
    Ask,
    ReadFile,
    Said,
    Wanted,
    form,
    masked,
    metadata,
    public,
    refusal,
)
from waypost.providers.auth.sigv4 import AwsKeys, Place, amz_date, sign

_INSTANCE = metadata("169.254.169.254")
_ROLES = "/latest/meta-data/iam/security-credentials/"
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)

AwsSteps: TypeAlias = Generator[Wanted, Said, AwsKeys]


class ContainerKeys(msgspec.Struct, frozen=True):
    """ECS and EKS: an endpoint beside the container."""

    origin: Origin
    path: str
    authorization: str | None = None
    authorization_file: str | None = None

    __repr__ = masked

    def steps(self, at: float) -> AwsSteps:  # noqa: ARG002 - a source's signature
        value = self.authorization
        if self.authorization_file is not None:
            value = yield from _read(self.authorization_file)
        headers = (("authorization", value),) if value else ()
        said = yield Ask(self.origin, "GET", self.path, (("accept", "application/json"), *headers))
        return _parse_json(said, "The container's credential endpoint")


class InstanceKeys(msgspec.Struct, frozen=True):
    """EC2: the instance metadata service, version 2 only."""

    def steps(self, at: float) -> AwsSteps:  # noqa: ARG002 - a source's signature
        who = "The instance metadata service"
        lasts = ("x-aws-ec2-metadata-token-ttl-seconds", "21600")
        said = yield Ask(_INSTANCE, "PUT", "/latest/api/token", (lasts,))
        session = said.body.decode("ascii", "replace").strip()
        if said.status != 200 or _VISIBLE.fullmatch(session) is None:
            raise refusal(said, who)
        proof = (("x-aws-ec2-metadata-token", session),)
        said = yield Ask(_INSTANCE, "GET", _ROLES, proof)
        role = said.body.decode("ascii", "replace").strip().partition("\n")[0]
        if said.status != 200 or _ROLE_NAME.fullmatch(role) is None:
            raise CredentialRefused(f"{who} names no role: give the instance one (HTTP {said.status}).")
        return _parse_json((yield Ask(_INSTANCE, "GET", _ROLES + role, proof)), who)


class WebIdentityKeys(msgspec.Struct, frozen=True):
    """A token of another identity provider, in a file that is read anew each time, for a role."""

    region: str
    role_arn: str
    token_file: str
    session_name: str = "waypost"

    def steps(self, at: float) -> AwsSteps:  # noqa: ARG002 - a source's signature
        token = yield from _read(self.token_file)
        body = form(
            Action="AssumeRoleWithWebIdentity",
            Version="2011-06-15",
            RoleArn=self.role_arn,
            RoleSessionName=self.session_name,
            WebIdentityToken=token,
        )
        return _parse_xml((yield Ask(public(sts_host(self.region)), "POST", "/", (FORM,), body)))


class AssumedRole(msgspec.Struct, frozen=True):
    """Keys of a role that other keys may take on."""

    region: str
    role_arn: str
    first: AwsKeys | ContainerKeys | InstanceKeys | WebIdentityKeys
    """The keys that ask."""
    session_name: str = "waypost"
    external_id: str | None = None

    __repr__ = masked

    def steps(self, at: float) -> AwsSteps:
        keys = self.first if isinstance(self.first, AwsKeys) else (yield from self.first.steps(at))
        more = {} if self.external_id is None else {"ExternalId": self.external_id}
        body = form(
            Action="AssumeRole",
            Version="2011-06-15",
            RoleArn=self.role_arn,
            RoleSessionName=self.session_name,
            **more,
        )
        host = sts_host(self.region)
        headers = [FORM, ("x-amz-date", amz_date(at))]
        if keys.session_token is not None:
            headers.append(("x-amz-security-token", keys.session_token))
        value = sign(keys, Place(self.region, "sts"), "POST", "/", [("host", host), *headers], body)
        ask = Ask(public(host), "POST", "/", (*headers, ("authorization", value)), body)
        return _parse_xml((yield ask))


AwsSource: TypeAlias = ContainerKeys | InstanceKeys | WebIdentityKeys | AssumedRole


def sts_host(region: str) -> str:
    """The regional endpoint of the Security Token Service."""
    return f"sts.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")


def _read(path: str) -> Generator[Wanted, Said, str]:
    said = yield ReadFile(path)
    text = said.body.decode("ascii", "replace").strip()
    if said.status != 200 or _VISIBLE.fullmatch(text) is None:
        raise CredentialRefused(f"the file {path} can not be read, or holds no token.")
    return text


class _JsonKeys(msgspec.Struct, rename="pascal"):
    access_key_id: str
    secret_access_key: str
    token: str
    expiration: str


def _parse_json(said: Said, who: str) -> AwsKeys:
    if said.status != 200:
        raise refusal(said, who)
    try:
        keys = msgspec.json.decode(said.body, type=_JsonKeys)
    except (msgspec.DecodeError, RecursionError):
        raise Unavailable(f"{who} answered with something that holds no keys.") from None
    return _keys((keys.access_key_id, keys.secret_access_key, keys.token, keys.expiration), who)


def _parse_xml(said: Said) -> AwsKeys:
    """STS answers with XML whose values are plain texts without markup."""
    who, text = "AWS's token service (STS)", said.body.decode("utf-8", "replace")
    if said.status != 200:
        code = re.search(r"<Code>([A-Za-z.]{1,60})</Code>", text)
        told = f"{who} answered HTTP {said.status}" + (f" ({code.group(1)})." if code else ".")
        raise CredentialRefused(told) if said.status in (400, 401, 403) else Unavailable(told)
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    found = [re.search(rf"<{name}>([^<]+)</{name}>", text) for name in names]
    return _keys(tuple(match.group(1).strip() if match else "" for match in found), who)


def _keys(parts: tuple[str, ...], who: str) -> AwsKeys:
    access, secret, token, ends = parts
    try:
        expires = datetime.fromisoformat(ends.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise Unavailable(f"{who} gave keys without a readable end.") from None
    if any(_VISIBLE.fullmatch(part) is None for part in (access, secret, token)):
        raise Unavailable(f"{who} answered with something that holds no keys.")
    return AwsKeys(access, secret, token, expires)
