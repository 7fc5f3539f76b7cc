"""`cti replay`: a tape through the real core, by the tape's own clock; prints calls or events.

The calls document is a contract with other programs (docs/reference/cli.md).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from cti.ami import tape
from cti.ami.messages import Packet
from cti.ami.roster import Roster, boot_of, started_since
from cti.calls import record
from cti.calls.pbx import Pbx, PbxConfig
from cti.events import Event

# After a reconnect on the tape, events wait this long (tape seconds) for the lists of a resync.
_LISTS_WITHIN_S = 2.0


class _Lists:
    """The list answers that a tape holds after a reconnect."""

    def __init__(self) -> None:
        self.boot: Packet | None = None
        self.queue_status: list[Packet] = []
        self.channels: list[Packet] = []
        self.bridges: dict[str, list[Packet]] = {}
        self.variables: list[Packet] = []
        self.done: set[str] = set()
        self._members: list[Packet] = []
        self._infos: set[str] = set()

    def take(self, packet: Packet) -> None:
        """One response or list item."""
        match packet.event:
            case "":
                if boot_of(packet):
                    self.boot = packet
            case "QueueParams" | "QueueMember" | "QueueEntry":
                self.queue_status.append(packet)
            case "CoreShowChannel":
                self.channels.append(packet)
            case "Status":
                self.variables.append(packet)
            case "BridgeListItem":
                self.bridges.setdefault(packet.get("BridgeUniqueid"), [packet])
            case "BridgeInfoChannel":
                self._members.append(packet)
            case "BridgeInfoComplete":
                self._infos.add(packet.get("BridgeUniqueid"))
                self.bridges.setdefault(packet.get("BridgeUniqueid"), []).extend(self._members)
                self._members = []
            case name if name.endswith("Complete"):
                self.done.add(name)
            case _:
                pass

    def complete(self) -> bool:
        """True once queues, channels and bridges have all been listed."""
        return {
            "QueueStatusComplete",
            "CoreShowChannelsComplete",
            "BridgeListComplete",
        } <= self.done and self._infos >= set(self.bridges)

    def roster(self) -> Roster | None:
        """What was listed, None if not even the channels were."""
        if "CoreShowChannelsComplete" not in self.done:
            return None
        return Roster(
            boot=boot_of(self.boot) if self.boot is not None else "",
            queue_status=self.queue_status if "QueueStatusComplete" in self.done else [],
            channels=self.channels,
            bridges=list(self.bridges.items()) if "BridgeListComplete" in self.done else (),
            variables=self.variables,
        )


class Replay:
    """A tape run through the core. Nothing that ended is forgotten."""

    def __init__(self, trunks: Iterable[str] = ()) -> None:
        """`trunks`: patterns of end-points that lead outside."""
        self.pbx = Pbx(PbxConfig(trunks=tuple(trunks), linger=math.inf))
        self.events: list[Event] = []
        self.stamped = False
        "True if any packet carried a Timestamp."
        self.epoch: float | None = None
        self._begun = False
        "A packet was seen: a connection after it is a reconnection."
        self._fresh = False
        self._lists: _Lists | None = None
        self._held: list[tuple[Packet, float]] = []
        self._alive_at: float | None = None
        "When the PBX was last known to run, before the gap."
        self._gap_until: float | None = None
        self._now = 0.0
        self._timed = False

    def run(self, content: bytes) -> None:
        """Run one whole tape (`.jsonl` or raw `.ami`, plain or gzipped)."""
        entries = list(tape.read(content))
        zero = next((e.epoch - e.t for e in entries if e.epoch is not None), None)
        self.epoch = zero
        if zero is None:  # a tape cut from its start mark: its first stamp tells
            stamped = ((e.packet.get("Timestamp"), e.t) for e in entries if e.packet is not None and e.t > 0.0)
            zero = next((_seconds(stamp) - t for stamp, t in stamped if stamp), None)
        for entry in entries:
            if entry.t > 0.0:
                self._timed = True
                self._now = entry.t + (zero or 0.0)
            if entry.packet is not None:
                self._packet(entry.packet)
            elif entry.mark == "tcp-connected":
                self._connected()
            elif entry.mark == "tcp-closed":
                self._settle()
                self._alive_at = self._now
        self._settle()

    def _connected(self) -> None:
        if self._fresh:
            return
        self._fresh = True
        if not self._begun:
            return
        self._settle()
        if self._alive_at is None:
            self._alive_at = self._now
        self._take(self.pbx.link_lost(self.pbx.pbx_time(self._alive_at)))
        self._lists = _Lists()
        self._gap_until = None

    def _packet(self, packet: Packet) -> None:
        if packet.get("Banner"):
            self._connected()  # a tape without its marks
            return
        self._fresh, self._begun = False, True
        stamp = packet.get("Timestamp")
        if stamp:
            self.stamped = True
            if not self._timed:  # a raw tape's only clock
                self._now = max(self._now, _seconds(stamp))
        if self._lists is not None:
            if self._gap_until is None and (stamp or self._timed):
                self._gap_until = self._now + _LISTS_WITHIN_S
            if self._gap_until is not None and self._now > self._gap_until:
                self._settle()
        if self._lists is None:
            self._take(self.pbx.feed(packet, self._now))
        elif packet.get("ActionID") or not packet.event:
            self._lists.take(packet)
            if self._lists.complete():
                self._settle()
        else:
            self._held.append((packet, self._now))

    def _settle(self) -> None:
        """The lists are read, or will not come: reconcile, then feed what was held back."""
        lists, self._lists = self._lists, None
        if lists is None:
            return
        now, pbx = self._now, self.pbx
        if lists.boot is not None:
            if self._alive_at is not None and started_since(self._alive_at, now, lists.boot):
                self._take(pbx.restarted(pbx.pbx_time(now)))
            self._take(pbx.booted(boot_of(lists.boot), pbx.pbx_time(now)))
        self._alive_at = None
        roster = lists.roster()
        if roster is not None:
            self._take(pbx.resync(roster, now))
        held, self._held = self._held, []
        for packet, at in held:
            self._take(pbx.feed(packet, at))

    def _take(self, events: list[Event]) -> None:
        self.events.extend(events)

    def calls(self) -> list[record.Call]:
        """The calls of the tape, in the order they began."""
        return self.pbx.calls()


def _seconds(stamp: str) -> float:
    try:
        at = float(stamp)
    except ValueError:
        return 0.0
    return at if 0.0 < at < 1e11 else 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti replay`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="tape: .jsonl or raw .ami, plain or .gz")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--calls", action="store_true", help="print the calls document (default)")
    what.add_argument("--events", action="store_true", help="print the events, one JSON object a line")
    parser.add_argument(
        "--trunk",
        action="append",
        default=[],
        metavar="PATTERN",
        help="end-points that lead outside, such as PJSIP/carrier*",
    )


def main(args: argparse.Namespace) -> int:
    """Run `cti replay`; several files are one tape after another. Exit code 2 if a file cannot be read."""
    calls: list[record.Call] = []
    out = sys.stdout.buffer
    encoder = msgspec.json.Encoder()
    for name in args.files:
        try:
            content = Path(name).read_bytes()
            replay = Replay(args.trunk)
            replay.run(content)
        except (OSError, EOFError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "damaged gzip file"
            print(f"cti replay: cannot read {name}: {reason}", file=sys.stderr)
            return 2
        if not replay.stamped and replay.epoch is None:
            print(f"cti replay: {name} has no clock (no Timestamp headers): times are seconds from 0", file=sys.stderr)
        if args.events:
            for event in replay.events:
                out.write(encoder.encode(event) + b"\n")
        calls.extend(replay.calls())
    if not args.events:
        out.write(msgspec.json.format(encoder.encode(calls), indent=1) + b"\n")
    out.flush()
    return 0
