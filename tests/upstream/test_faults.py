"""Errors are ours, in our words."""

from __future__ import annotations

import socket
import ssl

from waypost.errors import GatewayError, Untrusted
from waypost.upstream import faults


def test_no_error_quotes_a_system_text() -> None:
    from waypost.upstream import faults

    secret = "https://key@host"
    for error in (
        faults.unreachable(OSError(99, secret)),
        faults.unreachable(socket.gaierror(socket.EAI_FAIL, secret)),
        faults.handshake(ValueError(secret)),
        faults.unanswered(OSError(104, secret)),
    ):
        assert isinstance(error, GatewayError)
        assert secret not in error.message


def test_a_missing_client_certificate_in_tls_1_3_is_told_after_the_handshake() -> None:
    fault = ssl.SSLError(1, "secret text")
    fault.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    error = faults.unanswered(fault)
    assert isinstance(error, Untrusted)
    assert "tls.cert" in error.message
