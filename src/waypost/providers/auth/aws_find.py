"""Where the usual places say that AWS keys are: variables, the profile files, the container.

Names and file formats: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html, compared with
botocore 1.44 (2026-11-25).
"""

from __future__ import annotations

import configparser
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from waypost.core.origin import Origin
from waypost.providers.auth.aws_sources import (
    AssumedRole,
    AwsSource,
    ContainerKeys,
    InstanceKeys,
    WebIdentityKeys,
)
from waypost.providers.auth.renewal import masked, metadata
from waypost.providers.auth.sigv4 import AwsKeys

AwsPlace = Literal["auto", "environment", "profile", "container", "web_identity", "instance"]
_LINKS_MAX = 5
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONTAINER_HOSTS = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")


class NotFound(Exception):
    """No keys where they were looked for. The text names places, never values."""


class AwsWanted(msgspec.Struct, frozen=True):
    """What the operator said of the keys."""

    region: str
    place: AwsPlace = "auto"
    keys: AwsKeys | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    session_name: str = "waypost"

    __repr__ = masked


Read = Callable[[str], str | None]
"""A file's text; None when it is not there or can not be read."""


def find_aws(wanted: AwsWanted, env: Mapping[str, str], read: Read) -> AwsKeys | AwsSource:
    """Keys, or the source they are fetched from. Raises NotFound.

    `auto` looks at the variables, a web identity, the profile and the container, in this order. The instance is asked
    only by name: elsewhere nobody answers at its address, and a start would not know.
    """
    first = wanted.keys or _first(wanted, env, read)
    if wanted.role_arn is None or isinstance(first, WebIdentityKeys):
        return first
    if isinstance(first, AssumedRole):
        raise NotFound("the profile takes on a role already; leave `role_arn` out")
    return AssumedRole(wanted.region, wanted.role_arn, first, wanted.session_name, wanted.external_id)


def _first(wanted: AwsWanted, env: Mapping[str, str], read: Read) -> AwsKeys | AwsSource:
    place = "profile" if wanted.profile is not None and wanted.place == "auto" else wanted.place
    if place == "instance":
        return InstanceKeys()
    if place == "profile":
        name = wanted.profile or env.get("AWS_PROFILE") or "default"
        found = _Profiles(env, read, wanted).find(name)
        if found is None:
            raise NotFound(f"the AWS files have no profile {name!r}")
        return found
    ways: dict[str, Callable[[], AwsKeys | AwsSource | None]] = {
        "environment": lambda: _from_variables(env),
        "web_identity": lambda: _from_web_identity(wanted, env),
        "container": lambda: _from_container(env),
    }
    if place != "auto":
        named = ways[place]()
        if named is None:
            raise NotFound(f"{_NEEDED[place]} not set")
        return named
    found = ways["environment"]() or ways["web_identity"]()
    found = found or _Profiles(env, read, wanted).find(env.get("AWS_PROFILE") or "default")
    found = found or ways["container"]()
    if found is None:
        raise NotFound(
            "no AWS keys were found: not in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not in the AWS files, "
            "not from a container"
        )
    return found


_NEEDED = {
    "environment": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are",
    "web_identity": "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are",
    "container": "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI is",
}


def _from_variables(env: Mapping[str, str]) -> AwsKeys | None:
    access, secret = env.get("AWS_ACCESS_KEY_ID", "").strip(), env.get("AWS_SECRET_ACCESS_KEY", "").strip()
    return AwsKeys(access, secret, env.get("AWS_SESSION_TOKEN") or None) if access and secret else None


def _from_web_identity(wanted: AwsWanted, env: Mapping[str, str]) -> WebIdentityKeys | None:
    file, role = env.get("AWS_WEB_IDENTITY_TOKEN_FILE"), wanted.role_arn or env.get("AWS_ROLE_ARN")
    session = env.get("AWS_ROLE_SESSION_NAME") or wanted.session_name
    return WebIdentityKeys(wanted.region, role, file, session) if file and role else None


