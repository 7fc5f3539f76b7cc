"""`cti replay`: a tape through the real core, by the tape's own clock; prints calls or events.

The calls document is a contract with other programs (docs/reference/replay.md).
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
from cti.ami.roster import Roster, boot_of, boots_differ
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
        self._infos = 0

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
                self._infos += 1
                self.bridges.setdefault(packet.get("BridgeUniqueid"), []).extend(self._members)
                self._members = []
            case name if name.endswith("Complete"):
                self.done.add(name)
            case _:
                pass

    def complete(self) -> bool:
        """True once queues, channels and bridges have all been listed."""
        return (
            {"QueueStatusComplete", "CoreShowChannelsComplete", "BridgeListComplete"} <= self.done
            and self._infos >= len(self.bridges)
        )

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
        self._connections = 0
        self._greeted = False
        self._lists: _Lists | None = None
        self._held: list[tuple[Packet, float]] = []
        self._gap_until = 0.0
        self._up_since: float | None = None
        self._now = 0.0

    def run(self, content: bytes) -> None:
        """Run one whole tape (`.jsonl` or raw `.ami`, plain or gzipped)."""
        entries = list(tape.read(content))
        zero = next(((e.epoch - e.t, e.epoch) for e in entries if e.epoch is not None), None)
        if zero is not None:
            self.epoch = zero[1]
        for entry in entries:
            now = entry.t + (zero[0] if zero is not None else 0.0)
            self._now = max(self._now, now) if zero is not None else now
            if entry.packet is None:
                if entry.mark == "tcp-connected":
                    self._connected(now)
                    self._greeted = False
            else:
                self._packet(entry.packet, now)
        self._settle(self._now)

    def _connected(self, now: float) -> None:
        self._connections += 1
        if self._connections > 1:
            self._settle(now)
            self._take(self.pbx.link_lost(self.pbx.pbx_time(now)))
            self._lists = _Lists()
            self._gap_until = now + _LISTS_WITHIN_S

    def _packet(self, packet: Packet, now: float) -> None:
        if packet.get("Banner"):
            if self._greeted or self._connections == 0:  # a tape without its marks
                self._connected(now)
            self._greeted = True
            return
        if packet.get("Timestamp"):
            self.stamped = True
        if packet.event == "FullyBooted" and self._up_since is None and packet.get("Uptime").isdigit():
            stamp = packet.get("Timestamp")
            self._up_since = (float(stamp) if stamp else now) - float(packet.get("Uptime"))
        if self._lists is None:
            self._take(self.pbx.feed(packet, now))
            return
        if self._lists.done and self._lists.complete():
            self._settle(now)
        elif now > self._gap_until:
            self._settle(now)
        if self._lists is not None and (packet.get("ActionID") or not packet.event):
            self._lists.take(packet)
        elif self._lists is not None:
            self._held.append((packet, now))
        else:
            self._take(self.pbx.feed(packet, now))

    def _settle(self, now: float) -> None:
        """The lists are read, or will not come: reconcile, then feed what was held back."""
        lists, self._lists = self._lists, None
        if lists is None:
            return
        if lists.boot is not None:
            if self._up_since is not None and boots_differ(self._up_since, lists.boot):
                self._take(self.pbx.restarted(self.pbx.pbx_time(now)))
            self._up_since = None
            self._take(self.pbx.booted(boot_of(lists.boot), self.pbx.pbx_time(now)))
        roster = lists.roster()
        if roster is not None:
            self._take(self.pbx.resync(roster, now))
        held, self._held = self._held, []
        for packet, at in held:
            self._take(self.pbx.feed(packet, at))

    def _take(self, events: list[Event]) -> None:
        self.events.extend(events)

    def calls(self) -> list[record.Call]:
        """The calls of the tape, in the order they began."""
        return self.pbx.calls()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti replay`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="tape: .jsonl or raw .ami, plain or .gz")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--calls", action="store_true", help="print the calls document (default)")
    what.add_argument("--events", action="store_true", help="print the events, one JSON object a line")
    parser.add_argument(
        "--trunk", action="append", default=[], metavar="PATTERN", help="end-points that lead outside, such as PJSIP/carrier*"
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
