"""Actions on the PBX and overflow rules in the store."""

from __future__ import annotations

import msgspec

from cti.auth import Account
from cti.store import Store
from cti.wire.supervision import ActionView, RuleNote


def action(id: str, at: float, **more: object) -> ActionView:
    """An action of the boss's."""
    view = ActionView(id=id, kind="member_pause", by="boss", by_name="韩松", at=at, interface="PJSIP/1", reason="培训")
    return msgspec.structs.replace(view, **more)


def test_an_action_is_one_row_and_every_step_of_it_an_audit(store: Store) -> None:
    """Asked, settled, ended: the row says how it stands, the audit says what happened, in order."""
    one = action("a1", 100.0)
    store.put_action(one, new=True)
    store.put_action(action("a1", 100.0, state="confirmed", settled_at=100.2))
    store.put_action(action("a2", 101.0, interface="PJSIP/2", by=""), new=True)
    assert [view.id for view in store.actions()] == ["a2", "a1"]
    kept = store.action("a1")
    assert kept is not None
    assert (kept.state, kept.settled_at, kept.by_name) == ("confirmed", 100.2, "韩松")
    assert store.action("none") is None
    told = [(row.user, row.action, row.subject) for row in store.audit()]
    assert told == [
        ("rule ", "control.member_pause", "PJSIP/2"),
        ("boss", "control.member_pause", "PJSIP/1"),
        ("boss", "control.member_pause", "PJSIP/1"),
    ]
    assert '"state":"confirmed"' in store.audit()[1].detail
    assert "培训" in store.audit()[1].detail


def test_actions_are_found_by_phone_and_paged_by_time(store: Store) -> None:
    """An agent finds what concerned his phones; a supervisor turns pages."""
    for n in range(10):
        store.put_action(action(f"a{n}", float(n), interface=f"PJSIP/{n % 2}"), new=True)
    assert [view.id for view in store.actions(phones=("PJSIP/1",), since=4.0)] == ["a9", "a7", "a5"]
    assert store.actions(phones=()) == []
    page = store.actions(limit=4)
    assert [view.id for view in page] == ["a9", "a8", "a7", "a6"]
    assert [view.id for view in store.actions(before=page[-1].at, limit=2)] == ["a5", "a4"]


def test_rules_keep_their_words_and_their_standing(store: Store) -> None:
    """Put twice it stands once; a dropped one is gone, and its notes stay, newest first."""
    store.put_rule("r", '{"a":1}', "{}", 1.0)
    store.put_rule("r", '{"a":2}', '{"b":1}', 2.0)
    assert store.rules() == [("r", '{"a":2}', '{"b":1}')]
    notes = [RuleNote(at=5.0, dry=True, kind=kind, text="甲", text_en="a") for kind in ("on", "added")]
    for _ in range(2):
        store.add_rule_notes("r", notes)
    store.add_rule_notes("r", [RuleNote(at=6.0, dry=False, kind="off", text="乙", text_en="b")])
    store.drop_rule("r")
    assert store.rules() == []
    assert [note.kind for note in store.rule_notes("r")] == ["off", "added", "on"]


def test_a_users_team_is_found(store: Store) -> None:
    """'' for none, and for nobody."""
    store.add_user(Account(login="han", name="韩松", role="supervisor", password_hash="-"), "A")
    store.add_user(Account(login="li", name="李", role="supervisor", password_hash="-"))
    assert (store.team_of("han"), store.team_of("li"), store.team_of("nobody")) == ("A", "", "")