def _from_container(env: Mapping[str, str]) -> ContainerKeys | None:
    token, file = (
        env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    )
    relative = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    if relative:
        return ContainerKeys(metadata("169.254.170.2"), relative, token, file)
    full = env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not full:
        return None
    try:
        url = urlsplit(full)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise NotFound("AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL") from None
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if url.scheme == "https":
        return ContainerKeys(Origin("https", host, port or 443, private=True), path, token, file)
    if url.scheme != "http" or host not in _LOOPBACK + _CONTAINER_HOSTS:
        raise NotFound(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of the container's host"
        )
    return ContainerKeys(metadata(host, port or 80), path, token, file)


class _Profiles:
    """`~/.aws/credentials` and `~/.aws/config`, or the files the variables name."""

    def __init__(self, env: Mapping[str, str], read: Read, wanted: AwsWanted) -> None:
        home = env.get("HOME") or env.get("USERPROFILE") or ""
        self._env = env
        self._wanted = wanted
        self._credentials = _parse(read(env.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/.aws/credentials"))
        self._config = _parse(read(env.get("AWS_CONFIG_FILE") or f"{home}/.aws/config"))

    def find(self, name: str, depth: int = 0) -> AwsKeys | AwsSource | None:
        """What a profile leads to; None when there is no such profile. Raises NotFound for one that leads nowhere."""
        said = dict(self._section(self._config, "default" if name == "default" else f"profile {name}"))
        said.update(self._section(self._credentials, name))
        if not said:
            return None
        if depth > _LINKS_MAX:
            raise NotFound(f"the AWS profile {name!r} leads through too many others")
        role, file = said.get("role_arn"), said.get("web_identity_token_file")
        region = self._wanted.region
        if role and file:
            return WebIdentityKeys(region, role, file, said.get("role_session_name", "waypost"))
        if role:
            first = self._behind(name, said, depth)
            session = said.get("role_session_name", "waypost")
            return AssumedRole(region, role, first, session, said.get("external_id"))
        access, secret = said.get("aws_access_key_id"), said.get("aws_secret_access_key")
        if access and secret:
            return AwsKeys(access, secret, said.get("aws_session_token") or None)
        for word in ("sso_session", "sso_start_url", "credential_process", "login_session"):
            if word in said:
                raise NotFound(
                    f"the AWS profile {name!r} uses `{word}`, which the gateway can not; "
                    "`aws configure export-credentials` shows keys it can use"
                )
        return None

    def _behind(
        self, name: str, said: Mapping[str, str], depth: int
    ) -> AwsKeys | ContainerKeys | InstanceKeys | WebIdentityKeys:
        """The keys that a profile with a role asks with."""
        source, place = said.get("source_profile"), said.get("credential_source")
        found: AwsKeys | AwsSource | None = None
        if source == name:
            section = self._section(self._credentials, name)
            access, secret = section.get("aws_access_key_id"), section.get("aws_secret_access_key")
            found = AwsKeys(access, secret) if access and secret else None
        elif source is not None:
            found = self.find(source, depth + 1)
        elif place == "Environment":
            found = _from_variables(self._env)
        elif place == "EcsContainer":
            found = _from_container(self._env)
        elif place == "Ec2InstanceMetadata":
            found = InstanceKeys()
        if found is None or isinstance(found, AssumedRole):
            raise NotFound(f"the AWS profile {name!r} has a role, and no keys that may take it on")
        return found

    @staticmethod
    def _section(file: configparser.ConfigParser, name: str) -> Mapping[str, str]:
        return file[name] if file.has_section(name) else {}


def _parse(text: str | None) -> configparser.ConfigParser:
    # No default section: in these files `[default]` is a profile like any other.
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        parser.read_string(text or "")
    except configparser.Error:
        raise NotFound("the AWS profile files can not be read") from None
    return parser
