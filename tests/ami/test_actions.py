"""The builder of actions: only what is listed leaves, and no control character in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.actions import ALLOWED, MAX_LINE, action, new_action_id

PAUSE = {"Interface": "PJSIP/1001", "Paused": "true"}
DIAL = {"Channel": "PJSIP/1", "Context": "cti-dial", "Exten": "1", "Priority": "1", "ChannelId": "x", "Async": "true"}


def test_an_action_is_lines_and_a_blank_line() -> None:
    """Headers in the order given, each ended with CR LF, and an empty line."""
    raw = action("QueuePause", {**PAUSE, "Reason": "午休 lunch"}, "abc")
    assert raw.decode() == (
        "Action: QueuePause\r\nActionID: abc\r\nInterface: PJSIP/1001\r\nPaused: true\r\nReason: 午休 lunch\r\n\r\n"
    )


@pytest.mark.parametrize(
    "name", ["Command", "UpdateConfig", "GetConfig", "ModuleLoad", "Setvar", "UserEvent", "", "ping"]
)
def test_what_is_not_listed_is_not_sent(name: str) -> None:
    """An action that is not on the list is refused, however harmless."""
    with pytest.raises(ValueError, match="not on the list"):
        action(name, {}, "1")


@pytest.mark.parametrize("key", ["Application", "Data", "Variable", "Account", "Reason\r\nAction"])
def test_a_call_goes_to_the_dialplan_and_carries_nothing_else(key: str) -> None:
    """Originate has no Application, no Data and no Variable: write=originate alone could spy and run anything."""
    with pytest.raises(ValueError, match="may not carry"):
        action("Originate", {**DIAL, key: "x"}, "1")


@pytest.mark.parametrize(
    "change",
    [
        {"Exten": "*72"},
        {"Exten": "1&2"},
        {"Exten": "１２"},
        {"Exten": ""},
        {"Channel": "PJSIP/1&PJSIP/2"},
        {"Channel": "Local/1@x,y"},
        {"Channel": "1001"},
        {"Channel": "/^.*$/"},
        {"Async": "false"},
        {"Context": "a b"},
        {"Priority": "s"},
    ],
)
def test_a_value_looks_as_it_should(change: dict[str, str]) -> None:
    """Digits only where digits are dialled, one phone only, and always Async: nothing holds up the session."""
    with pytest.raises(ValueError, match="does not look"):
        action("Originate", {**DIAL, **change}, "1")


def test_a_needed_header_is_needed() -> None:
    """An Originate without our own ChannelId could not be found again."""
    with pytest.raises(ValueError, match="needs ChannelId"):
        action("Originate", {key: value for key, value in DIAL.items() if key != "ChannelId"}, "1")


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_input_makes_a_line_more_than_was_meant(reason: str, interface: str) -> None:
    """Whatever is put in: refused, or exactly the lines that were meant, without a control character in them."""
    try:
        raw = action("QueuePause", {"Interface": interface, "Paused": "true", "Reason": reason}, "1")
    except ValueError:
        return
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r") == 6
    assert not any(byte < 0x20 or byte == 0x7F for byte in raw.replace(b"\r\n", b""))


@pytest.mark.parametrize("control", [chr(code) for code in range(32)] + ["\x7f"])
def test_control_characters_are_refused(control: str) -> None:
    """Refused, not removed: in the action direction a bare LF already ends a line."""
    with pytest.raises(ValueError, match="control character"):
        action("QueuePause", {**PAUSE, "Reason": f"a{control}b"}, "1")


def test_the_message_of_a_refusal_does_not_repeat_the_value() -> None:
    """What people type stays out of logs."""
    with pytest.raises(ValueError, match="Reason") as refused:
        action("QueuePause", {**PAUSE, "Reason": "secret words\n"}, "1")
    assert "secret" not in str(refused.value)


def test_a_line_too_long_for_asterisk_is_refused() -> None:
    """Asterisk drops the whole action for one line too long; we say so first. Bytes count, not characters."""
    room = (MAX_LINE - len("Reason: ")) // 3
    assert action("QueuePause", {**PAUSE, "Reason": "午" * room}, "1")
    with pytest.raises(ValueError, match="longer than"):
        action("QueuePause", {**PAUSE, "Reason": "午" * (room + 1)}, "1")


def test_a_lone_surrogate_is_no_text() -> None:
    """Bytes that came from a broken name do not go out again."""
    with pytest.raises(ValueError, match="not text"):
        action("QueuePause", {**PAUSE, "Reason": "\udcc4"}, "1")


def test_action_ids_are_128_random_bits() -> None:
    """Thirty-two hex digits, never the same twice."""
    ids = {new_action_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


def test_nothing_dangerous_is_on_the_list() -> None:
    """The list holds no action that runs commands, writes files or changes the configuration."""
    assert not ALLOWED.keys() & {"Command", "UpdateConfig", "CreateConfig", "GetConfig", "ModuleLoad", "DBDel", "AGI"}


MOVE = {"Channel": "PJSIP/line-1", "Context": "cti-queue", "Exten": "qeurope", "Priority": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"Context": "from-phones"},
        {"Context": "cti-dial"},
        {"Exten": "europe"},
        {"Exten": "q"},
        {"Exten": "qa,b"},
        {"Exten": "pPJSIP/1&PJSIP/2"},
        {"Exten": "q${SHELL(id)}"},
    ],
)
def test_a_caller_is_moved_to_places_of_ours_alone(change: dict[str, str]) -> None:
    """A Redirect goes to the shipped contexts, to one queue or one phone, and carries nothing a dialplan would run."""
    assert action("Redirect", MOVE, "1")
    with pytest.raises(ValueError, match="does not look"):
        action("Redirect", {**MOVE, **change}, "1")


@pytest.mark.parametrize("exten", ["l", "l1.2,q", "l1.2&x", "x1.2", "l1.2|w", "1.2"])
def test_listening_names_one_channel_exactly(exten: str) -> None:
    """A letter for the way of listening and a Uniqueid: no prefix list, no options, nothing empty."""
    assert action("Originate", {**DIAL, "Context": "cti-spy", "Exten": "l1795305562.3"}, "1")
    with pytest.raises(ValueError, match="does not look"):
        action("Originate", {**DIAL, "Context": "cti-spy", "Exten": exten}, "1")
