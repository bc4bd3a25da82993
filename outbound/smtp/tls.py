"""TLS as a layer of our own over a plain transport, for implicit TLS and after STARTTLS alike.

The event loops' own TLS allocates a quarter of a megabyte for each read and copies through several
queues; for the short replies of SMTP that costs more than the cipher. This layer passes each record on
within the call that brought it.
"""

import asyncio
import contextlib
import ssl
from typing import cast

from outbound.smtp.types import SmtpAccount, SmtpDown

_READ = 16 * 1024  # a TLS record


def make_context(account: SmtpAccount) -> ssl.SSLContext | None:
    """TLS 1.2 or later, certificates checked unless the account forbids it; None without TLS.

    SmtpDown if `ca_file` is of no use.
    """
    if account.tls == "none":
        return None
    try:
        context = ssl.create_default_context(cafile=account.ca_file)
    except OSError as error:
        message = f"The file of certificate authorities {account.ca_file} cannot be read: {error}."
        raise SmtpDown(message, permanent=True) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not account.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """Protocol to the transport below it, transport to the protocol above it.

    Await `handshake()` first. What is written before the handshake ends is an error.
    """

    def __init__(
        self,
        lower: asyncio.Transport,
        upper: asyncio.Protocol,
        context: ssl.SSLContext,
        server_name: str,
    ) -> None:
        super().__init__()
        self._lower = lower
        self._upper = upper
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        lower.set_protocol(self)

    async def handshake(self) -> None:
        """Ends when both sides agree. ssl.SSLError, or ConnectionError when the other side goes away."""
        ready = self._ready
        if ready is not None:
            self._shake_hands()
            await ready

    # The protocol's half.

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        if self._ready is not None:
            self._shake_hands()
            return
        self._pass_up()

    def eof_received(self) -> None:
        self._upper.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(exc or ConnectionResetError("the server closed the connection"))
        self._upper.connection_lost(exc)

    def pause_writing(self) -> None:
        self._upper.pause_writing()

    def resume_writing(self) -> None:
        self._upper.resume_writing()

    # The transport's half.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._tls.write(data)
        self._lower.write(self._outgoing.read())

    def close(self) -> None:
        """Says goodbye as TLS asks for, and closes; does not wait for the other side's goodbye."""
        # SSLWantReadError: the goodbye is in the buffer. Anything else: there is nobody to say it to.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        self._lower.close()

    def abort(self) -> None:
        self._lower.abort()

    def is_closing(self) -> bool:
        return self._lower.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._lower.get_write_buffer_size()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._upper = cast(asyncio.Protocol, protocol)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._tls if name == "ssl_object" else self._lower.get_extra_info(name, default)

    # Private steps.

    def _shake_hands(self) -> None:
        ready = self._ready
        if ready is None or ready.done():
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the server why
            ready.set_exception(error)
        else:
            self._flush()
            self._ready = None
            ready.set_result(None)
            self._pass_up()

    def _pass_up(self) -> None:
        """Everything readable goes to the protocol above, which may close us meanwhile."""
        try:
            # Asked for more than there is, the library raises, which costs as much as a record.
            while (self._incoming.pending or self._tls.pending()) and not self._lower.is_closing():
                data = self._tls.read(_READ)
                if not data:  # the other side said goodbye
                    self.close()
                    return
                self._upper.data_received(data)
        except ssl.SSLWantReadError:
            self._flush()  # nothing for us, but perhaps a key update that wants its answer
        except ssl.SSLError as error:
            self._lower.abort()
            self._upper.connection_lost(error)

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._lower.write(self._outgoing.read())
