"""Ports that a service manager holds: taken over where the settings name them, and nowhere else."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cti.settings import PushSettings, WebSettings
from tests.asterisk.ports import free_port
from tests.servers import systemd

ROOT = Path(__file__).resolve().parents[1]
GUARD_S = 30.0
SAYS = """
import sys
from cti.listening import listening
kept = []
for word in sys.argv[1:]:
    host, _, port = word.rpartition(":")
    try:
        kept.append(listening(host, int(port)))
        print(kept[-1].fileno(), flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


def handed(held: list[socket.socket], *asked: str) -> list[str]:
    """What a program says that is handed these sockets and asks for those addresses: descriptors, or what is wrong."""
    descriptors = ",".join(str(one.fileno()) for one in held)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.activated", descriptors, sys.executable, "-c", SAYS, *asked],
        pass_fds=[one.fileno() for one in held],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=GUARD_S,
    )
    return done.stdout.splitlines()


def test_port_of_the_settings_is_the_one_handed_over() -> None:
    """Whichever order they come in; a port that nobody handed over is opened."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [held.getsockname()[1] for held in (one, two)]
        other = free_port()
        said = handed([one, two], *(f"127.0.0.1:{port}" for port in (ports[1], ports[0], other)))
    assert said[:2] == ["4", "3"]
    assert int(said[2]) > 4


def test_port_handed_over_at_another_address_is_an_error_that_names_both() -> None:
    """What the settings keep on this machine is not opened to all by a unit, nor the other way round."""
    with socket.create_server(("0.0.0.0", 0)) as wide:
        port = wide.getsockname()[1]
        (said,) = handed([wide], f"127.0.0.1:{port}")
        assert "0.0.0.0" in said
        assert f"127.0.0.1:{port}" in said
        assert handed([wide], f"0.0.0.0:{port}") == ["3"]


def test_what_was_handed_to_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that inherits the words but not the number opens its ports by itself."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        monkeypatch.setenv("LISTEN_FDS", "1")
        monkeypatch.setenv("LISTEN_PID", "1")
        done = subprocess.run(
            [sys.executable, "-c", SAYS, f"127.0.0.1:{port}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=GUARD_S,
        )
    assert "in use" in done.stdout


def test_systemd_hands_over_what_the_program_takes() -> None:
    """systemd's own activation, from Debian's packages, gives it both ports."""
    unpacked = systemd.files()
    ports = [free_port(), free_port()]
    libraries = ":".join(map(str, (unpacked.libraries_for_host(), *unpacked.root.glob("usr/lib/*/systemd"))))
    words = [str(unpacked.root / "usr/bin/systemd-socket-activate")]
    for port in ports:
        words += ["-l", f"127.0.0.1:{port}"]
    program = [f"--setenv=PYTHONPATH={ROOT}", sys.executable, "-c", SAYS, *(f"127.0.0.1:{port}" for port in ports)]
    with subprocess.Popen(
        [*words, *program],
        env={"LD_LIBRARY_PATH": libraries, "PATH": "/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as activated:
        assert activated.stderr is not None
        for _ in ports:  # it tells each port that it listens on, and starts the program for whoever comes first
            assert "Listening on" in activated.stderr.readline()
        with socket.create_connection(("127.0.0.1", ports[1]), timeout=GUARD_S):
            said, _ = activated.communicate(timeout=GUARD_S)
    assert said.split() == ["3", "4"]


def test_unit_holds_the_ports_of_the_settings() -> None:
    """What the shipped socket unit opens is what a fresh installation listens on."""
    unit = (ROOT / "config/systemd/thirteen.socket").read_text(encoding="utf-8")
    web, push = WebSettings(), PushSettings()
    assert re.findall(r"^ListenStream=(.+)$", unit, re.MULTILINE) == [
        f"{web.host}:{web.port}",
        f"{push.host}:{push.port}",
    ]
