"""How the unpacked Asterisk and SIPp are started.

An unpacked program newer than the host runs through the loader it came with; one older than the host (Asterisk 16 of
bullseye, whose loader cannot be told a program's name) runs on the host's loader, with its own libraries but without
its own C library.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.debian import Unavailable, Unpacked, fetch

_SOUNDS = ("asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm")

__all__ = ["Program", "Unavailable", "asterisk", "asterisk_files", "sipp"]


@dataclass(frozen=True)
class Program:
    """Words and environment that start a program."""

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def asterisk_files(version: str) -> Unpacked:
    """Unpacked packages of Asterisk "22" (the newest that Debian has) or "16". Raises `Unavailable`."""
    if version == "16":
        return fetch("bullseye", ["asterisk", "asterisk-voicemail", *_SOUNDS])
    try:
        return fetch("sid", ["asterisk", *_SOUNDS])
    except Unavailable:
        return fetch("forky", ["asterisk", *_SOUNDS])


def asterisk(files: Unpacked, wrapper: Path) -> Program:
    """Asterisk; `wrapper` is written and is what Asterisk executes for `core restart now`."""
    program = _program(files, "usr/sbin/asterisk", argv0=wrapper)
    if not program.environment:
        wrapper.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in program.words) + ' "$@"\n')
        wrapper.chmod(0o755)
    return program


def sipp() -> Program:
    """SIPp. Raises `Unavailable`."""
    return _program(fetch("bookworm", ["sip-tester"], name="sipp"), "usr/bin/sipp")


def _program(files: Unpacked, name: str, argv0: Path | None = None) -> Program:
    binary = files.root / name
    for loader in sorted(files.root.glob("usr/lib*/**/ld-linux-*.so.*")):
        if not loader.exists():  # bullseye's is a link into /lib
            continue
        told = subprocess.run([loader, "--help"], capture_output=True, text=True, check=False)
        if "--argv0" in told.stdout:
            named = ["--argv0", str(argv0)] if argv0 else []
            search = ":".join(str(directory) for directory in files.library_dirs())
            return Program([str(loader), *named, "--library-path", search, str(binary)])
    return Program([str(binary)], {"LD_LIBRARY_PATH": str(files.libraries_for_host())})
