"""queue_log: every genuine line counts, no forged one does, and our calls agree with what it says."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.record import Call, Talk, Visit
from cti.history.books import Filled, Ours, compare, fill, ours_of, whole_wait
from cti.history.facts import facts
from cti.history.queue_log import LogBook, LogVisit, Rules, parse
from tests.history.logs import HIDDEN, one_long_log, recorded, tape_calls, visits_of

KEYS = sorted(recorded())


@pytest.mark.parametrize(("recording", "scenario"), KEYS)
def test_every_recorded_line_counts(recording: str, scenario: str) -> None:
    """Nothing that Asterisk itself wrote is refused, on either version, with and without a system name."""
    visits, reasons = visits_of(recorded()[recording, scenario])
    assert reasons == []
    assert len({visit.key for visit in visits}) == len(visits)


@pytest.mark.parametrize(("recording", "scenario"), [key for key in KEYS if key not in HIDDEN])
def test_our_calls_agree_with_the_pbx_s_own_books(recording: str, scenario: str) -> None:
    """Each visit has its partner with the same outcome and agent, and waits differ by no more than a second."""
    told = compare(ours_of(tape_calls(recording, scenario)), visits_of(recorded()[recording, scenario])[0])
    assert told.differences == ()
    assert all(ours == theirs for ours, theirs in told.counts.values())


def test_whole_seconds_are_asterisk_s_seconds() -> None:
    """Cut to the second at both ends, our waits are those of queue_log: nearly all equal, none off by two."""
    off = []
    for key in KEYS:
        visits = {(v.callid, v.queue): v for v in visits_of(recorded()[key])[0]}
        for call in tape_calls(*key):
            rows = [
                row for row in facts(call)[0] if row.kind < 2 and row.outcome in ("answered", "abandoned", "timeout")
            ]
            for row in rows:
                theirs = visits.get((call.id, row.queue))
                if theirs is None or theirs.wait_s is None or row.wait_ms is None:
                    continue
                off.append((row.at_ms + row.wait_ms) // 1000 - row.at_ms // 1000 - theirs.wait_s)
    assert len(off) > 70
    assert set(off) <= {-1, 0, 1}
    assert off.count(0) / len(off) > 0.95


@pytest.mark.parametrize(("recording", "scenario"), sorted(HIDDEN))
def test_what_a_gap_hid_is_filled_in(recording: str, scenario: str) -> None:
    """Visits that began or ended unseen get their outcome from queue_log; calls that lived in the gap are inserted."""
    calls = {call.id: call for call in tape_calls(recording, scenario)}
    visits, _ = visits_of(recorded()[recording, scenario])
    before = compare(ours_of(calls.values()), visits).differences
    assert before
    for visit in visits:
        told = fill(visit, list(calls.values()), {})
        if isinstance(told, Filled):
            assert told.call.gap
            assert told.inserted == (told.call.id not in calls)
            calls[told.call.id] = told.call
            assert fill(visit, list(calls.values()), {}) == "same"
    assert compare(ours_of(calls.values()), visits).differences == ()


def test_planted_differences_are_told() -> None:
    """A call taken away, one too many, another outcome or agent, a wait three seconds off: each is a difference."""
    ours = ours_of(tape_calls("22", "wrapup"))
    visits, _ = visits_of(recorded()["22", "wrapup"])
    assert compare(ours, visits).differences == ()

    def kinds(changed: list[Ours]) -> list[str]:
        return [d.kind for d in compare(changed, visits).differences]

    first, rest = ours[0], ours[1:]
    replace = msgspec.structs.replace
    assert kinds(rest) == ["missing"]
    assert kinds([*ours, replace(first, call="x", n=7, joined_at=first.joined_at + 30)]) == ["extra"]
    assert kinds([replace(first, outcome="abandoned"), *rest]) == ["outcome"]
    assert kinds([replace(first, agent="somebody"), *rest]) == ["agent"]
    assert kinds([replace(first, wait_s=(first.wait_s or 0) + 3), *rest]) == ["wait"]
    assert kinds([replace(first, wait_s=(first.wait_s or 0) + 0.9), *rest]) == []
    assert whole_wait(first) == 2


SYSTEM = "9f2c41d07be3"
FORGED = [
    (b"%d|1795295476.1|desk one|Someone|CONNECT|1|1795295476.2|1", "callid"),
    (b"%d|" + SYSTEM.encode() + b"-1795295476.9999|desk one|Someone|CONNECT|0|x|1", "state"),
    (b"%d|" + SYSTEM.encode() + b"-1795295476.9999|desk one|NONE|ABANDON|1|1|4", "state"),
    (b"%d|NONE|desk one|NONE|ENTERQUEUE||1|1", "callid"),
    (b"%d|" + SYSTEM.encode() + b"-17952.1x|desk one|NONE|ENTERQUEUE||1|1", "callid"),
    (b"%d|" + SYSTEM.encode() + b"-1795295476.8|desk one|NONE|ENTERQUEUE||1|one", "number"),
    (b"%d|" + SYSTEM.encode() + b"-1795295476.8|desk one|NONE|ENTERQUEUE", "fields"),
    (b"%d|" + SYSTEM.encode() + b"-1795295476.8|desk one|NONE|DROP TABLE|", "verb"),
    (b"1|" + SYSTEM.encode() + b"-1795295476.8|desk one|NONE|ENTERQUEUE||1|1", "time"),
    (b"99999999999|" + SYSTEM.encode() + b"-1795295476.8|desk one|NONE|ENTERQUEUE||1|1", "time"),
    (b"soon|" + SYSTEM.encode() + b"-1795295476.8|desk one|NONE|ENTERQUEUE||1|1", "time"),
    (b"%d|" + SYSTEM.encode() + b"-1795295476.8|no such queue|NONE|ENTERQUEUE||1|1", "queue"),
    (b"\xff\xfe", "fields"),
    (b"%d|" + b"x" * 5000, "fields"),
]


@pytest.mark.parametrize(("line", "reason"), FORGED)
def test_a_forged_line_is_refused_and_changes_nothing(line: bytes, reason: str) -> None:
    """Wherever it is slipped in, it is refused for its time, id, fields or place in the story."""
    log = recorded()["own-22", "session_cut"]
    genuine, _ = visits_of(log)
    rules = Rules(systemname=SYSTEM, queues=frozenset(visit.queue for visit in genuine))
    lines = [raw for raw in log.split(b"\n") if raw]
    for place in range(1, len(lines)):
        stamp = int(lines[place - 1].split(b"|")[0])
        forged = line.replace(b"%d", b"%d" % stamp)
        visits, reasons = visits_of(b"\n".join([*lines[:place], forged, *lines[place:]]), rules)
        assert reasons == [reason]
        assert sorted(v.key for v in visits) == sorted(v.key for v in genuine)
        assert {v.key: v for v in visits} == {v.key: v for v in genuine}


def test_a_wait_that_cannot_be_is_refused() -> None:
    """An answer whose told hold time is not the time since the entry is not believed."""
    book = LogBook(Rules())
    assert book.read(b"1795286731|1795286730.242|q|NONE|ENTERQUEUE||138|1", 4e9) is None
    assert book.read(b"1795286733|1795286730.242|q|A|CONNECT|90|1795286731.243|2", 4e9) == "time"
    assert book.read(b"1795286733|1795286730.242|q|A|CONNECT|2|1795286731.243|2", 4e9) is None
    assert book.read(b"1795286735|1795286730.242|q|B|COMPLETECALLER|2|2|1", 4e9) == "state"
    assert book.read(b"1795286735|1795286730.242|q|A|COMPLETECALLER|2|2|1", 4e9) is None
    assert book.read(b"1795286735|1795286730.242|q|A|COMPLETECALLER|2|2|1", 4e9) == "state"


def test_calls_from_before_the_first_line_are_no_forgeries() -> None:
    """A log that begins in mid-call: ends of calls whose entry it never had are passed over, not refused."""
    lines = [raw for raw in one_long_log().split(b"\n") if raw]
    for start in range(1, 12):
        assert visits_of(b"\n".join(lines[start:]))[1] == []


def test_members_lines_of_every_kind_pass() -> None:
    """Pauses, membership and reloads count as lines, and as nobody's call."""
    for line in (
        b"1795286704|NONE|NONE|Wang Fang|PAUSEALL|\xe5\x8d\x88\xe4\xbc\x91 lunch",
        b"1795286704|MANAGER|sales|PJSIP/1|ADDMEMBER|PAUSED",
        b"1795286704|1795286704.2|sales|PJSIP/1|REMOVEMEMBER|",
        b"1795286704|NONE|NONE|NONE|CONFIGRELOAD|",
        b"1795286704|REALTIME|sales|Li|UNPAUSE|back|again",
    ):
        book = LogBook(Rules())
        assert book.read(line, 4e9) is None
        assert book.take() == []


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_no_damage_makes_it_raise_or_grow(seed: int, cuts: int) -> None:
    """Bytes changed, lines cut, swapped, doubled: refused or read, no exception, and no more visits than entries."""
    rng = random.Random(seed)
    lines = [raw for raw in one_long_log().split(b"\n") if raw]
    for _ in range(cuts):
        place = rng.randrange(len(lines))
        raw = bytearray(lines[place])
        match rng.randrange(5):
            case 0 if raw:
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            case 1:
                del raw[rng.randrange(len(raw) + 1) :]
            case 2:
                raw += bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
            case 3:
                lines.insert(place, lines[rng.randrange(len(lines))])
            case _:
                other = rng.randrange(len(lines))
                lines[place], lines[other] = lines[other], lines[place]
                continue
        lines[place] = bytes(raw)
    entries = sum(b"|ENTERQUEUE" in line for line in lines)
    visits, _ = visits_of(b"\n".join(lines))
    assert len(visits) <= entries


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_a_reason(raw: bytes) -> None:
    """The parser is total."""
    parse(raw.replace(b"\n", b""), Rules(systemname="x"))


