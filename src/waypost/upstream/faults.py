"""The one place where what goes wrong on the wire becomes one of our errors, in our own words."""

from __future__ import annotations

import errno
import socket
import ssl

from waypost.errors import Garbled, TimedOut, Truncated, Unavailable, Untrusted, UpstreamError

_CONNECT = {
    errno.ECONNREFUSED: "nothing accepts connections at its address",
    errno.EHOSTUNREACH: "there is no network path to its address",
    errno.ENETUNREACH: "there is no network path to its address",
    errno.ECONNRESET: "it closed the connection while it was being opened",
    errno.EPIPE: "it closed the connection while it was being opened",
    errno.ETIMEDOUT: "its address does not answer",
    errno.EMFILE: "the gateway has no file descriptor left (raise `ulimit -n`)",
    errno.ENFILE: "the machine has no file descriptor left",
}

# X509_V_ERR_* of OpenSSL: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/ (read 2026-11-21)
_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate chain ends in a root that is not trusted",
    20: "its certificate was issued by an authority that is not trusted",
    21: "its certificate chain is incomplete",
    23: "its certificate was revoked",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}

_PHASE = {
    "connect": "did not accept a connection in time",
    "write": "did not read the request in time",
    "first_byte": "did not begin its answer in time",
    "idle": "stopped sending in the middle of its answer",
    "total": "did not finish its answer in time",
}


def unreachable(fault: OSError, whom: str = "provider") -> Unavailable:
    """No connection to the provider, or to its proxy: nothing was sent."""
    if isinstance(fault, socket.gaierror):
        gone = fault.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        why = "its host name does not exist" if gone else "its host name could not be looked up"
    else:
        why = _CONNECT.get(fault.errno or 0, "the connection could not be opened")
    return Unavailable(f"The {whom} can not be reached: {why}. Try again, or check its address and network.")


def handshake(fault: Exception) -> UpstreamError:
    """TLS could not be set up: nothing but the handshake was sent."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(fault.verify_code, "its certificate could not be verified")
        return Untrusted(
            f"The provider's identity is not proven: {why}. The request was not sent; check `tls.ca`."
        )
    if isinstance(fault, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
        return Unavailable(
            "The provider closed the connection during the TLS handshake. Try again; it may ask for a client "
            "certificate (`tls.cert`, `tls.key`)."
        )
    if isinstance(fault, (ssl.SSLError, ssl.CertificateError)):
        return Untrusted(
            "No secure connection to the provider: TLS 1.2 or later could not be agreed, or it refused the client "
            "certificate. The request was not sent; check the scheme and `tls`."
        )
    return (
        unreachable(fault)
        if isinstance(fault, OSError)
        else Unavailable("The TLS handshake failed. Try again.")
    )


def overdue(phase: str) -> TimedOut:
    """A deadline passed. Before the provider has the whole request it can not have billed."""
    billed = phase not in ("connect", "write")
    return TimedOut(
        f"The provider {_PHASE[phase]}. Try again, or raise the provider's `{phase}` deadline.",
        phase=phase,
        may_have_billed=billed,
    )


def crowded() -> TimedOut:
    """No connection became free in time."""
    return TimedOut(
        "All connections to the provider are in use and none became free in time. Try again, or let the gateway "
        "have more files open (`ulimit -Hn`).",
        phase="connect",
        may_have_billed=False,
    )


def unanswered(fault: Exception | None) -> UpstreamError:
    """The connection closed before any byte of an answer. The provider has the request, so it may have worked."""
    if isinstance(fault, ssl.SSLError) and "CERTIFICATE_REQUIRED" in (fault.reason or ""):
        # TLS 1.3 refuses a missing client certificate only after the client's side of the handshake is done.
        return Untrusted("The provider asks for a client certificate: set `tls.cert` and `tls.key`.")
    error = Unavailable("The provider closed the connection without an answer. Try again.")
    error.may_have_billed = True
    return error


def cut() -> Truncated:
    """The connection closed inside an answer."""
    return Truncated("The provider's answer ended before its end. Try again.")


def garbled(what: str) -> Garbled:
    """Bytes that break HTTP or a limit on it; `what` is our own text."""
    return Garbled(f"The provider's answer can not be read: {what}. Try again, or tell the provider.")


def closing() -> Unavailable:
    """The client itself is being closed."""
    return Unavailable("The gateway is shutting down its provider connections. Try again.")
