"""From nothing to a connection that takes mail: connect, TLS, greeting, EHLO, AUTH."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

from outbound.smtp.auth import authenticate, choose_mechanism, is_safe_for_passwords, without_secrets
from outbound.smtp.capabilities import Capabilities, parse_ehlo
from outbound.smtp.conversation import Conversation
from outbound.smtp.replies import ProtocolViolation, RawReply, make_reply
from outbound.smtp.tls import TlsTransport
from outbound.smtp.trouble import describe, refused_by
from outbound.smtp.types import SmtpAccount, SmtpDown

Step = Callable[[], Awaitable[str]]


class Handshake:
    """One attempt. Run `steps()` in their order; then `transport` and `capabilities` are of use.

    Each step returns a remark for people and raises SmtpDown when it fails; then, or when it is
    cancelled, the caller owes `abort()`.
    """

    def __init__(self, account: SmtpAccount, context: ssl.SSLContext | None) -> None:
        self.capabilities = Capabilities()
        self._account = account
        self._context = context
        self._conversation = Conversation()
        self._transport: asyncio.Transport | None = None

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def steps(self) -> list[tuple[str, Step]]:
        """Names and coroutine functions, as the account needs them."""
        account = self._account
        steps: list[tuple[str, Step]] = [("connect", self._timed(self._connect, account.timeouts.connect))]
        if account.tls == "implicit":
            steps.append(("tls", self._timed(self._start_tls, account.timeouts.connect)))
        steps.append(("greeting", self._timed(self._greet, account.timeouts.greeting)))
        steps.append(("ehlo", self._timed(self._ehlo, account.timeouts.command)))
        if account.tls == "starttls":
            steps.append(("starttls", self._timed(self._upgrade, account.timeouts.command)))
        if account.username:
            steps.append(("auth", self._timed(self._authenticate, account.timeouts.command)))
        return steps

    async def run(self) -> None:
        """All steps. SmtpDown; nothing is left open then."""
        try:
            for _, step in self.steps():
                await step()
            if not self._conversation.is_quiet:
                await self._timed(self._listen, self._account.timeouts.command)()
        except BaseException:
            self.abort()
            raise

    async def quit(self) -> str:
        """Takes leave; for those who wanted to know no more."""
        return await self._timed(self._quit, self._account.timeouts.command)()

    def abort(self) -> None:
        """Closes whatever is open."""
        self._conversation.abort()

    def _timed(self, step: Step, seconds: float) -> Step:
        async def timed() -> str:
            try:
                async with asyncio.timeout(seconds):
                    return await step()
            except (OSError, ProtocolViolation, TimeoutError, UnicodeError) as error:
                raise describe(error, self._account, seconds) from error

        return timed

    async def _connect(self) -> str:
        account, loop = self._account, asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self._conversation, account.host, account.port)
        self._use(transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return f"connected to {self._peer()}"

    async def _start_tls(self) -> str:
        assert self._context is not None
        transport = TlsTransport(self.transport, self._conversation, self._context, self._account.host)
        self._use(transport)
        await transport.handshake()
        tls = transport.get_extra_info("ssl_object")
        assert isinstance(tls, ssl.SSLObject)
        return f"{tls.version()}, {(tls.cipher() or ('?',))[0]}"

    async def _greet(self) -> str:
        reply = await self._conversation.reply()
        if reply[0] != 220:
            raise self._refusal("takes no mail now", reply)
        return make_reply(*reply, "connect").text

    async def _ehlo(self) -> str:
        name = self._account.helo_name.encode()
        reply = await self._conversation.command(b"EHLO " + name)
        if reply[0] == 250:
            self.capabilities = parse_ehlo(reply[1])
            return "offers " + ", ".join(line[4:].decode("ascii", "replace") for line in reply[1][1:])
        if reply[0] != 421:
            self.capabilities = Capabilities()
            reply = await self._conversation.command(b"HELO " + name)
        if reply[0] != 250:
            raise self._refusal("does not accept our name", reply)
        return "an old server, without any extension"

    async def _upgrade(self) -> str:
        if not self.capabilities.starttls:
            raise SmtpDown(
                f"{self._account.host} does not offer STARTTLS, and this account asks for it.",
                permanent=True,
                hint="Nothing is sent without encryption; use another port, or choose implicit TLS.",
            )
        reply = await self._conversation.command(b"STARTTLS")
        if reply[0] != 220:
            raise self._refusal("refuses to start TLS", reply)
        self._conversation.forget_input()
        remark = await self._start_tls()
        await self._ehlo()
        return remark

    async def _authenticate(self) -> str:
        account = self._account
        if not is_safe_for_passwords(account, self.transport.get_extra_info("peername")[0]):
            raise SmtpDown(
                f"The password is not sent to {account.host} without encryption.",
                permanent=True,
                hint="Choose STARTTLS or implicit TLS for this account.",
            )
        mechanism = choose_mechanism(account, self.capabilities.auth)
        code, lines = await authenticate(self._conversation, account, mechanism)
        if code != 235:
            text = without_secrets(make_reply(code, lines, "connect").text, account)
            raise refused_by(account, "does not accept the user name and the password", code, text)
        return f"accepted by {mechanism}"

    async def _listen(self) -> str:
        """The server has spoken out of turn, or hung up."""
        raise self._refusal("takes no mail now", await self._conversation.reply())

    async def _quit(self) -> str:
        reply = await self._conversation.command(b"QUIT")
        self.transport.close()
        return make_reply(*reply, "connect").text

    def _refusal(self, what: str, reply: RawReply) -> SmtpDown:
        return refused_by(self._account, what, reply[0], make_reply(*reply, "connect").text)

    def _use(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._conversation.speak_through(transport)

    def _peer(self) -> str:
        address, port = self.transport.get_extra_info("peername")[:2]
        return f"{address} port {port}"
