"""What is checked before a message is offered, and the parameters its MAIL command needs."""

from outbound.smtp.capabilities import Capabilities
from outbound.smtp.types import Outgoing, Reply, Stage

# Any of these in an address could end the command, or the address, and begin another one.
_UNSAFE = bytes(range(33)) + b"<>\x7f"
_LONGEST_PATH = 510 - len(b"MAIL FROM:<>")  # a command line has 512 bytes, RFC 5321 section 4.5.3.1.4


def examine(message: Outgoing, capabilities: Capabilities) -> bytes | Reply:
    """The parameters for MAIL, each with a blank before it, nearly always b""; or why it cannot be sent."""
    body = message.body
    addresses = message.sender + message.recipient
    if (
        len(body) <= capabilities.small
        and not message.smtputf8
        and addresses.isascii()
        and (message.seven_bit or body.isascii())
        and body.endswith(b"\r\n")
        and message.recipient
        and len(addresses) <= _LONGEST_PATH
        and len(addresses.translate(None, _UNSAFE)) == len(addresses)
    ):
        return b""
    return _examine_closely(message, capabilities)


def _examine_closely(message: Outgoing, capabilities: Capabilities) -> bytes | Reply:
    unusable = _unusable(message.recipient, "recipient") or _unusable(message.sender, "sender")
    if unusable:
        return unusable
    if not message.recipient:
        return Reply(501, "5.1.3", "There is no recipient address.", "rcpt")
    size, limit = len(message.body), capabilities.size
    if limit and size > limit:
        text = f"The message has {size} bytes, the provider takes {limit} at most."
        return Reply(552, "5.3.4", text, "mail")
    if not message.body.endswith(b"\r\n"):
        return Reply(554, "5.6.0", "The message does not end with a line end.", "mail")
    return _parameters(message, capabilities)


def _unusable(address: bytes, which: str) -> Reply | None:
    status = "5.1.3" if which == "recipient" else "5.1.7"
    stage: Stage = "rcpt" if which == "recipient" else "mail"
    if address.translate(None, _UNSAFE) != address:
        text = f"The {which} address contains a character that no address may contain."
        return Reply(501, status, text, stage)
    if len(address) > _LONGEST_PATH:
        return Reply(501, status, f"The {which} address is too long.", stage)
    return None


def _parameters(message: Outgoing, capabilities: Capabilities) -> bytes | Reply:
    parameters = b""
    if message.smtputf8 or not (message.sender + message.recipient).isascii():
        if not capabilities.smtputf8:
            text = "The message needs SMTPUTF8, which the provider does not offer."
            return Reply(553, "5.6.7", text, "mail")
        parameters += b" SMTPUTF8"
    if not message.body.isascii():
        if not capabilities.eight_bit_mime:
            text = "The message has 8-bit characters and the provider does not offer 8BITMIME."
            return Reply(554, "5.6.3", text, "mail")
        parameters += b" BODY=8BITMIME"
    if capabilities.size is not None and len(message.body) > capabilities.small:
        parameters += b" SIZE=%d" % len(message.body)
    return parameters
