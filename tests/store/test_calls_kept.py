"""Calls in the store: what is read is what was written, however often it was written."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti.calls.record import Call, Talk, Transfer, Visit
from cti.store import Store
from cti.store.rows import summary
from tests.store.records import T0, call, calls

KEY = "+8613812345678"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(calls, max_size=6, unique_by=lambda c: c.id))
def test_a_call_comes_back_as_it_was(store: Store, some: list[Call]) -> None:
    """Every call written, whatever its parts, is read back equal; writing it twice changes nothing."""
    store.save_calls(some, "pbx")
    store.save_calls(some, "pbx")
    for each in some:
        assert store.call(each.id) == each


def test_a_call_written_again_is_replaced(store: Store) -> None:
    """The newest document is the whole truth: parts that it no longer has are gone."""
    first = msgspec.structs.replace(
        call(ended=False), transfers=(Transfer(kind="blind", by="a", to="b", at=T0),), visits=(call().visits[0],) * 3
    )
    store.save_calls([first], "pbx")
    assert store.open_calls() == [first]
    store.save_calls([first, call()], "pbx")
    assert store.open_calls() == []
    assert store.call("c1") == call()
    assert store.calls_total([KEY]) == 1


def test_calls_of_a_number_in_any_form(store: Store) -> None:
    """Calls are found by the canonical key of caller or dialled number, the newest first, with the count of all."""
    forms = ["13812345678", "+8613812345678"]
    store.save_calls([call(f"in{n}", at=T0 + n * 100, caller=form) for n, form in enumerate(forms)], "p")
    out = msgspec.structs.replace(call("out", at=T0 + 900), direction="outbound", caller=None, dialed="013812345678")
    store.save_calls([out, call("other", caller="13912345678"), call("withheld", caller="anonymous")], "p")
    assert [row.id for row in store.calls_of_number([KEY])] == ["out", "in1", "in0"]
    assert [row.id for row in store.calls_of_number([KEY], limit=1)] == ["out"]
    assert store.calls_total([KEY]) == 3
    assert store.calls_of_number([]) == []
    assert store.calls_total([]) == 0


def test_calls_of_an_agent_are_those_talked_and_missed(store: Store) -> None:
    """An agent's history holds the calls his phones talked in and those they rang for in vain, page by page."""
    store.save_calls(
        [
            call("a", at=T0),
            call("b", at=T0 + 100, interface="PJSIP/8002", missed=("PJSIP/8001",)),
            call("c", at=T0 + 200, interface="PJSIP/8002"),
            call("d", at=T0 + 300),
        ],
        "p",
    )
    assert [row.id for row in store.calls_of_agent(["PJSIP/8001"])] == ["d", "b", "a"]
    assert [row.id for row in store.calls_of_agent(["PJSIP/8001"], limit=1, before=T0 + 300)] == ["b"]
    assert [row.id for row in store.calls_of_agent(["PJSIP/8001"], since=T0 + 100)] == ["d", "b"]
    assert store.calls_of_agent([]) == []


def test_calls_since_a_moment_are_the_documents_in_order(store: Store) -> None:
    """All calls begun since a moment come as documents, in order; one without a beginning counts by its end."""
    headless = msgspec.structs.replace(call("h", at=T0 - 50), started_at=None, partial=True)
    store.save_calls([call("b", at=T0 + 5), call("a", at=T0), call("old", at=T0 - 999), headless], "p")
    assert {each.id for each in store.calls_since(T0)} == {"a", "b", "h"}
    assert [each.id for each in store.calls_since(T0) if each.started_at] == ["a", "b"]


def test_a_dropped_call_is_gone_and_its_notes_stay(store: Store) -> None:
    """A consultation that became part of another call is forgotten; what was noted during it is not."""
    store.save_calls([call("a"), call("b")], "p")
    store.save_call_note("a", "lin", "note", T0)
    store.drop_calls(["a", "never"])
    assert store.call("a") is None
    assert store.call("b") == call("b")
    assert [note.text for note in store.call_notes("a")] == ["note"]


