from __future__ import annotations

import ipaddress
import time

import httpcore
import pytest

from backend.fetching.addresses import AddressForbidden, AllowedHosts, GuardedNetwork, is_public
from tests.parts.http_script import says, serving


@pytest.mark.parametrize(
    ("address", "public"),
    [
        pytest.param("93.184.216.34", True, id="open internet"),
        pytest.param("2606:2800:220:1:248:1893:25c8:1946", True, id="open internet, IPv6"),
        pytest.param("127.0.0.1", False, id="loopback"),
        pytest.param("127.8.8.8", False, id="all of 127 is loopback"),
        pytest.param("::1", False, id="loopback, IPv6"),
        pytest.param("0.0.0.0", False, id="unspecified means this machine"),
        pytest.param("::", False, id="unspecified, IPv6"),
        pytest.param("10.0.0.5", False, id="private 10"),
        pytest.param("172.17.0.1", False, id="Docker bridge"),
        pytest.param("192.168.1.1", False, id="home router"),
        pytest.param("100.64.0.1", False, id="carrier NAT"),
        pytest.param("169.254.169.254", False, id="cloud metadata"),
        pytest.param("fe80::1", False, id="link-local, IPv6"),
        pytest.param("fd00:ec2::254", False, id="cloud metadata, IPv6"),
        pytest.param("fec0::1", False, id="site-local, IPv6"),
        pytest.param("224.0.0.1", False, id="multicast"),
        pytest.param("ff02::1", False, id="multicast, IPv6"),
        pytest.param("240.0.0.1", False, id="reserved"),
        pytest.param("255.255.255.255", False, id="broadcast"),
        pytest.param("::ffff:127.0.0.1", False, id="loopback mapped into IPv6"),
        pytest.param("::ffff:93.184.216.34", True, id="open internet mapped into IPv6"),
        pytest.param("::127.0.0.1", False, id="loopback in the old compatible form"),
        pytest.param("2002:7f00:1::", False, id="loopback inside 6to4"),
        pytest.param("2002:a9fe:a9fe::1", False, id="cloud metadata inside 6to4"),
        pytest.param("2002:5db8:d822::1", True, id="open internet inside 6to4"),
        pytest.param("64:ff9b::7f00:1", False, id="loopback behind NAT64"),
        pytest.param("64:ff9b::a9fe:a9fe", False, id="cloud metadata behind NAT64"),
        pytest.param("64:ff9b::5db8:d822", True, id="open internet behind NAT64"),
        pytest.param("64:ff9b:1::5db8:d822", False, id="NAT64 of the local network"),
        pytest.param("2001:0:7f00:1::ffff", False, id="loopback inside Teredo"),
    ],
)
def test_only_the_open_internet_is_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    ("entry", "host", "address", "permitted"),
    [
        pytest.param("minio.internal", "MinIO.internal", "10.0.0.5", True, id="a name, whatever its case"),
        pytest.param("minio.internal", "other.internal", "10.0.0.5", False, id="not another name"),
        pytest.param("internal", "minio.internal", "10.0.0.5", False, id="not the names below it"),
        pytest.param("10.1.0.0/16", "minio.internal", "10.1.2.3", True, id="a network"),
        pytest.param("10.1.0.0/16", "minio.internal", "10.2.2.3", False, id="outside of the network"),
        pytest.param("10.1.2.3", "10.1.2.3", "10.1.2.3", True, id="an address"),
        pytest.param("[fd00::7]", "fd00::7", "fd00::7", True, id="an IPv6 address as in a URL"),
    ],
)
def test_private_hosts_are_permitted_by_name_address_or_network(
    entry: str, host: str, address: str, permitted: bool
) -> None:
    assert AllowedHosts.parse([entry]).permits(host, 80, address) is permitted


def test_an_endpoint_permits_one_port_of_one_host() -> None:
    allowed = AllowedHosts.parse([], [("label-studio", 8080)])

    assert allowed.permits("label-studio", 8080, "172.18.0.2")
    assert not allowed.permits("label-studio", 5432, "172.18.0.2")
    assert not allowed.permits("172.18.0.2", 8080, "172.18.0.2")


def ask(network: GuardedNetwork, host: str, port: int) -> bytes:
    with httpcore.ConnectionPool(network_backend=network) as pool:
        return pool.request("GET", f"http://{host}:{port}/").content


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    # a second look-up would give the forbidden address
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    allowed = AllowedHosts.parse(["127.0.0.2"])
    network = GuardedNetwork(allowed, time.monotonic() + 30, time.monotonic, lambda host, port: next(answers))
    with serving({"/": says(b"checked")}, host="127.0.0.2") as server:
        assert ask(network, "images.example", server.port) == b"checked"
        with pytest.raises(AddressForbidden, match=r"images\.example"):
            ask(network, "images.example", server.port)

    assert server.requests[0].headers["Host"] == f"images.example:{server.port}"
    assert len(server.requests) == 1


def test_a_name_with_several_addresses_is_asked_at_permitted_ones_alone() -> None:
    allowed = AllowedHosts.parse(["127.0.0.2", "127.0.0.3"])
    addresses = ["127.0.0.1", "127.0.0.3", "127.0.0.2"]  # forbidden, nobody listens, answers
    network = GuardedNetwork(allowed, time.monotonic() + 30, time.monotonic, lambda host, port: addresses)
    with (
        serving({"/": says(b"right")}, host="127.0.0.2") as server,
        serving({"/": says(b"wrong")}, host="127.0.0.1", port=server.port) as forbidden,
    ):
        assert ask(network, "images.example", server.port) == b"right"

    assert forbidden.requests == []
