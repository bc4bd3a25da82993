"""Where a request comes from."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address, or empty when there is none that can be read.

    Behind our own proxy it is the last X-Forwarded-For entry: earlier ones anybody can write.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY and (forwarded := request.headers.get("X-Forwarded-For", "")):
        peer = forwarded.rpartition(",")[2]
    address = _read(peer.strip())
    return str(address) if address else ""


def _read(given: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(given)
    except ValueError:
        return None
    # An IPv4 client of a socket that takes both is written ::ffff:192.0.2.1.
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
