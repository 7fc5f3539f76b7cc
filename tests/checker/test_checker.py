"""The checker is itself checked: runs in which all went well pass, and each planted error is found by its invariant."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checker.account import Account
from tests.checker.books import Page
from tests.checker.invariants import INVARIANTS, evaluate, looked_at
from tests.checker.planted import ERRORS, Plant, good


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_run_in_which_all_went_well_passes(rng: random.Random) -> None:
    """Whatever is within what each invariant allows is no breach; all twenty are looked at."""
    account = good(rng)
    assert looked_at(account) == set(INVARIANTS)
    assert evaluate(account, must=INVARIANTS) == []


@pytest.mark.parametrize(("id", "what", "plant"), ERRORS, ids=[f"{id} {what}" for id, what, _ in ERRORS])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_planted_error_is_found(id: str, what: str, plant: Plant, seed: int) -> None:
    """Wherever one error is planted, its invariant says so."""
    rng = random.Random(seed)
    account = good(rng)
    plant(rng, account)
    assert any(text.startswith(f"{id}: ") for text in evaluate(account)), what


def test_every_invariant_has_a_planted_error() -> None:
    """I1 to I20 are all there, and each was seen to fail."""
    assert list(INVARIANTS) == [f"I{n}" for n in range(1, 21)]
    assert {id for id, _, _ in ERRORS} == set(INVARIANTS)


def test_what_had_to_be_looked_at_and_was_not_is_a_breach() -> None:
    """A run cannot pass by looking away."""
    assert evaluate(Account()) == []
    assert evaluate(Account(), must=("I1", "I17")) == ["I1: not looked at", "I17: not looked at"]


@pytest.mark.parametrize(("state", "drawn"), [("ended", 1), ("talking", 2), ("ringing", 2)])
def test_a_page_draws_calls_that_go_on_and_finds_forms_of_those_that_ended(state: str, drawn: int) -> None:
    """Under another name after a reconnect, a call that goes on was drawn twice; the form of one that ended was not."""
    page = Page("ann")
    live = {"state": "live"}
    page.connecting(1.0)
    page.sent({"type": "snapshot", "seq": 1, "pops": [], "link": live}, 1.1)
    page.sent({"type": "pop", "seq": 2, "pop": {"id": "a", "visit": "v", "state": "ringing"}}, 2.0)
    page.sent({"type": "pop", "seq": 3, "pop": {"id": "a", "visit": "v", "state": "ended"}}, 3.0)
    page.gone(4.0)
    page.connecting(4.1)
    again = {"id": "b", "visit": "v", "state": state}
    page.sent({"type": "snapshot", "seq": 1, "pops": [again], "link": live}, 4.2)
    page.sent({"type": "pop", "seq": 2, "pop": again}, 4.3)
    assert len(page.client.shown) == drawn
    twice = evaluate(Account(due=[], clients=[page.client]))
    assert bool([breach for breach in twice if breach.startswith("I8")]) == (drawn > 1)
