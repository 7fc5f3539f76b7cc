"""One checker for every run, simulated or real: invariants I1-I20 over the account of a run. See README.md."""

from __future__ import annotations

from tests.checker.account import Account
from tests.checker.invariants import INVARIANTS, evaluate, looked_at

__all__ = ["INVARIANTS", "Account", "evaluate", "looked_at"]
