"""A message's status only rises, and the pop's section is the messages of all the customer's numbers."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from cti.sms import record
from cti.sms.model import RANK, SmsMessage, Status, merged
from cti.store import Store

STATUSES = st.sampled_from(sorted(RANK))


@given(st.lists(STATUSES, min_size=1, max_size=6))
def test_a_status_never_goes_backwards(reports: list[Status]) -> None:
    """Whatever reports come in whatever order, the rank never falls."""
    status = reports[0]
    for report in reports[1:]:
        rank = RANK[status]
        status = merged(status, report)
        assert RANK[status] >= rank


def test_the_order_of_reports_does_not_matter() -> None:
    """All orders of the reports of a delivered message end in delivered."""
    for order in permutations(("queued", "sent", "delivered", "sent")):
        status: Status = "queued"
        for report in order:
            status = merged(status, "sent" if report == "sent" else "delivered" if report == "delivered" else "queued")
        assert status == "delivered"


def test_the_section_holds_all_numbers_newest_first() -> None:
    """Messages of every number of the customer stand in one list, newest first, with the count of all."""
    store = Store.open("sqlite://")
    store.add_sms(
        [
            SmsMessage(
                id=f"m{n}", at=float(n), direction="in", number="x", key=f"k{n % 3}", text="t", status="received"
            )
            for n in range(30)
        ]
    )
    items, total = record.section(store, ["k0", "k1"], limit=5)
    assert ([item.id for item in items], total) == (["m28", "m27", "m25", "m24", "m22"], 20)
    assert record.section(store, ["k2"], limit=50)[1] == 10
    assert record.section(store, []) == ([], 0)
    store.close()
