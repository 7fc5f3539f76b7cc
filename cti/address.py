"""Where the pages stand: origins, the push address, and whether the way to them is encrypted (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from cti.settings import WebSettings
from cti.settings.check import LOOPBACK


class Address:
    """Implements `cti.web.ports.Site` for the ports that are really open."""

    def __init__(self, web: WebSettings, web_port: int, push_port: int) -> None:
        self._push_port = push_port
        self._web_port = web_port
        if web.public_origins:
            self.origins = frozenset(web.public_origins)
        else:
            hosts = ("127.0.0.1", "localhost") if web.host in LOOPBACK else (web.host,)
            self.origins = frozenset(f"http://{f'[{h}]' if ':' in h else h}:{web_port}" for h in hosts)
        self.secure = any(o.startswith("https://") for o in self.origins)
        "Browsers come by TLS: the cookie is Secure."
        self.plain = any(o.startswith("http://") and (urlsplit(o).hostname or "") not in LOOPBACK for o in self.origins)

    def _push_of(self, origin: str) -> str:
        """Behind a proxy (another port than ours) push is the same origin's; else it is our own push port."""
        parts = urlsplit(origin)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
        if parts.scheme == "https":
            return f"wss://{parts.netloc}"
        if parts.port == self._web_port:
            return f"ws://{host}:{self._push_port}"
        return f"ws://{parts.netloc}"

    def push_url(self, origin: str | None, host: str) -> str:
        """Where a page connects to: the one that belongs to the origin it was fetched from."""
        for known in sorted(self.origins):
            if origin == known or (origin is None and urlsplit(known).netloc == host):
                return self._push_of(known) + "/push"
        return self._push_of(min(self.origins)) + "/push"

    @property
    def push_origins(self) -> Sequence[str]:
        """ws: and wss: origins for the Content-Security-Policy."""
        return sorted({self._push_of(o) for o in self.origins})
