"""A DNS server on 127.0.0.1 for tests: answers over UDP from a small zone, and keeps a list of what it was asked.

>>> with DnsServer({"good.example": {"MX": ["10 mail.good.example."]}}) as dns_server:
...     dns_server.address
'127.0.0.1:…'
"""

import socket
from collections.abc import Mapping, Sequence
from threading import Thread
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[str, Mapping[str, Sequence[str]]]
_SOA = "ns.example. hostmaster.example. 1 3600 600 86400 {seconds}"


class DnsServer:
    """Names in `zone` exist, all others do not. `failing` names are answered SERVFAIL, `silent` ones not at all.

    `seconds` is the TTL of answers, and of "no such name" and "no such record" by their SOA (RFC 2308). What the zone
    and the two sets hold may be changed while it runs.
    """

    def __init__(
        self, zone: Zone | None = None, *, failing: Sequence[str] = (), silent: Sequence[str] = (), seconds: int = 3600
    ) -> None:
        self.zone: dict[str, Mapping[str, Sequence[str]]] = dict(zone or {})
        self.failing, self.silent, self.seconds = set(failing), set(silent), seconds
        self.everybody_silent = False
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> "DnsServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def times_asked(self, name: str) -> int:
        return sum(asked == name for asked, _ in self.asked)

    def _serve(self) -> None:
        while True:
            packet, peer = self._socket.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(dns.message.from_wire(packet))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.everybody_silent or name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        records = self.zone.get(name, {})
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif kind in records:
            answer.answer.append(dns.rrset.from_text_list(question.name, self.seconds, "IN", kind, list(records[kind])))
        else:
            if name not in self.zone:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            soa = _SOA.format(seconds=self.seconds)
            answer.authority.append(dns.rrset.from_text("example.", self.seconds, "IN", "SOA", soa))
        return answer
