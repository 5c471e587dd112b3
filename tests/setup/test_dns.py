"""Names that a phone looks up in the board's network, asked with dnspython over the air."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.setup.phone import ADDRESS, PATIENCE, Phone

pytestmark = [pytest.mark.simulator, pytest.mark.mosquitto]

# What each system looks up before it says that there is internet, or none.
NAMES = (
    "captive.apple.com",
    "connectivitycheck.gstatic.com",
    "connect.rom.miui.com",
    "www.msftconnecttest.com",
    "detectportal.firefox.com",
    "nmcheck.gnome.org",
)


GOOD = dns.message.make_query("a.b", "A", id=1).to_wire()


@pytest.fixture
def port(set_up: Callable[..., Phone]) -> Iterator[int]:
    yield set_up().port(53)


def ask(port: int, query: dns.message.Message) -> dns.message.Message:
    """Ask, again if need be; dnspython checks id, question and the whole packet."""
    return dns.query.udp(query, "127.0.0.1", timeout=PATIENCE, port=port)


def send(port: int, packet: bytes) -> bytes | None:
    """Send bytes, then a good query behind them; return what came before its response."""
    good = dns.message.make_query("good.example", "A", id=4711)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PATIENCE)
        udp.connect(("127.0.0.1", port))
        udp.send(packet)
        udp.send(good.to_wire())
        first = udp.recv(4096)
        return None if dns.message.from_wire(first).id == 4711 else first


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_board(port: int, name: str) -> None:
    response = ask(port, dns.message.make_query(name, "A"))
    assert response.rcode() == dns.rcode.NOERROR
    assert [str(item) for item in response.answer[0]] == [ADDRESS]
    assert response.answer[0].ttl == 10
    assert response.flags & dns.flags.AA and response.flags & dns.flags.RA


@pytest.mark.parametrize("kind", ("AAAA", "HTTPS", "SVCB", "PTR", "TXT", "ANY", "SOA"))
def test_other_types_have_no_answer(port: int, kind: str) -> None:
    response = ask(port, dns.message.make_query("captive.apple.com", kind))
    assert response.rcode() == dns.rcode.NOERROR and not response.answer


def test_edns_is_left_out(port: int) -> None:
    query = dns.message.make_query("captive.apple.com", "A", use_edns=0, payload=1232)
    response = ask(port, query)
    assert response.edns == -1 and len(response.answer) == 1


@pytest.mark.parametrize(
    "name", ("use-application-dns.net", "mask.icloud.com", "MASK-H2.iCloud.com")
)
def test_names_that_lead_elsewhere_do_not_exist(port: int, name: str) -> None:
    assert ask(port, dns.message.make_query(name, "A")).rcode() == dns.rcode.NXDOMAIN


def test_question_is_echoed_letter_by_letter(port: int) -> None:
    response = send(port, dns.message.make_query("cApTiVe.ApPlE.cOm", "A").to_wire())
    assert response and b"cApTiVe\x05ApPlE\x03cOm" in response


def test_flags_of_query_are_kept(port: int) -> None:
    query = dns.message.make_query("a.b", "A", flags=0)
    assert not ask(port, query).flags & dns.flags.RD


@pytest.mark.parametrize(
    "packet",
    (
        b"",
        bytes(11),
        GOOD[:-1],
        b"\x00\x01\x81\x80" + GOOD[4:],  # a response
        b"\x00\x01\x28\x00" + GOOD[4:],  # an update
        b"\x00\x01\x01\x00\x00\x00" + GOOD[6:],
        b"\x00\x01\x01\x00\x00\x02" + GOOD[6:],
        b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01",  # compressed
        b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"\x3f" + b"x" * 63 * 8,
        b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"\x01x" * 200 + b"\0\0\1\0\1",
        b"x" * 1400,
    ),
)
def test_what_is_no_query_gets_no_response(port: int, packet: bytes) -> None:
    assert send(port, packet) is None


def test_network_of_station_gets_no_response(set_up: Callable[..., Phone]) -> None:
    phone = set_up(commands=({"command": "dhcp", "value": True},))
    config = {"wifi": {"ssid": "open house"}, "mqtt": {"server": "b"}}
    assert phone.propose(config).status == 200
    phone.wait_state("done")
    at = phone.port(53)
    query = dns.message.make_query("a.b", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))
        stranger.connect(("127.0.0.1", at))
        stranger.send(query)
        assert ask(at, dns.message.make_query("a.b", "A")).answer  # the phone still does
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(512)
