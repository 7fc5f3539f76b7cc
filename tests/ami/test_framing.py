"""Framing: bytes cut anywhere become the same packets, at linear cost, and whatever is dropped is counted."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.framing import Framer

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
STREAM = (
    BANNER
    + b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
    + b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n"
    + "Event: Newchannel\r\nCallerIDName: 张三先生\r\nUniqueid: 1.1\r\n\r\n".encode()
    + b"Event: VarSet\r\nVariable: X\r\nValue: \r\n\r\n"
    + b"Event: ParkedCall\r\nMessage: Park successful\n\r\nParkee: x\r\n\r\n"
)


def test_bytes_cut_anywhere_give_the_same_packets() -> None:
    """Where the network cuts the stream makes no difference, not even inside a character or a separator."""
    whole = [packet.raw for packet in Framer().feed(STREAM)]
    assert len(whole) == 5
    for cut in range(1, len(STREAM)):
        framer = Framer()
        assert [p.raw for p in framer.feed(STREAM[:cut]) + framer.feed(STREAM[cut:])] == whole
    single = Framer()
    assert [p.raw for n in range(len(STREAM)) for p in single.feed(STREAM[n : n + 1])] == whole


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_number_of_cuts_gives_the_same_packets(cuts: list[int]) -> None:
    """Nor do many cuts."""
    framer, begin, seen = Framer(), 0, []
    for end in [*sorted(cuts), len(STREAM)]:
        seen += framer.feed(STREAM[begin:end])
        begin = end
    assert [p.raw for p in seen] == [p.raw for p in Framer().feed(STREAM)]


def test_the_banner_is_no_packet() -> None:
    """The first line of a connection is its banner, kept apart."""
    framer = Framer()
    framer.feed(STREAM)
    assert framer.banner == "Asterisk Call Manager/11.0.0"


def test_a_server_without_a_banner_is_read_too() -> None:
    """A stream that begins in the middle gives its whole packets; the cut one is counted."""
    framer = Framer()
    assert [p.event for p in framer.feed(b"llerIDNum: 1\r\n\r\nEvent: Hangup\r\nUniqueid: 1\r\n\r\n")] == ["Hangup"]
    assert framer.malformed == 1


def test_lines_end_with_crlf_alone() -> None:
    """A bare LF, U+2028, U+0085, vertical tab and file separator stand inside values like any character."""
    value = "a\nb\u2028c\u0085d\x0be\x1cf"
    (packet,) = Framer().feed(f"Event: UserEvent\r\nNote: {value}\r\nLast: 1\r\n\r\n".encode())
    assert packet.get("Note") == value
    assert packet.get("Last") == "1"


def test_the_first_event_header_wins_and_the_packet_is_counted() -> None:
    """A second Event header inside a UserEvent is the sender's word, not Asterisk's."""
    framer = Framer()
    (packet,) = framer.feed(b"Event: UserEvent\r\nNote: x\r\nEvent: Hangup\r\nChannel: PJSIP/fake\r\n\r\n")
    assert packet.event == "UserEvent"
    assert framer.odd == 1
    (response,) = framer.feed(b"Response: Success\r\nActionID: 1\r\nResponse: Error\r\n\r\n")
    assert response.get("Response") == "Success"
    (forged,) = framer.feed(b"Response: Success\r\nEvent: Hangup\r\n\r\n")
    assert forged.event == ""
    assert framer.odd == 3


def test_an_event_may_carry_a_response_header() -> None:
    """OriginateResponse has one: that is not odd."""
    framer = Framer()
    (packet,) = framer.feed(b"Event: OriginateResponse\r\nResponse: Failure\r\nReason: 3\r\n\r\n")
    assert packet.event == "OriginateResponse"
    assert framer.odd == 0


def test_unwanted_events_are_dropped_by_name() -> None:
    """An event nobody wants is not made into a packet; responses always are."""
    framer = Framer(frozenset({b"Hangup"}))
    stream = b"Event: VarSet\r\nA: 1\r\n\r\n" * 3 + b"Event: Hangup\r\nA: 1\r\n\r\nResponse: Success\r\n\r\n"
    assert [p.event for p in framer.feed(stream)] == ["Hangup", ""]
    assert framer.unwanted == 3


def test_too_long_a_packet_is_skipped_and_the_next_is_read() -> None:
    """One packet over the limit costs itself only, and no more memory than the limit."""
    framer = Framer(limit=10_000)
    seen = []
    for piece in [b"Event: A\r\n", b"x" * 4_000] + [b"y" * 4_000] * 50 + [b"\r\n\r", b"\nEvent: B\r\nK: v\r\n\r\n"]:
        seen += framer.feed(piece)
        assert framer.pending <= 14_000
    assert [p.event for p in seen] == ["B"]
    assert framer.oversized == 1
    in_one = Framer(limit=10_000)
    assert [p.event for p in in_one.feed(b"Event: A\r\nV: " + b"x" * 20_000 + b"\r\n\r\nEvent: B\r\n\r\n")] == ["B"]
    assert in_one.oversized == 1


@pytest.mark.parametrize("step", [1_000, 4_096])
def test_the_cost_of_a_long_packet_is_linear(step: int) -> None:
    """Thirty-two times the bytes cost about thirty-two times as much, not a thousand times."""

    def cost(size: int) -> float:
        framer, piece = Framer(limit=1 << 30), b"x" * step
        framer.feed(b"Event: A\r\nV: ")
        begin = time.process_time()
        for _ in range(size // step):
            framer.feed(piece)
        return time.process_time() - begin

    small, large = min(cost(1 << 20) for _ in range(3)), min(cost(1 << 25) for _ in range(2))
    assert large < 32 * 5 * max(small, 1e-4)


def test_a_blank_line_with_a_bare_lf_is_a_doubt() -> None:
    """Asterisk before 2024 ended one packet with CR LF LF: two packets became one, and that is told."""
    framer = Framer(frozenset({b"Hangup"}))
    stream = b"Event: CoreShowChannelMap\r\nK: v\r\n\nEvent: Hangup\r\nUniqueid: 1\r\n\r\n"
    assert framer.feed(stream) == []
    assert framer.doubts == 1
    assert framer.unwanted == 1


def test_a_value_may_end_with_crlf() -> None:
    """Asterisk's RTP figures end in CR LF, which makes an empty line too many: harmless."""
    framer = Framer()
    seen = framer.feed(b"Event: VarSet\r\nValue: a\r\n\r\n\r\nEvent: VarSet\r\nValue: b\r\n\r\n")
    assert [p.get("Value") for p in seen] == ["a", "b"]
    assert framer.doubts == framer.malformed == 0


