"""Users, sessions, notes, drafts, dismissed pops, messages and the audit."""

from __future__ import annotations

import threading

import msgspec
import pytest

from cti.auth import Account, Accounts, StoredSession
from cti.sms.model import SmsMessage
from cti.store import NoteConflict, Store
from tests.store.records import T0

LIN = Account(login="lin", name="林知夏", role="agent", password_hash="$argon2id$x", interfaces=("PJSIP/8001",))


def test_it_keeps_accounts_as_login_wants_them(store: Store) -> None:
    """The store is the Accounts of the login: what was added is what is found."""
    accounts: Accounts = store
    store.add_user(LIN, team="欧洲组")
    store.add_user(LIN, team="欧洲组")
    assert accounts.account("lin") == LIN
    assert accounts.account("nobody") is None
    assert store.accounts() == [LIN]
    assert store.teams() == {"PJSIP/8001": "欧洲组"}


def test_a_phone_belongs_to_one_user(store: Store) -> None:
    """Giving a phone to a user takes it from whoever had it."""
    store.add_user(LIN)
    store.add_user(msgspec.structs.replace(LIN, login="chen", interfaces=("PJSIP/8001", "PJSIP/8002", "PJSIP/8002")))
    assert store.account("lin") == msgspec.structs.replace(LIN, interfaces=())
    store.set_interfaces("lin", ["PJSIP/8002"])
    chen = store.account("chen")
    assert chen is not None
    assert chen.interfaces == ("PJSIP/8001",)


def test_sessions_end_and_never_grow_younger(store: Store) -> None:
    """A session is found until it ends; a late touch does not set it back; a new password ends all."""
    store.add_user(LIN)
    for n in "ab":
        store.create_session(StoredSession(token_hash=n, login="lin", created_at=T0, seen_at=T0))
    store.touch_session("a", T0 + 50)
    store.touch_session("a", T0 + 20)
    assert store.session("a") == StoredSession(token_hash="a", login="lin", created_at=T0, seen_at=T0 + 50)
    store.end_session("a")
    assert store.session("a") is None
    assert store.set_password("lin", "new")
    assert store.session("b") is None
    assert not store.set_password("nobody", "new")


def test_old_sessions_are_swept(store: Store) -> None:
    """Sessions unused or old beyond their limits are forgotten, others stay."""
    for token, created, seen in (("fresh", 90, 95), ("idle", 90, 91), ("old", 10, 95)):
        store.create_session(StoredSession(token_hash=token, login="lin", created_at=created, seen_at=seen))
    store.forget_sessions(seen_before=93, created_before=50)
    assert [t for t in ("fresh", "idle", "old") if store.session(t)] == ["fresh"]


def test_a_note_is_not_overwritten_by_an_older_editor(store: Store) -> None:
    """A note saved from an old version is refused with the current one; the same text again is no conflict."""
    first = store.save_call_note("c1", "lin", "一", T0)
    assert store.save_call_note("c1", "lin", "一", T0 + 1) == first
    second = store.save_call_note("c1", "lin", "二", T0 + 2, first.version)
    assert second.version == 2
    with pytest.raises(NoteConflict) as caught:
        store.save_call_note("c1", "lin", "三", T0 + 3, first.version)
    assert caught.value.note == second
    assert store.call_note("c1", "lin") == second
    assert store.call_note("c1", "chen") is None
    with pytest.raises(NoteConflict):
        store.save_call_note("c2", "lin", "x", T0, 7)


def test_of_two_first_notes_at_once_one_wins(store: Store) -> None:
    """Two windows of one agent saving the first note at the same moment end in one note and one conflict."""
    outcome: list[str] = []
    start = threading.Barrier(2)

    def save(text: str) -> None:
        start.wait()
        try:
            store.save_call_note("c1", "lin", text, T0)
            outcome.append("saved")
        except NoteConflict:
            outcome.append("conflict")

    threads = [threading.Thread(target=save, args=(text,)) for text in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["conflict", "saved"]


def test_drafts_survive_and_go_when_saved(store: Store) -> None:
    """A draft is kept as typed, replaced by the next, and forgotten with ''."""
    store.put_draft("lin", "c1", '{"note":"半句"}', T0)
    store.put_draft("lin", "c1", '{"note":"整句"}', T0 + 1)
    store.put_draft("lin", "c2", "{}", T0 + 2)
    assert [(d.call, d.payload) for d in store.drafts("lin")] == [("c2", "{}"), ("c1", '{"note":"整句"}')]
    store.put_draft("lin", "c1", "", T0 + 3)
    assert [d.call for d in store.drafts("lin")] == ["c2"]
    assert store.drafts("chen") == []


def test_a_dismissed_pop_stays_dismissed_for_that_user(store: Store) -> None:
    """A pop put away is away for the one who did it, until it is two days old."""
    store.dismiss("lin", "p1", T0)
    store.dismiss("lin", "p1", T0)
    assert store.dismissed("lin") == {"p1"}
    assert store.dismissed("chen") == set()
    store.dismiss("lin", "p2", T0 + 3 * 86400)
    assert store.dismissed("lin") == {"p2"}


def test_whose_call_it_was_is_remembered(store: Store) -> None:
    """The last choice of a party for a call counts."""
    store.choose_party("c1", "7", "lin", T0)
    store.choose_party("c1", "8", "lin", T0 + 1)
    assert store.party_of("c1") == "8"
    assert store.party_of("c2") is None


def message(n: int, **changes: object) -> SmsMessage:
    """A message out."""
    made = SmsMessage(
        id=f"m{n}", at=T0 + n, direction="out", number="138", key="+86138", text=f"t{n}", status="queued", by="林"
    )
    return msgspec.structs.replace(made, **changes)


def test_messages_are_kept_once(store: Store) -> None:
    """A message told twice is one, and what is known of it is not overwritten by the second telling."""
    assert store.add_sms([message(1), message(2)]) == 2
    store.set_sms_status("m1", "delivered")
    assert store.add_sms([message(1, text="other"), message(3)]) == 1
    assert [(m.id, m.status) for m in store.sms_of_number(["+86138"])] == [
        ("m3", "queued"),
        ("m2", "queued"),
        ("m1", "delivered"),
    ]
    assert store.sms_of_number(["+86138"], limit=1)[0].text == "t3"
    assert store.sms_total(["+86138"]) == 3
    assert store.sms_of_number([]) == []


def test_a_status_never_goes_backwards(store: Store) -> None:
    """Reports in any order end in the same status: delivered is not undone by a late "sent" or "failed"."""
    store.add_sms([message(1)])
    assert store.set_sms_status("m1", "delivered")
    assert not store.set_sms_status("m1", "sent")
    assert not store.set_sms_status("m1", "failed")
    assert not store.set_sms_status("unknown", "sent")
    assert store.sms_of_number(["+86138"])[0].status == "delivered"


def test_the_audit_keeps_order(store: Store) -> None:
    """What was done is told newest first, also within the same second."""
    for n in range(3):
        store.add_audit(T0, "lin", "view", f"party {n}")
    assert [row.subject for row in store.audit(2)] == ["party 2", "party 1"]
