"""Records plays as tapes: `python -m tests.asterisk.record [--version 22] [--site renamed] [--out DIR] [PLAY...]`.

For each play: `X.jsonl` (one line a message) and `X.ami` (the bytes) of a session that hears everything, and the PBX's
own books, `X.queue_log` and `X.cel.csv`, from which `X.truth.json` is built. Four PBXs record at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.asterisk.console import Console, Tape
from tests.asterisk.plays_all import DISRUPTIVE, PLAYS
from tests.asterisk.site import RENAMED, Site
from tests.asterisk.stage import Stage, open_stage
from tests.asterisk.truth import read_books, truth_of


async def record(site: Site, names: Sequence[str], out: Path) -> list[str]:
    """Record plays one after another on one PBX; hand back what went wrong."""
    faults: list[str] = []
    async with open_stage(site) as stage:
        for name in names:
            fault = await _record_one(stage, name, out)
            if fault:
                faults.append(f"{name}: {fault}")
                sys.stderr.write(f"{name}: {fault}\n")
    return faults


async def _record_one(stage: Stage, name: str, out: Path) -> str:
    pbx = stage.pbx
    since = pbx.bookmark()
    tape = Tape(out / name)
    stage.console = Console(pbx.ami_port, pbx.site.secret, tape)
    stage.notes = []
    tape.start(name, pbx.site.version)
    await stage.console.open_booted()
    fault = ""
    try:
        await asyncio.wait_for(PLAYS[name](stage), 120)
        await stage.clear()
        await asyncio.sleep(0.3)  # the books are written a moment after the last event
    except Exception as error:
        fault = f"{type(error).__name__} {error}"
        stage.console.tape = None
        await stage.console.close()
        stage.console = await Console(pbx.ami_port, pbx.site.secret).open_booted()
        await stage.clear()
    await stage.console.close()
    tape.close()
    queue_log, cel = pbx.books(since)
    (out / f"{name}.queue_log").write_text(queue_log)
    (out / f"{name}.cel.csv").write_text(cel)
    calls = truth_of(*read_books(queue_log, cel), stage.names.trunk)
    document = {"play": name, "about": PLAYS[name].__doc__, "notes": stage.notes, "fault": fault, "calls": calls}
    text = msgspec.json.format(msgspec.json.encode(document), indent=1)
    (out / f"{name}.truth.json").write_bytes(text + b"\n")
    return fault


def _shares(names: Iterable[str], lanes: int) -> list[list[str]]:
    """Split plays over lanes; those that end the PBX come last."""
    ordered = sorted(names, key=lambda name: name in DISRUPTIVE)
    return [share for share in (ordered[lane::lanes] for lane in range(lanes)) if share]


async def record_all(version: str, which: str, names: Sequence[str], out: Path, lanes: int = 4) -> list[str]:
    """Record plays on several PBXs at once."""
    sites = {
        "plain": Site(version=version),
        "renamed": Site(version=version, names=RENAMED, hop="/n", systemname="9f2c41d07be3"),
        "optimised": Site(version=version, names=RENAMED, hop=""),
    }
    shares = _shares(names or list(PLAYS), lanes)
    results = await asyncio.gather(*(record(sites[which], share, out) for share in shares))
    return [fault for result in results for fault in result]


def main() -> int:
    """Record what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", choices=["22", "16"], default="22")
    parser.add_argument("--site", choices=["plain", "renamed", "optimised"], default="plain")
    parser.add_argument("--out", type=Path, default=Path("recordings"))
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("plays", nargs="*", metavar="PLAY", help="all, if none is named")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    faults = asyncio.run(record_all(options.version, options.site, options.plays, options.out, options.lanes))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
