"""What went wrong while a connection was set up, in words for the person who has to put it right."""

import socket
import ssl

from outbound.smtp.replies import ProtocolViolation
from outbound.smtp.types import SmtpAccount, SmtpDown

_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "HTTP_REQUEST")


def refused_by(account: SmtpAccount, what: str, code: int, text: str) -> SmtpDown:
    """The server answered with a refusal. `what` continues "smtp.example.com …"; 5xx is permanent."""
    return SmtpDown(f"{account.host} {what}: {code} {text}".rstrip(), permanent=code >= 500)


def describe(error: Exception, account: SmtpAccount, seconds: float) -> SmtpDown:
    """The sentence for an error of the network, of TLS or of the protocol, after at most `seconds`."""
    if isinstance(error, ssl.SSLError):
        return _tls_trouble(error, account)
    place = f"{account.host} port {account.port}"
    match error:
        case socket.gaierror() | UnicodeError():
            return SmtpDown(
                f"The host name {account.host} cannot be resolved.",
                hint="Check its spelling, and that this machine can ask a name server.",
            )
        case ConnectionRefusedError():
            return SmtpDown(f"{place} refuses connections.", hint="Nothing listens there, or a firewall forbids it.")
        case TimeoutError():
            return SmtpDown(
                f"{place} did not answer within {seconds:g} s.", hint="Many networks block the ports of SMTP."
            )
        case ConnectionError():
            return SmtpDown(f"{place} hung up while the connection was being set up.")
        case ProtocolViolation():
            return SmtpDown(f"{place} does not speak SMTP: {error}.", hint=_hint_for_silence(account))
        case _:
            return SmtpDown(f"{place} cannot be reached: {error}.")


def _tls_trouble(error: ssl.SSLError, account: SmtpAccount) -> SmtpDown:
    if isinstance(error, ssl.SSLCertVerificationError):
        return SmtpDown(
            f"The certificate of {account.host} cannot be trusted: {error.verify_message}.",
            permanent=True,
            hint="If the provider has a certificate authority of its own, name its file in the account.",
        )
    if error.reason in _NOT_TLS:
        return SmtpDown(
            f"{account.host} port {account.port} does not speak TLS 1.2 or later.",
            permanent=True,
            hint="Port 465 takes implicit TLS; ports 587 and 25 take STARTTLS.",
        )
    return SmtpDown(f"TLS with {account.host} failed: {error.reason or error}.")


def _hint_for_silence(account: SmtpAccount) -> str | None:
    if account.tls == "implicit":
        return None
    return "If this port expects TLS from the first byte, choose implicit TLS."
