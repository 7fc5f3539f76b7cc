"""Whether what the service stored agrees with the PBX's own books: the account of a run, for the checker.

Counts come from queue_log line by line, waits from the channel event log; ours are read from the database by SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.asterisk.daemon_process import DaemonProcess
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.truth import TrueCall, read_books, truth_of
from tests.checker import Account, evaluate
from tests.checker import account as checked
from tests.checker.books import our_calls, reported_tally, tally_of, true_calls

EXACT_S = 0.1
WHOLE_S = 1.1
"""Where there were cuts: what is filled in from queue_log afterwards has whole seconds, and a machine that starts the
daemon anew has Asterisk's two books apart by more than EXACT_S."""
EDGE_S = 1.0
"A call this near to a hole's end may be marked or not."


@dataclass(frozen=True)
class Stored:
    """What the service has in its database."""

    calls: list[checked.OurCall]
    counted: checked.Tally
    "What the reports count."

    @property
    def filled(self) -> set[str]:
        """Calls marked as completed from queue_log."""
        return {call.id for call in self.calls if call.filled}


def stored(daemon: DaemonProcess) -> Stored:
    """Read it."""
    return Stored(our_calls(daemon.ask), reported_tally(daemon.ask))


@dataclass(frozen=True)
class Books:
    """What the PBX wrote."""

    tally: checked.Tally
    calls: list[TrueCall]
    truth: list[checked.TrueCall]


def books_of(pbx: RealAsterisk) -> Books:
    """Read both books."""
    queue_log, cel = pbx.books()
    trunk = pbx.site.names.trunk
    calls = truth_of(*read_books(queue_log, cel), trunk)
    return Books(tally_of(queue_log), calls, true_calls(queue_log, cel, trunk))


def disagreements(
    books: Books, ours: Stored, holes: Sequence[tuple[float, float]], *, lossy: bool = False
) -> list[str]:
    """Every point on which the two do not agree, a sentence each. `holes`: when the service did not see the PBX.

    `lossy`: the link told less, more or otherwise than the PBX did, so any call may be marked and no time is exact.
    """
    account = Account(
        holes=holes,
        lossy=lossy,
        slack=checked.Slack(WHOLE_S if holes else EXACT_S, WHOLE_S, EDGE_S),
        truth=books.truth,
        calls=ours.calls,
        tally=books.tally,
        reported=ours.counted,
    )
    return evaluate(account, must=("I1", "I2", "I3", "I4", "I5", "I6", "I18"))
