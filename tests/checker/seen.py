"""I8-I11: what reached people's screens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.checker.account import Account, Client, Connection

BACK_S = 1.0
KNOWN_S, CUT_S = 3.0, 6.0
READS_S = 0.3
"A page that came this shortly before the end of a pop need not have drawn it."


def _clients(account: Account) -> dict[str, list[Client]]:
    found: dict[str, list[Client]] = {}
    for client in account.clients or ():
        found.setdefault(client.agent, []).append(client)
    return found


def _was_there(connection: Connection, at: float, until: float) -> bool:
    """True if the page was connected, and reading, for some of that time."""
    if connection.snapshot_at is None:
        return False
    return min(connection.until, until) - max(connection.snapshot_at, at) > READS_S


def i8_pop_once(account: Account) -> Iterator[str]:
    """I8: every pop that was due is shown, once: no page draws one visit twice, and none waits for one in vain."""
    clients = _clients(account)
    for due in account.due or ():
        for client in clients.get(due.agent, ()):
            there = any(_was_there(connection, due.at, due.until) for connection in client.connections)
            if there and not any(shown.visit == due.visit for shown in client.shown):
                yield f"{due.agent} was never shown {due.visit}"
    for client in account.clients or ():
        for visit, many in Counter(shown.visit for shown in client.shown).items():
            if many > 1:
                each = ", ".join(f"{shown.pop} at {shown.at:.3f}" for shown in client.shown if shown.visit == visit)
                yield f"{client.agent} was shown {visit} {many} times: {each}"
    for what, many in Counter(account.told or ()).items():
        if many > 1:
            yield f"{what} was told {many} times"


def i9_pop_survives(account: Account) -> Iterator[str]:
    """I9: who comes back while his call lasts has its pop in the first snapshot, within a second."""
    clients = _clients(account)
    for due in account.due or ():
        for client in clients.get(due.agent, ()):
            for connection in client.connections:
                asked = connection.at
                if not (due.at + READS_S < asked and asked + BACK_S < min(due.until, connection.until)):
                    continue
                if connection.snapshot_at is None or connection.snapshot_at - asked > BACK_S:
                    yield f"{due.agent} came back at {asked:.3f} and got no snapshot within {BACK_S} s"
                elif due.visit not in connection.pops:
                    yield f"{due.agent} came back at {asked:.3f} without the pop of {due.visit}"


def i10_stale_is_shown(account: Account) -> Iterator[str]:
    """I10: the banner stands 3 s after the service knows, 6 s after the cut, and as long as nothing newer is heard."""
    for outage in account.outages or ():
        due = outage.cut_at + CUT_S
        if outage.known_at is not None:
            due = min(due, outage.known_at + KNOWN_S)
        if due >= outage.live_at:
            continue
        for client in account.clients or ():
            if not any(c.at <= outage.cut_at and c.until >= outage.live_at for c in client.connections):
                continue
            stands = [on for at, on in client.stale if at <= due][-1:] == [True]
            taken = [at for at, on in client.stale if due < at < outage.live_at and not on]
            if not stands:
                yield f"{client.agent} has no banner at {due:.3f}, the PBX was cut at {outage.cut_at:.3f}"
            elif taken:
                yield f"{client.agent} lost the banner at {taken[0]:.3f}, the PBX was back at {outage.live_at:.3f}"


def i11_versions(account: Account) -> Iterator[str]:
    """I11: numbers grow by one; after a jump nothing is taken but a snapshot."""
    for stream in account.streams or ():
        last: int | None = None
        for number, snapshot in stream.taken:
            if not snapshot and (last is None or number != last + 1):
                yield f"{stream.topic}: {number} was taken after {last}"
            last = number