def test_a_running_call_is_left_to_the_core() -> None:
    """What is still open in our books will be written again by the core: it is filled in later."""
    calls = [call for call in tape_calls("22", "ami_drop") if any(v.outcome == "unknown" for v in call.visits)]
    visits, _ = visits_of(recorded()["22", "ami_drop"])
    running: list[Call] = [msgspec.structs.replace(call, ended_at=None) for call in calls]
    hidden = next(v for v in visits if v.callid == calls[0].id)
    assert fill(hidden, running, {}) == "later"
    assert isinstance(fill(hidden, calls, {}), Filled) or calls[0].ended_at is None


def test_a_missed_call_is_not_taken_for_its_neighbour() -> None:
    """Two callers within a second, one of them seen: the other is missing, and is filled in."""
    at, numbers = 1_795_286_700, ("13800000001", "13800000002")
    lines = [b"%d|%d.%d|sales|NONE|ENTERQUEUE||%s|1" % (at, at, n, x.encode()) for n, x in enumerate(numbers)]
    lines += [b"%d|%d.%d|sales|NONE|ABANDON|1|1|4" % (at + 4, at, n) for n in range(2)]
    visits, refused = visits_of(b"\n".join(lines))
    assert (len(visits), refused) == (2, [])
    inserted = fill(visits[0], [], {})
    assert isinstance(inserted, Filled)
    known = inserted.call
    logs: tuple[list[LogVisit], ...] = (visits, [])
    for log in logs:  # by what else the log says; where that is not at hand, by the number
        told = fill(visits[1], [known], {}, log)
        assert isinstance(told, Filled)
        assert told.inserted
        assert told.call.caller == numbers[1]
    nameless = msgspec.structs.replace(known, caller=None)
    assert isinstance(fill(visits[1], [nameless], {}, visits), Filled)
    assert compare(ours_of([nameless]), visits).differences[0].kind == "missing"


