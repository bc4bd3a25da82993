"""A real SMTP server for the client's tests: it keeps exact books, and misbehaves on request."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


class HangUp(Exception):
    """Raised by a whim: the connection is closed at once."""


@dataclass(frozen=True)
class Taken:
    """A message the server holds itself responsible for, whether or not its 250 arrived."""

    sender: str
    recipients: tuple[str, ...]
    body: bytes
    parameters: str
    chunked: bool


# Asked before each answer, with the verb (CONNECT, EHLO, …, BODY) and its argument. Returns another
# reply than the usual one, or None; may wait, and may raise HangUp.
Whim = Callable[[str, str], Awaitable[str | None]]
# Writes replies; the usual one writes them at once.
Writer = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]


async def no_whim(verb: str, argument: str) -> str | None:
    return None


async def at_once(writer: asyncio.StreamWriter, data: bytes) -> None:
    if writer.is_closing():
        raise HangUp
    writer.write(data)
    await writer.drain()


@dataclass
class SmtpServer:
    """`async with SmtpServer(...) as server:` listens on a free port."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000")
    knows_ehlo: bool = True
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    users: dict[str, str] = field(default_factory=dict)
    mechanisms: str = "PLAIN LOGIN"
    go_ahead_without_recipients: bool = False
    whim: Whim = no_whim
    write: Writer = at_once

    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what no correct client does
    connections: int = 0
    open: int = 0
    most_open: int = 0
    packets: list[bytes] = field(default_factory=list)
    address: str = "127.0.0.1"
    port: int = 0

    async def __aenter__(self) -> "SmtpServer":
        tls = self.tls if self.implicit_tls else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, self.address, self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            with contextlib.suppress(OSError, EOFError, HangUp, asyncio.CancelledError):
                await Connection(self, reader, writer).serve()
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()


