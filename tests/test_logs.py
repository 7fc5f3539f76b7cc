"""What may stand in a log."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from cti import logs


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """A log that is read afterwards; the root logger is as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.set_up("info", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize("number", ["13800001307", "+8613800001307", "057487654321", "4000001313", "85225880178"])
def test_numbers_are_masked(out: io.StringIO, number: str) -> None:
    """No telephone number stands in a log, whoever logs it."""
    logging.getLogger("x").warning("call from %s failed", number)
    assert number not in out.getvalue()
    assert number[-7:-2] not in out.getvalue()


def test_short_numbers_times_and_ports_stay(out: io.StringIO) -> None:
    """What helps to understand is readable."""
    logging.getLogger("x").warning("127.0.0.1:5038 after 12.345678 s, queue europe, PJSIP/8001")
    text = json.loads(out.getvalue())["text"]
    assert text == "127.0.0.1:5038 after 12.345678 s, queue europe, PJSIP/8001"


def test_secrets_are_masked_in_tracebacks_too(out: io.StringIO) -> None:
    """A secret in a message or in an exception's text is replaced."""
    try:
        raise ValueError("secret=hush-hush number 13800001307")
    except ValueError:
        logging.getLogger("x").exception("Password: open-sesame")
    for word in ("hush-hush", "open-sesame", "13800001307"):
        assert word not in out.getvalue()


def test_hostile_text_is_one_line(out: io.StringIO) -> None:
    """Line breaks and control characters cannot forge an entry."""
    logging.getLogger("x").warning("name %s", 'a\r\n{"level":"info"}\x1b[2J\u2028b')
    lines = out.getvalue().split("\n")
    assert len(lines) == 2
    assert json.loads(lines[0])["level"] == "warning"
    assert "\x1b" not in lines[0]


def test_terminal_gets_words(monkeypatch: pytest.MonkeyPatch, out: io.StringIO) -> None:
    """On a terminal an entry is a line of text, control characters escaped."""
    tty = io.StringIO()
    monkeypatch.setattr(tty, "isatty", lambda: True)
    logs.set_up("info", tty)
    logging.getLogger("x").info("a\nb\x1b")
    line = tty.getvalue()
    assert line.endswith("info    a\\nb\\x1b\n")
    assert line.count("\n") == 1
    assert sys.stderr is not tty
