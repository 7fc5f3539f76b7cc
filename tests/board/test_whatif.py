"""Erlang A and C: published values, the limits between them, and a simulation."""

from __future__ import annotations

import heapq
import random
import subprocess
import sys

import pytest

from cti.board.whatif import Load, agents_for, outlook


def test_the_published_comparison_of_fifty_agents() -> None:
    """48 calls a minute of a minute each, 50 agents: Garnett, Mandelbaum and Reiman 2002, with and without patience."""
    patient = outlook(Load(per_s=0.8, handling_s=60.0, patience_s=None), 50, 20.0)
    assert patient.asa_s == pytest.approx(20.8, abs=0.05)
    assert patient.occupancy == pytest.approx(0.96)
    hasty = outlook(Load(per_s=0.8, handling_s=60.0, patience_s=120.0), 50, 20.0)
    assert hasty.abandon == pytest.approx(0.031, abs=0.0005)
    assert hasty.occupancy == pytest.approx(0.93, abs=0.005)
    # Their mean wait, 3.7 s, is over all callers: with exponential patience it is P(abandon) times the mean patience.
    assert hasty.abandon * 120.0 == pytest.approx(3.7, abs=0.05)


@pytest.mark.parametrize(
    ("agents", "level", "asa"), [(11, 0.390, 122.8), (12, 0.640, 40.4), (13, 0.796, 17.1), (14, 0.888, 7.8)]
)
def test_the_usual_table_of_ten_erlangs(agents: int, level: float, asa: float) -> None:
    """100 calls of 3 minutes in half an hour, 20 s: the row of 14 agents (88.8 %, 7.8 s) stands in every textbook."""
    told = outlook(Load(per_s=100 / 1800, handling_s=180.0, patience_s=None), agents, 20.0)
    assert told.level == pytest.approx(level, abs=0.0006)
    assert told.asa_s == pytest.approx(asa, abs=0.06)


def test_a_single_agent_is_the_birth_and_death_chain_itself() -> None:
    """Against the stationary chain of M/M/n+M, summed term by term: abandonment and occupancy, light to heavy load."""
    for agents in (1, 3, 12):
        for erlangs in (0.05, 0.9, 4.0, 30.0):
            for patience in (5.0, 120.0, 3000.0):
                load = Load(per_s=erlangs / 180.0, handling_s=180.0, patience_s=patience)
                told = outlook(load, agents, 13.0)
                weights, weight = [1.0], 1.0
                for k in range(1, 3000):
                    rate = min(k, agents) / 180.0 + max(0, k - agents) / patience
                    weight *= load.per_s / rate
                    weights.append(weight)
                    if weight > 1e250:
                        weights = [w / 1e250 for w in weights]
                        weight /= 1e250
                total = sum(weights)
                busy = sum(min(k, agents) * w for k, w in enumerate(weights)) / total
                left = sum(max(0, k - agents) / patience * w for k, w in enumerate(weights)) / total
                assert told.occupancy == pytest.approx(busy / agents, rel=1e-7)
                assert told.abandon == pytest.approx(left / load.per_s, rel=1e-6, abs=1e-9)


def test_much_patience_is_erlang_c_and_none_at_all_is_erlang_b() -> None:
    """The two ends: nobody hangs up; everybody does who is not answered at once (10 Erlang, 14 lines: 5.68 %)."""
    far = outlook(Load(per_s=100 / 1800, handling_s=180.0, patience_s=1e8), 14, 20.0)
    none = outlook(Load(per_s=100 / 1800, handling_s=180.0, patience_s=None), 14, 20.0)
    assert far.level == pytest.approx(none.level, abs=1e-5)
    hasty = outlook(Load(per_s=100 / 1800, handling_s=180.0, patience_s=0.01), 14, 20.0)
    assert hasty.abandon == pytest.approx(0.0568, abs=0.0001)


def _simulated(load: Load, agents: int, target_s: float, callers: int, seed: int) -> tuple[float, float, float]:
    """(level, mean wait of the answered, abandoned) of so many callers, the first tenth left out."""
    chance = random.Random(seed)
    now, free_at = 0.0, [0.0] * agents
    heapq.heapify(free_at)
    answered = in_time = left = counted = 0
    waited = 0.0
    assert load.patience_s is not None
    for n in range(callers):
        now += chance.expovariate(load.per_s)
        start = max(now, free_at[0])
        patience = chance.expovariate(1 / load.patience_s)
        counts = n >= callers // 10
        counted += counts
        if start - now > patience:
            left += counts
            continue
        heapq.heapreplace(free_at, start + chance.expovariate(1 / load.handling_s))
        answered += counts
        in_time += counts and start - now <= target_s
        waited += (start - now) if counts else 0.0
    return in_time / counted, waited / answered, left / counted


@pytest.mark.parametrize(
    ("agents", "per_h", "handling", "patience"),
    [(5, 120.0, 150.0, 60.0), (14, 200.0, 180.0, 90.0), (3, 90.0, 200.0, 20.0)],
)
def test_a_simulation_comes_to_the_same(agents: int, per_h: float, handling: float, patience: float) -> None:
    """400,000 callers who are answered in turn: level, waits and hang-ups within what chance allows."""
    load = Load(per_s=per_h / 3600, handling_s=handling, patience_s=patience)
    level, wait, left = _simulated(load, agents, 13.0, 400_000, seed=13)
    told = outlook(load, agents, 13.0)
    assert told.level == pytest.approx(level, abs=0.008)
    assert told.abandon == pytest.approx(left, abs=0.008)
    assert told.asa_s == pytest.approx(wait, rel=0.04)


def test_more_agents_are_never_worse_and_the_fewest_that_suffice_are_found() -> None:
    """Level grows with every agent; one fewer than the answer misses the goal; extremes stay within 0..1."""
    load = Load(per_s=130 / 3600, handling_s=170.0, patience_s=45.0)
    levels = [outlook(load, n, 13.0).level for n in range(30)]
    assert levels == sorted(levels)
    need = agents_for(load, 0.9, 13.0)
    assert need is not None
    assert levels[need - 1] < 0.9 <= levels[need]
    for wild in (
        Load(per_s=5.0, handling_s=180.0, patience_s=30.0),
        Load(per_s=1e-6, handling_s=5.0, patience_s=1.0),
        Load(per_s=0.5, handling_s=300.0, patience_s=1e7),
    ):
        for n in (0, 1, 40, 2000):
            told = outlook(wild, n, 13.0)
            assert 0.0 <= told.level <= 1.0
            assert 0.0 <= told.abandon <= 1.0
            assert 0.0 <= told.occupancy <= 1.0
    for bad in ((0.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (1.0, 0.0), (100.0, 1000.0)):
        with pytest.raises(ValueError, match="load"):
            Load(per_s=bad[0], handling_s=bad[1], patience_s=60.0)


def test_the_numeric_library_is_loaded_when_it_is_asked_for() -> None:
    """Starting the service costs nothing for what nobody has asked yet."""
    code = "import sys, cti.app, cti.board.whatif; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