AT = 1_795_286_700
TWICE = b"""%d|%d.1|sales|NONE|ENTERQUEUE||13800000001|1
%d|%d.1|sales|Li Na|CONNECT|2|%d.2|1
%d|%d.1|sales|NONE|ENTERQUEUE||13800000001|1
%d|%d.1|sales|Li Na|BLINDTRANSFER|7051|from-phones|2|3|1
%d|%d.1|sales|NONE|ABANDON|1|1|4""" % (AT, AT, AT + 2, AT, AT, AT + 5, AT, AT + 5, AT, AT + 9, AT)


def seen_call(**more: Any) -> Call:
    """The call of TWICE as a service saw it that came to it in the middle."""
    fields: dict[str, Any] = {
        "id": f"{AT}.1", "direction": "inbound", "caller": "13800000001", "dialed": None, "started_at": None,
        "ended_at": AT + 9.4, "refused": (), "visits": (), "talks": (), "transfers": (), "gap": True,
    }  # fmt: skip
    return Call(**{**fields, **more})


def seen_visit(**more: Any) -> Visit:
    """One of its visits."""
    fields: dict[str, Any] = {
        "queue": "sales", "joined_at": AT + 5.2, "left_at": AT + 9.3, "outcome": "abandoned", "answered_at": None,
        "wait_s": 4.1, "agent": None, "interface": None,
    }  # fmt: skip
    return Visit(**{**fields, **more})


