"""The check that no connection goes to a private address, made on the socket that connects.

Only the socket shows where a connection really goes: a name may resolve to a private address, at
its first or a later look-up, and an IP address may have an unusual spelling.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # so that the options of requests do not load aiohttp
    from aiohttp import AddrInfoType

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PRIVATE_THOUGH_GLOBAL: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # the metadata service of a cloud
            "192.0.0.0/24",  # services of the local network
            "192.88.99.0/24",  # 6to4 relays
            "2001::/23",  # Teredo and other tunnels
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
"""Ranges that some version of ipaddress calls global, though they lead elsewhere."""

_IPV6_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""The public IPv6 addresses. Others are reserved, local, or wrap IPv4 (NAT64, SIIT)."""


class PrivateAddress(OSError):
    """The error of a connection to an address that is not public."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is a private address; --allow_private_networks permits it")


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet.

    >>> [is_public(a) for a in ("93.184.216.34", "127.0.0.1", "::ffff:10.0.0.1", "2002:7f00::1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.version == 6 and ip not in _IPV6_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not _is_within(ip, _PRIVATE_THOUGH_GLOBAL)


def is_reachable(address: str, allowed: Sequence[Network]) -> bool:
    """Return whether an IP address is public or in an allowed network."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return _is_within(ip, allowed) or is_public(address)


def guard_sockets(allowed: Sequence[Network]) -> Callable[["AddrInfoType"], socket.socket]:
    """Return a socket factory for aiohttp that refuses private addresses.

    The factory raises :class:`PrivateAddress` for an address that is neither public nor in an
    allowed network.
    """

    def make_socket(info: "AddrInfoType") -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_reachable(address[0], allowed):
            raise PrivateAddress(address[0])
        return socket.socket(family=family, type=kind, proto=protocol)

    return make_socket


def _is_within(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]
) -> bool:
    return any(ip in network for network in networks if network.version == ip.version)