class Connection:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.encrypted = server.implicit_tls
        self.user = ""
        self.input = bytearray()
        self.output = b""
        self.forget()

    def forget(self) -> None:
        self.sender: str | None = None
        self.parameters = ""
        self.recipients: list[str] = []

    async def serve(self) -> None:
        await self.answer("CONNECT", "", "220 test server ESMTP")
        while True:
            line = (await self.line()).decode()
            self.server.commands.append(line)
            verb, _, argument = line.partition(" ")
            step = getattr(self, "do_" + verb.lower(), None)
            if step is None:
                self.fault(f"unknown command {line[:60]!r}")
                await self.say("500 5.5.2 What?")
            else:
                await step(argument)

    async def do_ehlo(self, name: str) -> None:
        self.forget()
        if not self.server.knows_ehlo:
            await self.say("502 5.5.1 Not implemented")
            return
        offers = list(self.server.extensions)
        if self.server.tls and not self.encrypted:
            offers.append("STARTTLS")
        if self.server.users:
            offers.append("AUTH " + self.server.mechanisms)
        lines = ["test server", *offers]
        text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}"
        await self.answer("EHLO", name, text)

    async def do_helo(self, name: str) -> None:
        await self.answer("HELO", name, "250 test server")

    async def do_starttls(self, argument: str) -> None:
        await self.answer("STARTTLS", "", "220 2.0.0 Go ahead")
        await self.flush()
        if self.input:
            self.fault("bytes behind STARTTLS")
        assert self.server.tls
        await self.writer.start_tls(self.server.tls)
        self.encrypted = True
        self.forget()

    async def do_auth(self, argument: str) -> None:
        mechanism, _, response = argument.partition(" ")
        if mechanism == "PLAIN":
            if not response:
                await self.say("334 ")
                response = (await self.line()).decode()
            _, user, password = base64.b64decode(response).decode().split("\0")
        else:
            await self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(await self.line()).decode()
            await self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(await self.line()).decode()
        good = self.server.users.get(user) == password
        self.user = user if good else ""
        refusal = f"535 5.7.8 No such user or password ({password})"
        await self.answer("AUTH", mechanism, "235 2.7.0 Welcome" if good else refusal)

    async def do_rset(self, argument: str) -> None:
        self.forget()
        await self.answer("RSET", "", "250 2.0.0 Ok")

    async def do_quit(self, argument: str) -> None:
        await self.answer("QUIT", "", "221 2.0.0 Bye")
        await self.flush()
        raise HangUp

    async def do_mail(self, argument: str) -> None:
        if self.sender is not None:
            self.fault("a transaction within a transaction")
            await self.say("503 5.5.1 One at a time")
            return
        path, _, parameters = argument.removeprefix("FROM:<").partition(">")
        if await self.answer("MAIL", path, "250 2.1.0 Ok"):
            self.sender, self.parameters = path, parameters.strip()

    async def do_rcpt(self, argument: str) -> None:
        path = argument.removeprefix("TO:<").removesuffix(">")
        if self.sender is None:
            await self.say("503 5.5.1 MAIL first")
        elif await self.answer("RCPT", path, "250 2.1.5 Ok"):
            self.recipients.append(path)

    async def do_data(self, argument: str) -> None:
        if not self.recipients and not (self.server.go_ahead_without_recipients and self.sender is not None):
            await self.say("554 5.5.1 No valid recipients")
            return
        if not await self.answer("DATA", "", "354 End with a dot"):
            return
        while (end := (b"\r\n" + self.input).find(b"\r\n.\r\n")) < 0:
            await self.read()
        body = self.cut(end).replace(b"\r\n.", b"\r\n")
        self.cut(len(b".\r\n"))
        await self.take(body, chunked=False)

    async def do_bdat(self, argument: str) -> None:
        size, _, last = argument.partition(" ")
        if last != "LAST":
            self.fault("BDAT without LAST")
        while len(self.input) < int(size):
            await self.read()
        body = self.cut(int(size))
        if not self.recipients:
            await self.say("554 5.5.1 No valid recipients")
        else:
            await self.take(body, chunked=True)

    async def take(self, body: bytes, *, chunked: bool) -> None:
        if not self.recipients:
            if body:
                self.fault("a body that nobody is to get")
            self.forget()
            await self.say("554 5.5.1 No valid recipients")
            return
        assert self.sender is not None
        message = Taken(self.sender, tuple(self.recipients), body, self.parameters, chunked)
        self.server.taken.append(message)
        usual = f"250 2.0.0 Ok: queued as {len(self.server.taken)}"
        whim = await self.server.whim("BODY", message.recipients[0])
        if whim is not None and not whim.startswith("2"):
            self.server.taken.remove(message)
        self.forget()
        await self.say(whim or usual)

    async def answer(self, verb: str, argument: str, usual: str) -> bool:
        """Says the usual, or what the whim says; whether that was no refusal."""
        reply = await self.server.whim(verb, argument) or usual
        await self.say(reply)
        return reply[0] in "23"

    async def say(self, reply: str) -> None:
        self.output += reply.encode() + b"\r\n"
        if reply.startswith("421"):
            await self.flush()
            raise HangUp

    def fault(self, what: str) -> None:
        self.server.faults.append(what)

    async def line(self) -> bytes:
        while (end := self.input.find(b"\n")) < 0:
            await self.read()
        line = self.cut(end + 1)
        if not line.endswith(b"\r\n"):
            self.fault("a bare line feed")
        return line.rstrip(b"\r\n")

    def cut(self, size: int) -> bytes:
        """Takes the first bytes of the input away."""
        piece = bytes(self.input[:size])
        del self.input[:size]
        return piece

    async def read(self) -> None:
        """More input. Only now are the replies to all that came before written, as servers with PIPELINING do."""
        await self.flush()
        data = await self.reader.read(1 << 16)
        if not data:
            raise EOFError
        self.server.packets.append(data)
        self.input += data

    async def flush(self) -> None:
        output, self.output = self.output, b""
        if output:
            await self.server.write(self.writer, output)
