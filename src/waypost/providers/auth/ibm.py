"""IBM Cloud: an API key is exchanged for an IAM token.

https://cloud.ibm.com/docs/account?topic=account-iamtoken_from_apikey (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.providers.auth.google import TokenSteps
from waypost.providers.auth.renewal import FORM, JSON, Ask, form, masked, parse_token, public


class IamKey(msgspec.Struct, frozen=True):
    """An IBM Cloud API key."""

    api_key: str

    __repr__ = masked

    def steps(self, at: float) -> TokenSteps:
        body = form(grant_type="urn:ibm:params:oauth:grant-type:apikey", apikey=self.api_key)
        said = yield Ask(public("iam.cloud.ibm.com"), "POST", "/identity/token", (FORM, JSON), body)
        return parse_token(said, at, "IBM Cloud's token endpoint")
