"""systemd's own checker from Debian's packages: it judges a unit without running anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import debian


def files() -> debian.Unpacked:
    """Unpacked packages. Raises `Unavailable`."""
    return debian.fetch("bookworm", ["systemd"], name="systemd")


def exposure(unit: Path, folder: Path) -> tuple[float, str]:
    """What `systemd-analyze security` says of a unit: 0 to 10, smaller is better, and its words."""
    unpacked = files()
    own = sorted(unpacked.root.glob("usr/lib/*/systemd"))
    libraries = ":".join(map(str, (unpacked.libraries_for_host(), *own)))
    done = subprocess.run(
        [unpacked.root / "usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        env={"LD_LIBRARY_PATH": libraries, "PATH": "/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    _, found, verdict = done.stdout.partition("Overall exposure level for")
    if not found:
        raise debian.Unavailable(f"systemd-analyze does not work here: {done.stderr.strip()[-200:]}")
    return float(verdict.partition(":")[2].split()[0]), done.stdout + done.stderr