def test_on_a_tape_a_banner_may_follow_old_bytes() -> None:
    """Where a recorder came back, the new banner stands right behind whatever the cut left."""
    framer = Framer(tape=True)
    seen = framer.feed(STREAM + b"Event: Hangup\r\nChan" + STREAM)
    assert [p.get("Banner") for p in seen if p.get("Banner")] == ["Asterisk Call Manager/11.0.0"] * 2
    assert [p.event for p in seen if p.event][:4] == ["FullyBooted", "Newchannel", "VarSet", "ParkedCall"]
    assert len(seen) == 12
    assert framer.truncated == 1


def test_a_banner_in_a_value_is_a_value() -> None:
    """Somebody may call himself like a banner."""
    for tape in (False, True):
        framer = Framer(tape=tape)
        stream = b"Event: Newchannel\r\nCallerIDName: Asterisk Call Manager/11.0.0\r\nUniqueid: 1\r\n\r\n"
        (packet,) = framer.feed(stream)
        assert packet.get("Uniqueid") == "1"
        assert framer.truncated == 0


def test_the_end_of_a_connection_drops_what_is_not_complete() -> None:
    """Asterisk cuts a slow reader in the middle of an event: that event never was."""
    framer = Framer()
    framer.feed(BANNER + b"Event: Hangup\r\nUniq")
    framer.close()
    assert framer.truncated == 1
    assert framer.pending == 0


@given(st.lists(st.binary(max_size=200), max_size=40))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    """Whatever comes: no exception, and nothing is kept that cannot still become a packet."""
    for tape in (False, True):
        framer = Framer(frozenset({b"Hangup"}), limit=500, tape=tape)
        for piece in pieces:
            for packet in framer.feed(piece):
                packet.get("Uniqueid")
                list(packet.headers())
        assert framer.pending <= 700


def test_mutated_packets_never_raise() -> None:
    """Real packets with bytes changed, lost, doubled and swapped do not raise either."""
    rng = random.Random(13)
    for _ in range(2_000):
        raw = bytearray(STREAM)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(raw))
            match rng.randrange(4):
                case 0:
                    raw[at] = rng.randrange(256)
                case 1:
                    del raw[at : at + rng.randrange(1, 30)]
                case 2:
                    raw[at:at] = raw[at : at + rng.randrange(1, 30)]
                case _:
                    raw[at:at] = rng.choice([b"\r\n\r\n", b"\n\n", b"\x00", b"\xff\xfe", b"Event: ", b": "])
        framer = Framer(frozenset({b"Hangup", b"Newchannel"}), tape=rng.random() < 0.5)
        for packet in framer.feed(bytes(raw)):
            assert isinstance(packet.event, str)