def test_hostile_numbers_are_kept_as_text(store: Store) -> None:
    """Numbers with SQL, control characters, surrogates or endless length are kept, bounded, and break nothing."""
    for n, caller in enumerate(["1' OR '1'='1", "\x00\x01", "\ud800", "9" * 5000, "%"]):
        store.save_calls([call(f"c{n}", caller=caller)], "p")
    assert len(store.calls_since(0)) == 5
    assert store.calls_of_number(["%"]) == []


def test_what_a_list_shows_is_derived() -> None:
    """Outcome, queue, wait and agent of a call are those of the answering visit; the wait runs from the first entry."""
    assert summary(call()).outcome == "answered"
    assert (summary(call()).wait_s, summary(call()).talk_s, summary(call()).agent) == (6.0, 60.0, "林知夏")
    lost = summary(call(talk=None, wait=41.0))
    assert (lost.outcome, lost.wait_s, lost.talk_s, lost.agent) == ("abandoned", 41.0, 0.0, None)
    first = Visit(
        queue="export",
        joined_at=T0,
        left_at=T0 + 20,
        outcome="timeout",
        answered_at=None,
        wait_s=20.0,
        agent=None,
        interface=None,
    )
    second = msgspec.structs.replace(first, queue="europe", joined_at=T0 + 20, left_at=T0 + 27, outcome="answered")
    second = msgspec.structs.replace(second, answered_at=T0 + 27, wait_s=7.0, agent="林")
    both = summary(msgspec.structs.replace(call(), visits=(first, second)))
    assert (both.queue, both.wait_s, both.outcome) == ("europe", 27.0, "answered")
    direct = msgspec.structs.replace(call(), visits=())
    assert (summary(direct).outcome, summary(direct).wait_s) == ("answered", None)
    assert summary(msgspec.structs.replace(direct, talks=())).outcome == "unanswered"


def test_two_phones_at_once_talk_once() -> None:
    """Overlapping talks of two phones (a transfer, a conference) are not added up."""
    talks = tuple(
        Talk(interface=f"PJSIP/{n}", agent=None, from_=T0 + start, to=T0 + end)
        for n, (start, end) in enumerate([(0, 60), (50, 90), (100, 110)])
    )
    assert summary(msgspec.structs.replace(call(), talks=talks)).talk_s == 100.0


def test_the_last_note_stands_in_lists(store: Store) -> None:
    """A list of calls shows the note saved last, an empty one never."""
    store.save_calls([call()], "p")
    store.save_call_note("c1", "lin", "先报价", T0)
    store.save_call_note("c1", "chen", "", T0 + 1)
    assert store.calls_of_number([KEY])[0].note == "先报价"


def test_a_store_reopened_has_everything(tmp_path: Path) -> None:
    """What was written is there after closing and opening again, and migrating twice changes nothing."""
    url = f"sqlite:///{tmp_path}/cti.db"
    one = Store.open(url)
    one.save_calls([call()], "p")
    one.close()
    two = Store.open(url)
    two.migrate()
    assert two.call("c1") == call()
    two.close()


def test_what_waited_never_takes_the_place_of_what_is_known_better(store: Store) -> None:
    """Written as older: an end stays, an end replaces what went on, and of two the one that tells more stays."""
    ended, open_ = call("a"), call("b", ended=False)
    store.save_calls([ended, open_], "p")
    store.save_calls([call("a", ended=False), call("b"), call("new")], "p", older=True)
    assert (store.call("a"), store.call("b"), store.call("new")) == (ended, call("b"), call("new"))
    blind = msgspec.structs.replace(call("c"), gap=True, talks=())
    store.save_calls([blind], "p")
    store.save_calls([call("c")], "p", older=True)
    store.save_calls([blind], "p", older=True)
    assert store.call("c") == call("c")
    less = call("d", talk=None, ended=False)
    more = call("d", ended=False)
    store.save_calls([less], "p")
    store.save_calls([more], "p", older=True)
    store.save_calls([less], "p", older=True)
    assert store.call("d") == more


def test_which_of_these_calls_have_ended(store: Store) -> None:
    """Asked for some calls, the store names those it has and whether they are over."""
    store.save_calls([call("a"), call("b", ended=False)], "p")
    assert store.ended_calls(["a", "b", "never"]) == {"a": True, "b": False}
    assert store.ended_calls([]) == {}
