"""`cti record`: what the PBX says, as a tape that `cti replay` reads.

`.ami` keeps the bytes as they came, anything else one JSON object a line with its moment. A tape holds customers'
numbers: the file is readable by its owner only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

from cti.ami import actions
from cti.ami.framing import Framer
from cti.ami.messages import Packet
from cti.commands.common import FAILED, run_until_told, settings_or_exit
from cti.settings import PbxSettings
from cti.ticker import steady_clock, wall_clock

LISTS: Final = ("CoreStatus", "QueueStatus", "CoreShowChannels", "BridgeList")
"Asked for at the start, so that the replay knows what stood already."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti record`."""
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--output", metavar="FILE", required=True, help="calls.jsonl, or calls.ami for the raw bytes")
    parser.add_argument("--seconds", type=float, metavar="N", help="stop after so long (default: Ctrl+C)")


class _Tape:
    """The file being written."""

    def __init__(self, path: Path, raw: bool) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._raw = raw
        self._began = steady_clock()
        self.packets = 0
        if not raw:
            self._line({"t": 0.0, "mark": "start", "epoch": wall_clock()})

    def _line(self, entry: dict[str, object]) -> None:
        self._file.write(json.dumps(entry).encode("ascii") + b"\n")

    def mark(self, name: str) -> None:
        if not self._raw:
            self._line({"t": round(steady_clock() - self._began, 6), "mark": name})

    def data(self, data: bytes, packets: list[Packet]) -> None:
        self.packets += len(packets)
        if self._raw:
            self._file.write(data)
            return
        t = round(steady_clock() - self._began, 6)
        for packet in packets:
            headers: dict[str, object] = {}
            for line in packet.raw[2:].split(b"\r\n"):
                # Bytes that are no UTF-8 become lone surrogates, from which the replay makes the same bytes again.
                key, _, value = line.decode("utf-8", "surrogateescape").partition(":")
                value = value.removeprefix(" ")
                old = headers.get(key)
                headers[key] = value if old is None else [*(old if isinstance(old, list) else [old]), value]
            self._line({"t": t, "event": headers})

    def close(self) -> None:
        self._file.close()


def main(args: argparse.Namespace) -> int:
    """Record until told to stop."""
    settings = settings_or_exit(args.config)
    path = Path(args.output)
    try:
        tape = _Tape(path, path.suffix == ".ami")
    except OSError as error:
        print(f"cti record: {path}: {error.strerror}", file=sys.stderr)
        return FAILED

    async def work(stop: asyncio.Event) -> int:
        recording = asyncio.get_running_loop().create_task(_record(settings.pbx, tape))
        waiting = asyncio.get_running_loop().create_task(stop.wait())
        done, _ = await asyncio.wait({recording, waiting}, timeout=args.seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (recording, waiting):
            task.cancel()
        await asyncio.gather(recording, waiting, return_exceptions=True)
        if recording in done and not recording.cancelled() and (error := recording.exception()) is not None:
            print(f"cti record: {error}", file=sys.stderr)
            return FAILED
        return 0

    try:
        code = run_until_told(work)
    finally:
        tape.close()
    print(f"{tape.packets} packets in {path}", file=sys.stderr)
    return code


async def _record(pbx: PbxSettings, tape: _Tape) -> None:
    """One connection after the other; raises where the PBX refuses the login."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
        except OSError as error:
            print(f"cti record: {pbx.host}:{pbx.port}: {error.strerror or error}", file=sys.stderr)
            await asyncio.sleep(2.0)
            continue
        tape.mark("tcp-connected")
        try:
            await _session(pbx, tape, reader, writer)
        except OSError:
            pass
        finally:
            writer.close()
        tape.mark("tcp-closed")
        await asyncio.sleep(1.0)


async def _session(pbx: PbxSettings, tape: _Tape, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    framer = Framer()
    login_id = actions.new_action_id()
    login = {"Username": pbx.username, "Secret": pbx.secret, "Events": "on"}
    writer.write(actions.action("Login", login, login_id))
    while data := await reader.read(65_536):
        packets = framer.feed(data)
        tape.data(data, packets)
        for packet in packets:
            if packet.get("ActionID") != login_id:
                continue
            if packet.get("Response") != "Success":
                raise PermissionError(f"the PBX refuses the login: {packet.get('Message')}")
            for name in LISTS:
                writer.write(actions.action(name, {}, actions.new_action_id()))
