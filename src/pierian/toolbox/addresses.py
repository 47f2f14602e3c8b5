"""Which network addresses a page may be fetched from: those of the open Internet, none of this machine and its nets.

A model that reads pages must not be led to routers, metadata services and whatever listens on loopback. The blocks
are those that IANA's special-purpose registries call not globally reachable, written out because `ipaddress` knows
different ones in different versions of Python. Of IPv6 only plain global unicast is let through: forms that carry
an IPv4 address inside (mapped, NAT64, 6to4, Teredo) lead wherever that one leads. What this cannot see: a network
that maps its own inside to global addresses.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_IPV4_REFUSED = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT, and a cloud's metadata
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "168.63.129.16/32",  # a cloud's metadata at an address that looks public
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as the next two
        "198.51.100.0/24",
        "203.0.113.0/24",
        "192.88.99.0/24",  # relays to 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
)
_IPV6_GLOBAL = IPv6Network("2000::/3")
_IPV6_REFUSED = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation, as the last
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open Internet."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _IPV4_REFUSED)
    inside = address in _IPV6_GLOBAL and not any(address in block for block in _IPV6_REFUSED)
    return inside and address.scope_id is None


def may_be_fetched(address: Address) -> bool:
    """Whether an address is public and none of this machine's own, which may be public too."""
    return is_public(address) and address not in own_addresses()


def own_addresses() -> set[Address]:
    """The addresses of this machine's interfaces."""
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    found = [card for cards in psutil.net_if_addrs().values() for card in cards if card.family in families]
    return {ip_address(card.address) for card in found}


async def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host in the system's order; raises `socket.gaierror`."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(answer[4][0]) for answer in answers))
