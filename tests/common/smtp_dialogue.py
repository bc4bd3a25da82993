"""A receiving SMTP server with a mailbox behind it, and clients that talk to it on real sockets."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from common.smtpd import Envelope, MailOptions, Reply, Session, SmtpdSettings, SmtpServer, Verdict

SETTINGS = SmtpdSettings(hostname="mx.test")
STORED = Reply(250, "2.0.0", "Stored")


@dataclass
class Mailbox:
    """Keeps what is delivered. Local parts decide: `no…` is refused, `slow…` is decided later."""

    received: list[Envelope] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reply: Reply = STORED

    async def accept_sender(self, session: Session, address: str, options: MailOptions) -> Reply | None:
        return Reply(550, "5.7.1", "Not from you") if address.startswith("no") else None

    def accept_recipient(self, session: Session, address: str) -> Verdict:
        if address.startswith("slow"):
            return self._slowly(address)
        if address.startswith("broken"):
            raise LookupError("the handler is broken")
        return Reply(550, "5.1.1", "No such user") if address.startswith("no") else None

    async def deliver(self, session: Session, envelope: Envelope) -> Reply:
        if envelope.recipients[0].startswith("wait"):
            await self.gate.wait()
        if envelope.recipients[0].startswith("fail"):
            raise OSError("the disk is full")
        self.received.append(envelope)
        return self.reply

    async def _slowly(self, address: str) -> Reply | None:
        await asyncio.sleep(0.01)
        return Reply(550, "5.1.1", "No such user") if address.startswith("slow-no") else None


class Client:
    """Says lines and reads whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self) -> str:
        lines = []
        while True:
            line = (await self.reader.readline()).decode()
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def hello(self) -> None:
        assert (await self.reply()).startswith("220 ")
        assert (await self.say("EHLO client.test")).startswith("250-")

    async def begin_data(self, recipient: str = "bob@test.example") -> None:
        assert (await self.say("MAIL FROM:<ann@test.example>")).startswith("250 ")
        assert (await self.say(f"RCPT TO:<{recipient}>")).startswith("250 ")
        assert (await self.say("DATA")).startswith("354 ")

    async def message(self, content: bytes, recipient: str = "bob@test.example") -> str:
        await self.begin_data(recipient)
        self.send(content)
        return await self.reply()

    async def at_end(self) -> bool:
        return await self.reader.read(1) == b""

    def reset(self) -> None:
        """Break the connection, as a crash of the client's machine does."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Running:
    server: SmtpServer
    mailbox: Mailbox
    port: int
    clients: list[Client] = field(default_factory=list)

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))
        self.clients.append(client)
        return client

    async def greeted(self) -> Client:
        client = await self.connect()
        await client.hello()
        return client


@asynccontextmanager
async def running(**changes: object) -> AsyncIterator[Running]:
    mailbox = Mailbox()
    server = SmtpServer(replace(SETTINGS, **changes), mailbox)
    run = Running(server, mailbox, await server.start())
    try:
        yield run
    finally:
        for client in run.clients:
            await client.close()
        await server.stop(grace=1)
        assert server.connections == 0
        assert server.buffered == 0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)
