"""Which way of sending fits a server."""

from outbound.smtp.chunked import ChunkedSession
from outbound.smtp.pipelined import PipelinedSession
from outbound.smtp.plain import PlainSession
from outbound.smtp.session import Link, Session


def make_session(link: Link) -> Session:
    """The fastest session that the server's offer and the account's window allow; it has the transport."""
    kind: type[Session] = PlainSession
    if link.capabilities.pipelining:
        kind = ChunkedSession if link.capabilities.chunking and link.account.window else PipelinedSession
    session = kind(link)
    link.transport.set_protocol(session)
    return session
