"""Legs: one channel each, from birth to hang-up, and what can be read off a channel's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cti.calls.call import CallState
    from cti.calls.visits import Ring

_WITHHELD = frozenset(("", "<unknown>", "unknown", "anonymous", "restricted", "unavailable", "private"))


def interface_of(channel: str) -> str:
    """The device a channel belongs to: `PJSIP/8001-0000006f` is a channel of `PJSIP/8001`.

    A Local half (`Local/7@ctx-00000001;2`) gives `Local/7@ctx`.
    """
    name = channel[:-2] if channel[-2:-1] == ";" else channel
    head, _, tail = name.rpartition("-")
    if not head or len(tail) < 4:
        return name
    try:
        int(tail, 16)
    except ValueError:
        return name
    return head


def device_of(interface: str) -> str:
    """The part after the technology: `8001` of `PJSIP/8001`."""
    return interface.partition("/")[2]


def number(text: str) -> str | None:
    """A caller number as presented, None where it is withheld or unknown."""
    return None if text.casefold() in _WITHHELD else text


def dialled_number(dial_string: str, interface: str) -> str | None:
    """The number dialled *through* an end-point, None if the end-point itself was dialled.

    Dial("PJSIP/8005") and a contact ("8005/sip:8005@10.0.0.9") reach a phone; "13912345678@carrier",
    "carrier/sip:13912345678@sbc" and "g1/13912345678" reach a number behind the end-point.
    """
    text = dial_string
    technology = interface.partition("/")[0]
    if technology and text.startswith(technology + "/"):
        text = text[len(technology) + 1 :]
    device = device_of(interface)
    if not text or text == device:
        return None
    if "/" in text:
        rest = text.partition("/")[2]
        uri = rest[rest.find(":") + 1 :] if rest.startswith(("sip:", "sips:", "tel:")) else rest
        dialled = uri.partition("@")[0]
    elif "@" in text:
        dialled = text.partition("@")[0]
    else:
        return None
    return None if dialled == device or not dialled else dialled


class Leg:
    """One channel. Mutable, known only inside `cti.calls`."""

    __slots__ = (
        "answered",
        "bridge",
        "call",
        "caller",
        "caller_name",
        "children",
        "context",
        "dialer",
        "gone",
        "hangup_requested",
        "held",
        "interface",
        "is_local",
        "linkedid",
        "moved_at",
        "name",
        "pair",
        "queue_app",
        "ring",
        "trunk",
        "uid",
    )

    def __init__(self, uid: str, name: str, linkedid: str, call: CallState) -> None:
        """A leg of `call`; `linkedid` is Asterisk's, which may move to another call's later."""
        self.uid = uid
        self.name = name
        self.interface = interface_of(name)
        self.is_local = name.startswith("Local/")
        self.linkedid = linkedid
        self.call = call
        self.caller: str | None = None
        self.caller_name: str | None = None
        self.context = ""
        self.bridge: str | None = None
        self.moved_at = 0.0
        "when it last entered or left a bridge"
        self.pair: Leg | None = None
        self.dialer: Leg | None = None
        self.children: list[Leg] = []
        self.ring: Ring | None = None
        self.queue_app = ""
        self.answered = False
        self.held = False
        self.hangup_requested = False
        self.gone = False
        self.trunk = False
        "True if this leg was dialled to reach a number outside."

    def let_go(self) -> None:
        """Hold no other leg and no ring any longer."""
        self.children = []
        self.pair = self.dialer = self.ring = None

    def upstream(self) -> Leg | None:
        """Who dialled this leg; for the far half of a Local pair, who dialled the near half."""
        if self.dialer is not None:
            return self.dialer
        if self.is_local and self.pair is not None:
            return self.pair.dialer
        return None

    def caller_left(self) -> bool:
        """True if this leg, or whoever it runs for behind Local hops, has hung up or asked to."""
        leg: Leg | None = self
        for _ in range(8):
            if leg is None:
                return False
            if leg.hangup_requested or leg.gone:
                return True
            if not leg.is_local:
                return False
            pair = leg.pair
            if pair is not None and (pair.hangup_requested or pair.gone):
                return True
            leg = leg.upstream()
        return False

    def phones(self, depth: int = 8) -> list[Leg]:
        """The real phones that this leg rings: itself, or what the far half of a Local pair dialled."""
        if not self.is_local:
            return [self]
        if depth == 0 or self.pair is None:
            return []
        return [phone for child in self.pair.children for phone in child.phones(depth - 1)]
