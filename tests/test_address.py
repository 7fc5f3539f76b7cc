"""Where the pages stand."""

from __future__ import annotations

import pytest

from cti.address import Address
from cti.settings import WebSettings


def address(*origins: str, host: str = "127.0.0.1", port: int = 8080, plain: bool = False) -> Address:
    """Pages on this port, push on 8081."""
    web = WebSettings(host=host, port=port, public_origins=origins, allow_plain_http=plain)
    return Address(web, port, 8081)


def test_loopback_has_two_names() -> None:
    """Without a proxy, both names of this machine are origins, and push is on its own port."""
    here = address()
    assert here.origins == {"http://127.0.0.1:8080", "http://localhost:8080"}
    assert here.push_url("http://localhost:8080", "") == "ws://localhost:8081/push"
    assert here.push_url(None, "127.0.0.1:8080") == "ws://127.0.0.1:8081/push"
    assert not here.secure
    assert not here.plain


def test_behind_a_proxy_push_is_the_same_origin() -> None:
    """TLS at the proxy: wss on the same host, a Secure cookie, no warning."""
    here = address("https://cti.example.com")
    assert here.push_url("https://cti.example.com", "") == "wss://cti.example.com/push"
    assert here.push_origins == ["wss://cti.example.com"]
    assert here.secure
    assert not here.plain
    other = address("https://cti.example.com:8443", "http://pbx.lan")
    assert other.push_url("https://cti.example.com:8443", "") == "wss://cti.example.com:8443/push"
    assert other.push_url("http://pbx.lan", "") == "ws://pbx.lan/push"


def test_plain_http_beyond_this_machine_warns() -> None:
    """Pages over the network without TLS carry a warning, and push is on its own port of the same host."""
    here = address("http://192.168.1.5:8080", host="0.0.0.0", plain=True)
    assert here.plain
    assert here.push_url("http://192.168.1.5:8080", "") == "ws://192.168.1.5:8081/push"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
def test_foreign_origin_learns_nothing_new(origin: str) -> None:
    """A page from elsewhere is pointed at a listed place only."""
    assert address("https://cti.example.com").push_url(origin, "evil.example") == "wss://cti.example.com/push"


def test_ipv6_addresses_are_bracketed() -> None:
    """An IPv6 host makes valid addresses."""
    here = address("http://[::1]:8080")
    assert here.push_url("http://[::1]:8080", "") == "ws://[::1]:8081/push"
