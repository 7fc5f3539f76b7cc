"""All invariants by their ids, what each needs of an account, and the one function that evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from tests.checker import counted, kept, seen
from tests.checker.account import Account


class Invariant(NamedTuple):
    """One of them."""

    check: Callable[[Account], Iterator[str]]
    "A sentence for each breach."
    needs: tuple[tuple[str, ...], ...]
    "Parts of the account: it can be evaluated where all of one of these groups are there."


INVARIANTS: dict[str, Invariant] = {
    "I1": Invariant(counted.i1_no_call_missing, (("truth", "calls"),)),
    "I2": Invariant(counted.i2_one_row_a_visit, (("calls",),)),
    "I3": Invariant(counted.i3_outcomes, (("truth", "calls"),)),
    "I4": Invariant(counted.i4_times, (("truth", "calls"),)),
    "I5": Invariant(counted.i5_counts, (("tally", "calls"), ("tally", "reported"), ("figures", "truth"))),
    "I6": Invariant(counted.i6_no_ghost, (("rest",), ("truth", "calls"))),
    "I7": Invariant(counted.i7_state, (("states",),)),
    "I8": Invariant(seen.i8_pop_once, (("due", "clients"), ("told",))),
    "I9": Invariant(seen.i9_pop_survives, (("due", "clients"),)),
    "I10": Invariant(seen.i10_stale_is_shown, (("outages", "clients"),)),
    "I11": Invariant(seen.i11_versions, (("streams",),)),
    "I12": Invariant(kept.i12_bounded_memory, (("memory",), ("buffers",))),
    "I13": Invariant(kept.i13_action_at_most_once, (("commands",),)),
    "I14": Invariant(kept.i14_nothing_unauthorised, (("forged",), ("refused",), ("deliveries",))),
    "I15": Invariant(kept.i15_acknowledged_is_durable, (("acknowledged", "stored"),)),
    "I16": Invariant(kept.i16_quiet_logs, (("log",),)),
    "I17": Invariant(kept.i17_one_writer, (("written",),)),
    "I18": Invariant(counted.i18_time_goes_forward, (("calls",), ("buckets",))),
    "I19": Invariant(kept.i19_audit_first, (("effects",),)),
    "I20": Invariant(kept.i20_ready_is_honest, (("ready", "unusable"),)),
}


_NEEDS = {id: [frozenset(group) for group in one.needs] for id, one in INVARIANTS.items()}
_PARTS = frozenset().union(*(group for groups in _NEEDS.values() for group in groups))


def looked_at(account: Account) -> set[str]:
    """Ids of the invariants that this account has the parts for."""
    there = {part for part in _PARTS if getattr(account, part) is not None}
    return {id for id, groups in _NEEDS.items() if any(group <= there for group in groups)}


def evaluate(account: Account, must: Collection[str] = ()) -> list[str]:
    """Every breach, `I4: ...`; empty when all held. `must`: ids that this run was made to prove."""
    looked = looked_at(account)
    found = [f"{id}: not looked at" for id in sorted(set(must) - looked)]
    for id, one in INVARIANTS.items():
        if id in looked:
            found += [f"{id}: {text}" for text in one.check(account)]
    return found