def test_the_second_stay_in_a_queue_is_not_taken_for_the_first() -> None:
    """He was seen only when he stood there again: the first visit is missing and filled in, the second is as it was."""
    first, second = visits_of(TWICE)[0]
    talk = Talk(interface="PJSIP/1", agent="Li Na", from_=AT + 4.0, to=AT + 5.1)
    call = seen_call(visits=(seen_visit(),), talks=(talk,))
    assert fill(second, [call], {}, [first, second]) == "same"
    told = fill(first, [call], {"Li Na": "PJSIP/1"}, [first, second])
    assert isinstance(told, Filled)
    assert [(v.outcome, v.agent, v.wait_s) for v in told.call.visits] == [
        ("answered", "Li Na", 2.0), ("abandoned", None, 4.1)
    ]  # fmt: skip
    assert [(t.from_, t.to) for t in told.call.talks] == [(AT + 2.0, AT + 5.1)], "one talk, from its beginning"
    assert told.call.ended_at == AT + 9.4
    assert fill(first, [told.call], {"Li Na": "PJSIP/1"}, [first, second]) == "same"


def test_an_answer_whose_wait_nobody_saw_gets_it_from_the_log() -> None:
    """The link came back between the ring and the answer: the visit is known, its entry and its wait are the log's."""
    first, second = visits_of(TWICE)[0]
    late = seen_visit(
        joined_at=None, left_at=AT + 2.4, outcome="answered", answered_at=AT + 2.4, wait_s=None, agent="Li Na"
    )
    call = seen_call(visits=(late, seen_visit()))
    told = fill(first, [call], {}, [first, second])
    assert isinstance(told, Filled)
    assert [(v.joined_at, v.wait_s, v.outcome) for v in told.call.visits] == [
        (AT, 2.0, "answered"), (AT + 5.2, 4.1, "abandoned")
    ]  # fmt: skip
    assert compare(ours_of([told.call]), [first, second]).differences == ()


