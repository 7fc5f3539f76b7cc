"""Who it may be: the rule of the choice."""

from __future__ import annotations

import pytest

from crm_bridge import model
from crm_bridge.numbers import canonical
from cti import wire
from cti.popup.rules import Labels, caller_view, decide
from tests.popup.scripts import LABELS, match, party


def test_one_registered_party_is_chosen() -> None:
    """A single match by number needs no question."""
    decision = decide([match(party())])
    assert decision.level == "exact"
    assert decision.chosen == party()


@pytest.mark.parametrize("level", ["exact", "derived", "switchboard", "learned"])
def test_two_parties_are_never_decided_silently(level: model.MatchLevel) -> None:
    """Whatever ranks first, two candidates are listed and none is chosen."""
    decision = decide([match(party("p2", company_id="c2"), "exact", 0.5), match(party("p1"), level, 0.9)])
    assert decision.level == "several"
    assert decision.chosen is None
    assert [m.party.id for m in decision.candidates] == ["p1", "p2"]


def test_person_and_his_company_are_one_answer() -> None:
    """A number registered for a person and for his company is the person's."""
    company = party("c1", "宁波屿衡进出口有限公司", kind="company", company=None, company_id=None)
    decision = decide([match(company, "switchboard"), match(party("p1", company_id="c1"))])
    assert decision.chosen is not None
    assert decision.chosen.id == "p1"


def test_company_of_somebody_else_is_another_answer() -> None:
    """A person and a company that is not his are two."""
    company = party("c9", "别家公司", kind="company", company=None, company_id=None)
    assert decide([match(company), match(party("p1", company_id="c1"))]).level == "several"


def test_two_people_of_one_company_are_two() -> None:
    """A switchboard with two people behind it is a question."""
    people = [match(party(id, company_id="c1"), "switchboard") for id in ("p1", "p2")]
    assert decide(people).level == "several"


def test_mention_in_a_text_is_a_trace() -> None:
    """A number found in a note links nobody, and does not make a registered one doubtful."""
    trace = match(party("p2", company_id="c2"), "text", 0.3)
    assert decide([trace]).level == "unknown"
    assert decide([trace]).candidates == (trace,)
    both = decide([trace, match(party())])
    assert both.chosen == party()
    assert [m.party.id for m in both.candidates] == ["p1", "p2"]


def test_two_reasons_for_one_party_are_one_candidate() -> None:
    """A party found by its number and in a text is listed once, with the better reason."""
    decision = decide([match(party(), "text", 0.99), match(party(), "exact", 0.9)])
    assert [m.level for m in decision.candidates] == ["exact"]
    assert decision.level == "exact"


def test_nobody_is_unknown() -> None:
    """No match asks for a new customer."""
    assert decide([]).level == "unknown"


def test_candidates_are_bounded() -> None:
    """A switchboard with a thousand people does not fill the page."""
    assert len(decide([match(party(f"p{n}", company_id=f"c{n}")) for n in range(1000)]).candidates) <= 20


def test_caller_is_classified_grouped_and_placed() -> None:
    """Number, class and region stand ready for reading."""
    caller = caller_view(canonical("13800001307"), "ZHOU MIN")
    assert caller.display == "138 0000 1307"
    assert caller.cls == "mobile"
    assert caller.class_label == "手机"
    assert caller.name == "ZHOU MIN"
    assert "浙江" in caller_view(canonical("057487654321"), None).region


def test_name_that_says_nothing_is_no_name() -> None:
    """A caller-id name that repeats the number or says unknown is left out."""
    for name in ("13800001307", "<unknown>", "", None, "Anonymous"):
        assert caller_view(canonical("13800001307"), name).name is None


def test_withheld_number_has_words() -> None:
    """The page never shows an empty caller."""
    caller = caller_view(canonical(None), None)
    assert caller.number is None
    assert caller.display


def test_unconfigured_names_are_shown_as_they_are() -> None:
    """A queue, a line and a key without a label stay readable and clean."""
    assert LABELS.queue("night\x00") == wire.QueueName(id="night\x00", label="night", target_s=13.0)
    assert Labels().line("4001") == wire.Line(number="4001", label="")
    assert Labels().line(None) is None
    assert LABELS.choice("4000001313", "9") == wire.Choice(key="9", label="")
