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


@pytest.mark.parametrize(
    ("said", "hush"),
    [
        ("sentinel_password=open-sesame", "open-sesame"),
        ("Authorization: Bearer abcdef.ghijkl", "ghijkl"),
        ("postgresql://cti:open-sesame@db/cti", "open-sesame"),
        ("redis://:open/sesame@r:6379", "sesame"),
        ("token cti_7_AbCdEfGhIjKlMnOp", "AbCdEfGhIjKlMnOp"),
        ("{'key_secret': 'open-sesame'}", "open-sesame"),
        ("api_key=open-sesame", "open-sesame"),
        ("call from 138 0000 1307", "0000"),
        ("call from 138-0000-1307", "0000"),
        ("１３８００００１３０７", "００００"),
    ],
)
def test_secrets_of_every_kind_are_masked(out: io.StringIO, said: str, hush: str) -> None:
    """Passwords in settings and URLs, tokens, and numbers as people write them."""
    logging.getLogger("x").warning("it said %s", said)
    assert hush not in json.loads(out.getvalue())["text"]


def test_without_the_filter_they_would_stand_there(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken build: with nothing masked the tests above find what they look for."""
    monkeypatch.setattr(logs, "masked", lambda text: text)
    logging.getLogger("x").warning("call from 13800001307, password=open-sesame")
    assert "13800001307" in out.getvalue()
    assert "open-sesame" in out.getvalue()


def test_format_of_the_settings_wins_over_the_terminal(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """`json` is JSON on a terminal, `text` is words in a file; a trace cannot look like an entry."""
    monkeypatch.setattr(out, "isatty", lambda: True)
    logs.set_up("info", out, "json")
    logging.getLogger("x").info("one")
    assert json.loads(out.getvalue())["text"] == "one"
    plain = io.StringIO()
    logs.set_up("info", plain, "text")
    try:
        raise ValueError("a\n2026-01-01T00:00:00.000+00:00 error   forged\x1b[2J")
    except ValueError:
        logging.getLogger("x").exception("two")
    lines = plain.getvalue().rstrip("\n").split("\n")
    assert lines[0].endswith("error   two")
    assert [line for line in lines[1:] if not line.startswith("  | ")] == []
    assert "\x1b" not in plain.getvalue()


@pytest.mark.parametrize("hostile", ["a\u2028b\x85c\x7f", "\ud800x", "\x00\x07"])
@pytest.mark.parametrize("form", ["json", "text"])
def test_line_ends_of_every_kind_and_broken_characters_stay_inside(hostile: str, form: str) -> None:
    """Readers that know more line ends than \\n see one line, and every encoding can hold it."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.set_up("info", stream, form)
        logging.getLogger("x").info("name %s", hostile)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert len(stream.getvalue().splitlines()) == 1
    stream.getvalue().encode()