def test_a_talk_whose_end_nobody_saw_ends_where_the_log_says() -> None:
    """Cut while they talked: what was known was only that it was over when the link came back."""
    log = TWICE.replace(b"BLINDTRANSFER|7051|from-phones|2|3|1", b"COMPLETECALLER|2|3|1")
    visit = visits_of(log)[0][0]
    answered = seen_visit(
        joined_at=AT + 0.1, left_at=AT + 2.2, outcome="answered", answered_at=AT + 2.2, wait_s=2.1, agent="Li Na",
        interface="PJSIP/1",
    )  # fmt: skip
    talk = Talk(interface="PJSIP/1", agent="Li Na", from_=AT + 2.25, to=AT + 31.0)
    told = fill(visit, [seen_call(visits=(answered,), talks=(talk,), ended_at=AT + 31.0)], {})
    assert isinstance(told, Filled)
    assert told.call.talks == (msgspec.structs.replace(talk, to=float(AT + 5)),)
    assert told.call.visits == (answered,)
    whole = seen_call(visits=(answered,), talks=(msgspec.structs.replace(talk, to=AT + 5.4),), gap=False)
    assert fill(visit, [whole], {}) == "same"


def test_the_log_corrects_what_a_loss_made_us_believe() -> None:
    """After a gap, or an event lost without one, he was taken for another agent's: the log is right, and it shows."""
    visit = visits_of(TWICE)[0][0]
    believed = seen_visit(
        joined_at=AT + 0.1, left_at=AT + 2.2, outcome="answered", answered_at=AT + 2.2, wait_s=2.1, agent="Wang Fang",
        interface="PJSIP/2",
    )  # fmt: skip
    for wrong in (believed, msgspec.structs.replace(believed, outcome="timeout", agent=None, answered_at=None)):
        for gap in (True, False):
            told = fill(visit, [seen_call(visits=(wrong,), gap=gap)], {"Li Na": "PJSIP/1"})
            assert isinstance(told, Filled)
            (right,) = told.call.visits
            assert (right.outcome, right.agent, right.interface) == ("answered", "Li Na", "PJSIP/1")
            assert told.call.gap


def test_an_entry_known_from_the_lists_only_is_put_into_the_log_s_second() -> None:
    """Read slowly, the lists' whole seconds make it a second or two off; what was seen without a gap is not touched."""
    visit = visits_of(TWICE)[0][1]
    for joined, right in ((AT + 7.4, AT + 5.999), (AT + 3.2, AT + 5.0), (AT + 5.4, AT + 5.4), (AT + 4.99, AT + 5.0)):
        ours = seen_visit(joined_at=joined, wait_s=AT + 9.3 - joined)
        told = fill(visit, [seen_call(visits=(ours,))], {})
        after = told.call.visits[0] if isinstance(told, Filled) else ours
        assert after.joined_at == right
        assert after.wait_s == pytest.approx(AT + 9.3 - right, abs=1e-5)
        assert fill(visit, [seen_call(visits=(ours,), gap=False)], {}) == "same"


def test_after_a_gap_no_wait_stays_that_the_reconciliation_would_tell() -> None:
    """Entry and outcome right, the end two seconds early: the log's wait is taken; without a gap ours stands."""
    visit = visits_of(TWICE)[0][1]
    assert visit.wait_s is not None
    for early in (0.0, 1.0, 2.0, 3.0):
        left = AT + 5.1 + visit.wait_s - early
        ours = seen_visit(joined_at=AT + 5.1, left_at=left, wait_s=left - AT - 5.1)
        call = seen_call(visits=(ours,))
        told = fill(visit, [call], {})
        after = told.call if isinstance(told, Filled) else call
        assert not compare(ours_of([after]), [visit]).differences
        assert fill(visit, [msgspec.structs.replace(call, gap=False)], {}) == "same"


def test_a_visit_whose_entry_comes_from_the_log_stands_in_its_place() -> None:
    """Its end was heard after the next one's beginning: the order is that of the entries."""
    first, second = visits_of(TWICE)[0]
    late = seen_visit(
        joined_at=None, left_at=AT + 2.4, outcome="answered", answered_at=AT + 2.4, wait_s=None, agent="Li Na"
    )
    told = fill(first, [seen_call(visits=(seen_visit(), late))], {}, [first, second])
    assert isinstance(told, Filled)
    assert [v.outcome for v in told.call.visits] == ["answered", "abandoned"]
