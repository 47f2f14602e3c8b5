"""Which addresses count as the open Internet."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.toolbox.addresses import is_public, may_be_fetched, own_addresses, resolve


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "93.184.215.14", "172.15.255.255", "172.32.0.0", "100.128.0.0", "2606:4700::1111"],
)
def test_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "127.0.0.1", "127.255.0.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::808:808",
        "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001:0:1::1", "2001:db8::1", "3fff::1", "fe80::1",
        "fe80::1%eth0", "2606:4700::1%eth0", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "fec0::1",
        "100::1", "5f00::1",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_whatever_python_calls_special_is_not_public(address: IPv4Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    if is_public(address):
        assert int(address) >> 125 == 1
        assert not (address.is_private or address.sixtofour or address.teredo or address.ipv4_mapped)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::", "::", "64:ff9b:1::"]))
def test_an_ipv4_address_inside_an_ipv6_one_is_never_public(inner: IPv4Address, prefix: str) -> None:
    assert not is_public(IPv6Address(int(IPv6Address(prefix)) | int(inner)))
    assert not is_public(IPv6Address((0x2002 << 112) | int(inner) << 80))


def test_an_address_of_this_machine_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ip_address("127.0.0.1") in own_addresses()
    assert may_be_fetched(ip_address("8.8.8.8"))
    monkeypatch.setattr("pierian.toolbox.addresses.own_addresses", lambda: {ip_address("8.8.8.8")})
    assert not may_be_fetched(ip_address("8.8.8.8"))


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "::1"])
async def test_spellings_of_loopback_are_seen_through(host: str) -> None:
    try:
        found = await resolve(host, 80)
    except socket.gaierror:
        return
    assert found
    assert not any(is_public(address) for address in found)
