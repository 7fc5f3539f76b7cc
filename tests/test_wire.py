"""Frames and events as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti import events, wire


def test_frame_carries_version_type_number_and_clock() -> None:
    """Every frame says v, type, seq and now; the body follows."""
    frame = json.loads(wire.frame("pop", 7, 1_760_000_000.25, wire.body(pop={"id": "x"})))
    assert frame == {"v": 1, "type": "pop", "seq": 7, "now": 1_760_000_000.25, "pop": {"id": "x"}}
    assert json.loads(wire.frame("beat", 8, 1.0)) == {"v": 1, "type": "beat", "seq": 8, "now": 1.0}


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_text_breaks_a_frame(text: str) -> None:
    """Any text, lone surrogates included, becomes valid JSON in UTF-8."""
    frame = wire.frame("pop", 1, 0.0, wire.body(pop={"name": text, "more": (text, {text})}))
    assert isinstance(json.loads(frame.decode("utf-8"))["pop"]["name"], str)


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_cleaned_text_is_one_bounded_line(text: str) -> None:
    """No control, direction or line-separating character survives; never longer than asked for."""
    cleaned = wire.clean_text(text, 40)
    assert len(cleaned) <= 40
    assert not any(c in cleaned for c in "\r\n\x00\x1b\u2028\u2029\u202e\u200f\u2066\ufeff")
    cleaned.encode("utf-8")


def test_hello_beat_and_seen_are_the_only_frames_from_a_page() -> None:
    """The union is closed."""
    assert wire.decode_inbound('{"type":"hello","v":1,"page":"desk"}') == wire.Hello(v=1, page="desk")
    assert wire.decode_inbound(b'{"type":"beat"}') == wire.Beat()
    assert wire.decode_inbound('{"type":"seen","pop":"a"}') == wire.Seen(pop="a")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"type":"bye"}',
        '{"type":"hello","v":1,"page":"admin"}',
        '{"type":"hello","v":"1","page":"desk"}',
        b"\xff\xfe",
        "[" * 5000,
        '{"type":"hello","v":1e999,"page":"desk"}',
    ],
)
def test_anything_else_is_refused_in_one_way(raw: str | bytes) -> None:
    """Whatever comes in raises WireError and nothing else."""
    with pytest.raises(wire.WireError):
        wire.decode_inbound(raw)


def test_events_survive_the_wire() -> None:
    """An event reads back equal, by its name."""
    event = events.CallOffered(
        at=1.5, pbx="a", call="c", direction="inbound", caller="138", caller_name="张三", dialed=None
    )
    assert wire.decode_event(wire.encode_event(event)) == event
    assert json.loads(wire.encode_event(event))["event"] == "CallOffered"
    with pytest.raises(wire.WireError):
        wire.decode_event(b'{"event":"Nothing"}')
