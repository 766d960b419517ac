"""Which addresses may be connected to, judged on the socket that is about to connect.

So neither a name that resolves to a private address, now or at its second look-up, nor an IP
literal in an odd spelling gets through.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Ranges that ipaddress, in one version or another, calls global although they lead elsewhere:
# to translators and tunnels (6to4 and its relays, Teredo), to services of the network at hand,
# to a cloud's metadata service; or that are for documents only.
_DISGUISED: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "2001::/23",
            "2002::/16",
            "3fff::/20",
        ),
    )
)

# All else in IPv6 is reserved, of one site or a way to write other addresses (NAT64, SIIT).
_UNICAST: Final = ipaddress.ip_network("2000::/3")


class PrivateAddress(OSError):
    """A request would have reached an address that is not public."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is a private address; --allow_private_networks permits it")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    >>> [is_public(a) for a in ("93.184.216.34", "127.0.0.1", "::ffff:10.0.0.1", "2002:7f00::1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.version == 6 and ip not in _UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not _within(ip, _DISGUISED)


def may_reach(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an IP address is public, or in one of the networks that are allowed."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return _within(ip, allowed) or is_public(address)


def guarded_sockets(allowed: Sequence[Network]) -> Callable[[Any], socket.socket]:
    """A maker of sockets, for aiohttp, that refuses addresses neither public nor allowed.

    The maker raises:
        PrivateAddress: the address is not to be connected to.
    """

    def make_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_reach(address[0], allowed):
            raise PrivateAddress(address[0])
        return socket.socket(family=family, type=kind, proto=protocol)

    return make_socket


def _within(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(ip in network for network in networks if network.version == ip.version)
