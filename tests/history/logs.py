"""Recorded queue_log files, and the calls that the core made of the AMI meanwhile."""

from __future__ import annotations

import functools

from cti.calls.record import Call
from cti.history.queue_log import LogBook, LogVisit, Reason, Rules
from tests.calls.tapes import archive, replayed

HIDDEN = {
    ("22", "ami_drop"),
    ("16", "ami_drop"),
    ("16", "crash_early_login"),
    ("own-22", "session_cut"),
    ("own-16", "session_cut"),
}
"Recordings in which the AMI was away while something happened."


@functools.cache
def recorded() -> dict[tuple[str, str], bytes]:
    """{(recording, scenario): queue_log} of everything recorded with its log."""
    found: dict[tuple[str, str], bytes] = {}
    for name, content in archive("queue-logs").items():
        version, _, file = name.partition("/")
        found[version, file.removesuffix(".queue_log")] = content
    for site in ("own-22", "own-16"):
        for name, content in archive(site).items():
            if name.endswith(".queue_log") and content:
                found[site, name.removesuffix(".queue_log")] = content
    return found


@functools.cache
def tape_calls(recording: str, scenario: str) -> tuple[Call, ...]:
    """What the core made of the tape."""
    name = recording if recording.startswith("own") else f"asterisk-{recording}"
    return tuple(replayed(archive(name)[f"{scenario}.jsonl"]))


def visits_of(log: bytes, rules: Rules | None = None) -> tuple[list[LogVisit], list[Reason]]:
    """The visits of a log, and why lines of it did not count."""
    book = LogBook(rules or Rules())
    reasons = [reason for line in log.split(b"\n") if line and (reason := book.read(line, 4e9)) is not None]
    return book.take(), reasons


def one_long_log(recordings: tuple[str, ...] = ("22",)) -> bytes:
    """Scenarios of one site one after another, as one PBX would have written them."""
    logs = [content for (site, _), content in recorded().items() if site in recordings]
    logs.sort(key=lambda log: int(log.split(b"|")[0]))
    return b"".join(logs)
