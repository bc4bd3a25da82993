"""Saying who we are, RFC 4954: PLAIN (RFC 4616) or LOGIN."""

import base64
import ipaddress

from outbound.smtp.conversation import Conversation
from outbound.smtp.replies import RawReply
from outbound.smtp.types import SmtpAccount, SmtpDown

_LONGEST_COMMAND = 510


def is_safe_for_passwords(account: SmtpAccount, peer: str) -> bool:
    """Whether nobody on the way to the IP address `peer` can read what is sent."""
    return account.tls != "none" or ipaddress.ip_address(peer.partition("%")[0]).is_loopback


def choose_mechanism(account: SmtpAccount, offered: frozenset[str]) -> str:
    """PLAIN, or LOGIN for want of it. SmtpDown if the server offers neither."""
    for mechanism in ("PLAIN", "LOGIN"):
        if mechanism in offered:
            return mechanism
    offer = f"only offers {', '.join(sorted(offered))}" if offered else "does not offer AUTH on this port"
    raise SmtpDown(
        f"{account.host} {offer}, so the user name and the password cannot be given.",
        permanent=True,
        hint="Check the port and the encryption, or leave the user name empty if none is needed.",
    )


async def authenticate(conversation: Conversation, account: SmtpAccount, mechanism: str) -> RawReply:
    """Goes through the exchange and returns the last reply, good or bad."""
    if mechanism == "PLAIN":
        return await _plain(conversation, account)
    return await _login(conversation, account)


def without_secrets(text: str, account: SmtpAccount) -> str:
    """`text` without the password in any form in which it was sent: some servers repeat what they refuse."""
    forms = {account.password, _encoded(account.password).decode(), _plain_response(account).decode()}
    for form in sorted(filter(None, forms), key=len, reverse=True):
        text = text.replace(form, "***")
    return text


async def _plain(conversation: Conversation, account: SmtpAccount) -> RawReply:
    response = _plain_response(account)
    command = b"AUTH PLAIN " + response
    if len(command) <= _LONGEST_COMMAND:
        return await conversation.command(command)
    reply = await conversation.command(b"AUTH PLAIN")
    return await conversation.command(response) if reply[0] == 334 else reply


async def _login(conversation: Conversation, account: SmtpAccount) -> RawReply:
    reply = await conversation.command(b"AUTH LOGIN")
    for secret in (account.username, account.password):
        if reply[0] != 334:
            return reply
        reply = await conversation.command(_encoded(secret))
    return reply


def _plain_response(account: SmtpAccount) -> bytes:
    return _encoded(f"\0{account.username}\0{account.password}")


def _encoded(text: str) -> bytes:
    return base64.b64encode(text.encode())
